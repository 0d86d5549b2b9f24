// A ledger for the tests of this package: the real log, read models, verifier and use cases behind a server.

package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/scim"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// world is a ledger with one organization, its owner, and its identity provider's token.
type world struct {
	t         *testing.T
	url       string // of the database
	log       *eventstore.Log
	views     *projections.Views
	verifier  *verifier.Verifier
	directory *aggregate.Directory
	server    *httptest.Server
	org, user uuid.UUID
	token     string // of the identity provider
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ring := keyring.Generate()
	url := eventstoretest.Postgres(t)
	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: make([]byte, 32)})
	must(t, err)
	w := &world{t: t, url: url, log: eventstoretest.Start(t, eventstore.Config{URL: url, Keys: ring})}
	pool, err := projections.OpenPool(t.Context(), url, eventstore.DefaultSchema)
	must(t, err)
	t.Cleanup(pool.Close)
	runner, err := projections.NewRunner(t.Context(), projections.RunnerConfig{Log: w.log, Pool: pool, Projections: projections.All()})
	must(t, err)
	w.views = projections.NewViews(pool, runner)
	w.verifier = verifier.New(verifier.Config{Log: w.log, Sources: w.views, Peppers: peppers})
	w.run(runner.Run)
	w.run(w.verifier.Run)
	tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: w.log}, Peppers: peppers}
	w.directory = &aggregate.Directory{Tokens: tokens, Index: w.views}
	begun, err := w.directory.Initialize(t.Context(), aggregate.Initialization{
		Origin: w.log.Origin(), Organization: "acme", Owner: aggregate.Profile{Email: "ada@example.com", DisplayName: "Ada"},
	})
	must(t, err)
	w.org, w.user = begun.Organization, begun.User
	w.server = httptest.NewServer(scim.New(scim.Config{
		Directory: w.directory, Views: w.views, Verifier: w.verifier, Log: w.log, Limits: failures.New(nil),
	}))
	t.Cleanup(w.server.Close)
	w.token = w.organizationToken("user:write")
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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

func person(user uuid.UUID) aggregate.Call {
	return aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(user), User: user}}
}

func (w *world) settle(at events.Position) {
	w.t.Helper()
	must(w.t, w.verifier.Wait(w.t.Context(), at))
}

func (w *world) organizationToken(scopes ...string) string {
	w.t.Helper()
	out, err := w.directory.Tokens.CreateOrganizationToken(w.t.Context(), person(w.user), aggregate.NewOrganizationToken{
		Organization: w.org, NewToken: aggregate.NewToken{Name: "idp", Scopes: scopes},
	})
	must(w.t, err)
	w.settle(out.Receipt.Last())
	return out.Value.Reveal()
}

func (w *world) personalToken(user uuid.UUID, organizations ...uuid.UUID) (uuid.UUID, string) {
	w.t.Helper()
	out, err := w.directory.Tokens.CreatePersonalToken(w.t.Context(), person(user), aggregate.NewPersonalToken{
		Organizations: organizations, NewToken: aggregate.NewToken{Name: "laptop"},
	})
	must(w.t, err)
	w.settle(out.Receipt.Last())
	return out.ID, out.Value.Reveal()
}

// join makes a member in a role.
func (w *world) join(role events.Role, email string) uuid.UUID {
	w.t.Helper()
	made, err := w.directory.CreateUser(w.t.Context(), person(w.user), aggregate.NewUser{
		Organization: w.org, Role: role, Profile: aggregate.Profile{Email: email},
	})
	must(w.t, err)
	return made.ID
}

// answer is what a request was answered with.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// send makes a request with the provider's token; headers are "Name: value".
func (w *world) send(method, path string, body any, headers ...string) answer {
	w.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		must(w.t, err)
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+scim.Prefix+path, reader)
	must(w.t, err)
	r.Header.Set("Content-Type", "application/scim+json")
	r.Header.Set("Authorization", "Bearer "+w.token)
	for _, h := range headers {
		key, v, _ := strings.Cut(h, ": ")
		if r.Header.Set(key, v); v == "" {
			r.Header.Del(key)
		}
	}
	response, err := w.server.Client().Do(r)
	must(w.t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	must(w.t, err)
	a := answer{t: w.t, status: response.StatusCode, header: response.Header, raw: string(raw)}
	if len(raw) > 0 {
		if got := response.Header.Get("Content-Type"); got != "application/scim+json" {
			w.t.Errorf("%s %s: Content-Type %q", method, path, got)
		}
		must(w.t, json.Unmarshal(raw, &a.body))
	}
	return a
}

// at gives a value of the body: "emails.0.value".
func (a answer) at(path string) string {
	a.t.Helper()
	var v any = a.body
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i := 0
			_, _ = fmt.Sscan(step, &i)
			if v = nil; i < len(in) {
				v = in[i]
			}
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// is checks the status, and with it that a failure has SCIM's form.
func (a answer) is(status int, scimType string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	if status >= 400 && (a.at("status") != fmt.Sprint(status) || a.at("scimType") != scimType || a.at("detail") == "" ||
		a.at("schemas.0") != "urn:ietf:params:scim:api:messages:2.0:Error") {
		a.t.Fatalf("not the error %d %q: %s", status, scimType, a.raw)
	}
	return a
}

type object = map[string]any

// jensen is a user as providers describe one.
func jensen(email string) object {
	return object{
		"schemas":  []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},
		"userName": email, "externalId": "ext-" + email, "displayName": "Barbara Jensen", "active": true, "password": "t1meMa$heen",
		"name": object{"givenName": "Barbara", "familyName": "Jensen"}, "title": "Tour Guide",
		"emails": []object{{"value": email, "type": "work", "primary": true}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": object{"department": "Tours"},
	}
}

func (w *world) create(email string) string {
	w.t.Helper()
	return w.send("POST", "Users", jensen(email)).is(http.StatusCreated, "").at("id")
}

func patch(operations ...object) object {
	return object{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": operations}
}
