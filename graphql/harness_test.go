// A ledger for tests: the real log, read models, verifier and use cases behind an HTTP server, and callers with real tokens.

package graphql_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/graphql"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// world is a ledger with one organization, whose owner is the operator, too.
type world struct {
	t         *testing.T
	url       string // of the database
	log       *eventstore.Log
	views     *projections.Views
	directory *aggregate.Directory
	verifier  *verifier.Verifier
	server    *httptest.Server
	logged    *logBuffer
	asked     *statements // of the read models
	counts    *tally
	org, user uuid.UUID
	admin     string // the value of the owner's personal token
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newWorld(t *testing.T, change ...func(*graphql.Config)) *world {
	t.Helper()
	ring := keyring.Generate()
	url := eventstoretest.Postgres(t)
	w := &world{t: t, url: url, log: eventstoretest.Start(t, eventstore.Config{URL: url, Keys: ring}), logged: &logBuffer{}, asked: &statements{}, counts: &tally{}}
	active, keys := ring.Peppers()
	versions := map[secret.PepperVersion][]byte{}
	for v, key := range keys {
		versions[secret.PepperVersion(v)] = key
	}
	peppers, err := secret.NewPeppers(secret.PepperVersion(active), versions)
	must(t, err)
	runner := w.readModels(url)
	w.verifier = verifier.New(verifier.Config{Log: w.log, Sources: w.views, Peppers: peppers})
	w.run(runner.Run)
	w.run(w.verifier.Run)
	tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: w.log}, Peppers: peppers}
	w.directory = &aggregate.Directory{Tokens: tokens, Index: w.views}
	begun, err := w.directory.Initialize(t.Context(), aggregate.Initialization{
		Origin: w.log.Origin(), Organization: "acme", DisplayName: "Acme", Owner: aggregate.Profile{Email: "ada@example.com", DisplayName: "Ada"},
	})
	must(t, err)
	w.org, w.user, w.admin = begun.Organization, begun.User, begun.Token.Value.Reveal()
	must(t, w.verifier.Wait(t.Context(), begun.Receipt.Last()))
	must(t, w.views.Wait(t.Context(), begun.Receipt.Last()))
	c := graphql.Config{
		Tokens: tokens, Directory: w.directory, Views: w.views, Fresh: w.views, Log: w.log,
		Verifier: verifying{w.verifier}, Uses: recording{w.verifier, w.counts}, Webhooks: hooks{}, Trials: trying{w.verifier}, Introspection: true,
		CheckTarget: outsideOnly,
		Logger:      slog.New(slog.NewTextHandler(w.logged, nil)),
	}
	for _, f := range change {
		f(&c)
	}
	h, err := graphql.New(c)
	must(t, err)
	w.server = httptest.NewServer(w.authenticate(h))
	t.Cleanup(func() {
		w.server.Close()
		if t.Failed() {
			t.Logf("what was logged:\n%s", w.logged)
		}
	})
	return w
}

// outsideOnly is what the installation may call in tests: no URL with "inside".
func outsideOnly(_ context.Context, url string) error {
	if strings.Contains(url, "inside") {
		return errors.New("this address is private")
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) readModels(url string) *projections.Runner {
	pool, err := projections.OpenTracedPool(w.t.Context(), url, eventstore.DefaultSchema, w.asked)
	must(w.t, err)
	w.t.Cleanup(pool.Close)
	runner, err := projections.NewRunner(w.t.Context(), projections.RunnerConfig{Log: w.log, Pool: pool, Projections: projections.All()})
	must(w.t, err)
	w.views = projections.NewViews(pool, runner)
	return runner
}

// run keeps something going until the test ends.
func (w *world) run(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f(ctx); err != nil && ctx.Err() == nil {
			w.t.Errorf("in the background: %v", err)
		}
	}()
	w.t.Cleanup(func() { cancel(); <-done })
}

type queryKey struct{}

// authenticate is what the HTTP layer does before GraphQL.
func (w *world) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		out.Header().Set("X-Request-ID", id)
		value, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !given {
			next.ServeHTTP(out, r)
			return
		}
		organization, _ := uuid.Parse(r.Header.Get("X-Organization-ID"))
		q := verifier.Query{
			Value: value, Organization: organization, Ledger: true, Address: netip.MustParseAddr("192.0.2.1"), Agent: "test",
			RequestID: id, Via: "graphql",
		}
		asOf := w.verifier.Position()
		s, code, err := w.verifier.Authenticate(r.Context(), q)
		if err != nil || code.Status() == http.StatusUnauthorized && organization == uuid.Nil {
			http.Error(out, "unauthenticated: "+string(code), http.StatusUnauthorized)
			return
		}
		seen, _ := strconv.ParseInt(r.Header.Get("X-Ledger-Position"), 10, 64)
		caller := graphql.Caller{
			Principal: s.Principal(), Role: s.Role, Organizations: s.Organizations, AsOf: asOf, Address: q.Address, Agent: q.Agent,
			RequestID: id, IdempotencyKey: r.Header.Get("Idempotency-Key"), Seen: events.Position(seen),
		}
		if s.Kind == events.OrganizationKind {
			caller.Organizations = []uuid.UUID{s.Organization}
		} else {
			rows, err := w.views.UsersByID(r.Context(), []uuid.UUID{s.User})
			if err != nil {
				http.Error(out, err.Error(), http.StatusServiceUnavailable)
				return
			}
			caller.Operator = rows[s.User].Operator
		}
		if organization != uuid.Nil {
			caller.Organization = organization
		}
		ctx := context.WithValue(r.Context(), queryKey{}, q)
		next.ServeHTTP(out, r.WithContext(graphql.WithCaller(ctx, caller)))
	})
}

// tally counts the uses that were recorded, by action.
type tally struct {
	mu      sync.Mutex // guards actions
	actions []string
}

func (c *tally) add(action string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.actions = append(c.actions, action)
}

func (c *tally) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.actions)
}

// recording implements [graphql.Uses] as the service does.
type recording struct {
	verifier *verifier.Verifier
	counts   *tally
}

func (u recording) Record(ctx context.Context, c graphql.Caller, action, resource string) error {
	u.counts.add(action)
	q := ctx.Value(queryKey{}).(verifier.Query)
	q.Action, q.Resource, q.Organization = action, resource, c.Organization
	var scopes []string
	for name := range strings.SplitSeq(action, ",") {
		if object, verb, ok := (aggregate.Registry{}).ActionScope(name); ok {
			scopes = append(scopes, object+":"+verb)
		}
	}
	if q.Scope = strings.Join(scopes, " "); c.Organization == uuid.Nil {
		q.Action, q.Scope = "", "" // the token's owner is all that is needed
	}
	return refused(u.verifier.Verify(ctx, q))
}

func (u recording) Count(ctx context.Context, c graphql.Caller) error {
	u.counts.add("counted")
	q := ctx.Value(queryKey{}).(verifier.Query)
	q.Organization = c.Organization
	return refused(u.verifier.Authenticated(ctx, q))
}

func refused(d verifier.Decision, err error) error {
	if err != nil || d.Allowed {
		return err
	}
	code := map[verifier.Code]aggregate.Code{
		verifier.SSORequired: aggregate.CodeSSORequired, verifier.ScopeInsufficient: aggregate.CodeForbidden,
		verifier.NotGranted: aggregate.CodeNotFound, verifier.NotMember: aggregate.CodeNotFound,
		verifier.OtherOrganization: aggregate.CodeNotFound,
	}[d.Code]
	if code == "" {
		code = aggregate.CodeUnauthenticated
	}
	return &aggregate.Refusal{Code: code, Message: string(d.Code)}
}

// verifying implements [graphql.Verifier] as the service does.
type verifying struct{ verifier *verifier.Verifier }

func (v verifying) Verify(ctx context.Context, u graphql.Use) (graphql.Verdict, error) {
	d, err := v.verifier.Verify(ctx, verifier.Query{
		Value: u.Value, Organization: u.Organization, Action: u.Action, Resource: u.Resource, Scope: u.Scope,
		Address: u.Address, Agent: u.Agent, RequestID: u.Correlation, Trace: u.Trace, Via: "graphql",
	})
	if err != nil || !d.Allowed {
		return graphql.Verdict{Code: string(d.Code), Policy: d.Policy}, err
	}
	subject := d.User
	if d.Kind == events.OrganizationKind {
		subject = d.Token
	}
	return graphql.Verdict{
		Allowed: true, Code: "ALLOWED", Policy: d.Policy, Token: d.Token, Subject: subject.String(), Organization: d.Organization,
		Scopes: d.Scopes, ExpiresAt: d.ExpiresAt, Position: d.Position,
	}, nil
}

// token is a token that a test made.
type token struct{ id, value string }

const createAPIToken = `mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { apiToken { id token } receipt { position } } }`

// apiToken makes an organization token.
func (w *world) apiToken(name string, scopes ...string) token {
	w.t.Helper()
	a := w.ask(createAPIToken, vars{"input": vars{"name": name, "scopes": scopes}})
	return w.usable(token{a.at("createAPIToken.apiToken.id"), a.at("createAPIToken.apiToken.token")})
}

// usable is a token that verifier and read models know of.
func (w *world) usable(k token) token {
	w.t.Helper()
	w.settle()
	return k
}

// settle waits until verifier and read models know of everything so far, as it
// takes where one caller is to see what another did.
func (w *world) settle() {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	must(w.t, err)
	must(w.t, w.verifier.Wait(w.t.Context(), head))
	for { // a busy machine may need more than the time that a request waits
		err := w.views.Wait(w.t.Context(), head)
		if err == nil {
			return
		}
		if !errors.Is(err, projections.ErrStale) {
			w.t.Fatal(err)
		}
	}
}

// member makes a user with a role in the organization, and a personal token of his.
func (w *world) member(name string, role events.Role, scopes ...string) (user uuid.UUID, value string) {
	w.t.Helper()
	a := w.ask(`mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }`,
		vars{"input": vars{"email": name + "@example.com", "displayName": name, "role": strings.ToUpper(string(role))}})
	user = uuid.MustParse(a.at("createUser.user.id"))
	return user, w.personalToken(user, scopes, w.org)
}

// personalToken makes a token of a user as that user, signed in.
func (w *world) personalToken(user uuid.UUID, scopes []string, organizations ...uuid.UUID) string {
	w.t.Helper()
	call := aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(user), User: user}}
	out, err := w.directory.Tokens.CreatePersonalToken(w.t.Context(), call, aggregate.NewPersonalToken{
		Organizations: organizations, NewToken: aggregate.NewToken{Name: "mine", Scopes: scopes},
	})
	must(w.t, err)
	return w.usable(token{value: out.Value.Reveal()}).value
}

// organization founds another organization with an owner of its own.
func (w *world) organization(name string) (org, owner uuid.UUID, value string) {
	w.t.Helper()
	a := w.ask(`mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) { organization { id } receipt { events { type stream } } } }`,
		vars{"input": vars{"name": name, "ownerEmail": name + "@example.com"}})
	org = uuid.MustParse(a.at("createOrganization.organization.id"))
	for _, e := range a.any("createOrganization.receipt.events").([]any) {
		if e := e.(map[string]any); e["type"] == "user.created" {
			owner, _, _ = events.StreamID(e["stream"].(string)).IDs()
		}
	}
	return org, owner, w.personalToken(owner, nil, org)
}

// soon is a deadline.
func soon() string { return time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano) }

// trying tries drafts of policies on the verifier.
type trying struct{ verifier *verifier.Verifier }

func (v trying) Trial(organization uuid.UUID, draft events.Policy) (graphql.PolicyTrial, bool) {
	t, ok := v.verifier.Trial(organization, draft)
	return tried{t}, ok
}

type tried struct{ *verifier.Trial }

func (t tried) Refuses(u graphql.PastUse) string { return string(t.Trial.Refuses(verifier.PastUse(u))) }

func (t tried) Remember(u graphql.PastUse) { t.Trial.Remember(verifier.PastUse(u)) }
