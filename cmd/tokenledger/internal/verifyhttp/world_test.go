// A ledger for the tests of this package: the real log, verifier and use cases, behind the public interface on a real server.

package verifyhttp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// world is a ledger with one organization, its owner, and a token to ask with.
type world struct {
	t        *testing.T
	log      *eventstore.Log
	tokens   *aggregate.Tokens
	verifier *verifier.Verifier
	limits   *failures.Limits
	server   *httptest.Server
	logged   *logBuffer
	org      uuid.UUID
	user     uuid.UUID
	gateway  string // a token of the organization with token:introspect
	index    int
	stop     func() // ends the verifier, which records what it has counted
}

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

type noSources struct{}

func (noSources) Source(context.Context, uuid.UUID, events.TrailID, string, string) (events.Position, bool, error) {
	return 0, false, nil
}

func (noSources) LastUse(context.Context, uuid.UUID, events.TrailID, events.Position) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

const issuer = "urn:tokenledger:test"

// newWorld has proxies on the loopback, where its clients are; a change may say otherwise.
func newWorld(t *testing.T, change ...func(*verifyhttp.Config)) *world {
	t.Helper()
	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: make([]byte, 32)})
	must(t, err)
	w := &world{t: t, log: eventstoretest.Open(t), limits: failures.New(nil), logged: &logBuffer{}}
	logger := slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.tokens = &aggregate.Tokens{Handler: &aggregate.Handler{Log: w.log}, Peppers: peppers}
	w.verifier = verifier.New(verifier.Config{Log: w.log, Sources: noSources{}, Peppers: peppers, Logger: logger})
	w.run()
	w.org, w.user = w.organization()
	w.gateway = w.token("gateway", "token:introspect").value
	c := verifyhttp.Config{
		Verifier: w.verifier, MayVerify: mayVerify, Revoke: w.revoke, Issuer: issuer, Limits: w.limits, Logger: logger,
		Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	for _, f := range change {
		f(&c)
	}
	public := httpd.Public{
		Query: http.NotFoundHandler(), Sealed: http.NotFoundHandler(), Auth: &httpd.Authenticator{Verifier: w.verifier, Limits: c.Limits},
		Verification: verifyhttp.New(c), Logger: logger,
	}
	w.server = httptest.NewServer(public.Handler())
	t.Cleanup(w.server.Close)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.verifier.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(w.stop)
}

func mayVerify(s verifier.Subject) bool {
	return aggregate.Authorize(s.Principal(), aggregate.Standing{Role: s.Role}, aggregate.OpVerifyTokens) == nil
}

func (w *world) revoke(ctx context.Context, s verifier.Subject, requestID string) error {
	call := aggregate.Call{Principal: aggregate.Service("bearer"), Correlation: requestID}
	_, err := w.tokens.Revoke(ctx, call, aggregate.TokenRef{Kind: s.Kind, ID: s.Token}, "reported by bearer")
	var refused *aggregate.Refusal
	if errors.As(err, &refused) && refused.Code == aggregate.CodeConflict {
		return nil
	}
	return err
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (w *world) append(stream events.StreamID, trail events.TrailID, facts ...events.Event) {
	w.t.Helper()
	r, err := w.log.Append(w.t.Context(), events.Request{Batches: []events.Batch{{
		Stream: stream, Trail: trail, Meta: events.Meta{Actor: events.System("test")}, Events: facts,
	}}})
	must(w.t, err)
	must(w.t, w.verifier.Wait(w.t.Context(), r.Last()))
}

// organization founds one with an owner of its own.
func (w *world) organization() (org, owner uuid.UUID) {
	w.t.Helper()
	org, owner = newID(), newID()
	trail := events.OrganizationTrail(org)
	w.append(events.OrganizationStream(org), trail, events.OrganizationCreated{Index: int64(w.index), Name: "o" + org.String()[30:], DisplayName: "O"})
	w.index++
	w.append(events.UserStream(owner), events.UserTrail(owner), events.UserCreated{})
	w.append(events.MembershipStream(org, owner), trail, events.MembershipStarted{Organization: org, User: owner, Role: events.RoleOwner})
	return org, owner
}

// token is a token that a test made.
type token struct {
	id    uuid.UUID
	value string
}

func (w *world) token(name string, scopes ...string) token {
	w.t.Helper()
	return w.tokenOf(w.org, w.user, aggregate.NewToken{Name: name, Scopes: scopes})
}

func (w *world) tokenOf(org, owner uuid.UUID, in aggregate.NewToken) token {
	w.t.Helper()
	out, err := w.tokens.CreateOrganizationToken(w.t.Context(), person(owner), aggregate.NewOrganizationToken{Organization: org, NewToken: in})
	must(w.t, err)
	must(w.t, w.verifier.Wait(w.t.Context(), out.Receipt.Last()))
	return token{out.ID, out.Value.Reveal()}
}

func (w *world) personal(owner uuid.UUID, scopes []string, organizations ...uuid.UUID) token {
	w.t.Helper()
	out, err := w.tokens.CreatePersonalToken(w.t.Context(), person(owner), aggregate.NewPersonalToken{
		Organizations: organizations, NewToken: aggregate.NewToken{Name: "mine", Scopes: scopes},
	})
	must(w.t, err)
	must(w.t, w.verifier.Wait(w.t.Context(), out.Receipt.Last()))
	return token{out.ID, out.Value.Reveal()}
}

func person(user uuid.UUID) aggregate.Call {
	return aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(user), User: user}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request; headers are names and values in turn.
func (w *world) ask(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	must(w.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	must(w.t, err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	must(w.t, err)
	if got := response.Header.Get("Cache-Control"); got != "no-store" {
		w.t.Errorf("%s %s: Cache-Control is %q", method, path, got)
	}
	return answer{response.StatusCode, response.Header, string(read)}
}

// form posts a form as the gateway, or as whoever the headers say.
func (w *world) form(path string, values url.Values, headers ...string) answer {
	w.t.Helper()
	return w.ask(http.MethodPost, path, values.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func (w *world) introspect(values url.Values) answer {
	w.t.Helper()
	return w.form(verifyhttp.PathIntrospect, values, "Authorization", "Bearer "+w.gateway)
}

func bearer(value string) []string { return []string{"Authorization", "Bearer " + value} }

// recorded lists the events of a type, in order.
func recorded[E events.Event](w *world) (found []E, at []events.Recorded) {
	w.t.Helper()
	for r, err := range w.log.ReadAll(w.t.Context(), 0) {
		must(w.t, err)
		if e, ok := r.Event.(E); ok {
			found, at = append(found, e), append(at, r)
		}
	}
	return found, at
}

// awaitRecorded waits for an event of a type, which is recorded behind the answer.
func awaitRecorded[E events.Event](w *world) (E, events.Recorded) {
	w.t.Helper()
	for r, err := range w.log.Subscribe(w.t.Context(), 0) {
		must(w.t, err)
		if e, ok := r.Event.(E); ok {
			return e, r
		}
	}
	w.t.Fatal("the log ended")
	panic("unreachable")
}
