// What there is too much of, and who takes too long.

package httpd

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/fair"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// known is a verifier that takes an organization's id for the value of its token.
type known struct{}

func (known) Authenticate(_ context.Context, q verifier.Query) (verifier.Subject, verifier.Code, error) {
	id, err := uuid.Parse(q.Value)
	if err != nil {
		return verifier.Subject{}, verifier.Unknown, nil
	}
	return verifier.Subject{Kind: events.OrganizationKind, Token: uuid.New(), Organization: id}, "", nil
}

func (known) Verify(context.Context, verifier.Query) (verifier.Decision, error) {
	return verifier.Decision{Code: verifier.Unknown}, nil
}

func (known) Position() events.Position { return 1 }

// stalled is a handler whose requests stay until they are let go.
type stalled struct {
	inside chan struct{}
	free   chan struct{}
}

func (s stalled) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.inside <- struct{}{}
	<-s.free
	w.WriteHeader(http.StatusNoContent)
}

func TestAFloodOfOneOrganizationLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	inside := stalled{make(chan struct{}), make(chan struct{})}
	a := &Authenticator{
		Verifier: known{}, PublicSchema: true, SchemaOnly: func([]byte) bool { return true },
		WithCaller: func(ctx context.Context, _ Call) context.Context { return ctx }, Limits: failures.New(nil),
		Rooms: Rooms{Requests: &fair.Room[uuid.UUID]{Most: 9}, Long: &fair.Room[uuid.UUID]{Most: 3}, Anyone: &fair.Room[netip.Prefix]{Most: 1}},
	}
	handler := a.Wrap(inside)
	ended := make(chan int)
	ask := func(value string, change ...string) (answer *http.Response) {
		r := httptest.NewRequest(http.MethodPost, "/query", strings.NewReader("{}"))
		if value != "" {
			r.Header.Set("Authorization", "Bearer "+value)
		}
		for i := 0; i < len(change); i += 2 {
			r.Header.Set(change[i], change[i+1])
		}
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			handler.ServeHTTP(w, r)
			close(done)
		}()
		select {
		case <-inside.inside:
			go func() {
				<-done
				ended <- w.Code
			}()
			return nil
		case <-done:
			return w.Result()
		}
	}
	flood, other := uuid.NewString(), uuid.NewString()
	stays := func(what, value string, change ...string) {
		t.Helper()
		if answer := ask(value, change...); answer != nil {
			t.Errorf("%s: %d", what, answer.StatusCode)
		}
	}
	busy := func(what, value string, change ...string) {
		t.Helper()
		answer := ask(value, change...)
		if answer == nil {
			t.Fatalf("%s is let in", what)
		}
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "1" || !strings.Contains(string(body), "UNAVAILABLE") {
			t.Errorf("%s: %d %v %s", what, answer.StatusCode, answer.Header, body)
		}
	}
	for range 6 {
		stays("the flood", flood)
	}
	busy("one more of the flood", flood)
	busy("the flood under another organization's name", flood, "X-Organization-ID", other)
	stays("another organization", other)
	stays("nobody, who reads the schema", "")
	busy("a second one", "")
	stream := []string{"Accept", "text/event-stream"}
	stays("a subscription beside the flood", flood, stream...)
	stays("a subscription beside the flood", flood, stream...)
	busy("a third subscription", flood, stream...)
	stays("a subscription of another organization", other, stream...)
	if answer := ask("no token"); answer == nil || answer.StatusCode != http.StatusUnauthorized {
		t.Error("a bad token is not refused as one while there is no room")
	}
	close(inside.free)
	for range 6 + 1 + 1 + 3 {
		if code := <-ended; code != http.StatusNoContent {
			t.Errorf("a request that was let in is answered %d", code)
		}
	}
	if r, l := a.Rooms.Requests.State(), a.Rooms.Long.State(); r.Inside+l.Inside != 0 || r.Refused != 2 || l.Refused != 1 {
		t.Errorf("left are %+v and %+v", r, l)
	}
}

// A client that takes its time to send and to read does not make the room smaller; a
// service that takes its time to answer does.
func TestSlowClientsMakeNoRoomSmaller(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client, service time.Duration
		smaller         bool
	}{
		"a slow client": {client: 20 * time.Second}, "a slow service": {service: 20 * time.Second, smaller: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			room := &fair.Room[uuid.UUID]{Most: 100, Least: 10, Target: 500 * time.Millisecond}
			a := &Authenticator{
				Verifier: known{}, WithCaller: func(ctx context.Context, _ Call) context.Context { return ctx }, Rooms: Rooms{Requests: room},
			}
			handler := a.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != "{}" {
					t.Errorf("%s: read %q, %v", name, body, err)
				}
				time.Sleep(c.service)
				_, _ = io.WriteString(w, "{}")
			}))
			r := httptest.NewRequest(http.MethodPost, "/query", late{strings.NewReader("{}"), c.client})
			r.Header.Set("Authorization", "Bearer "+uuid.NewString())
			w := httptest.NewRecorder()
			handler.ServeHTTP(lateReader{w, c.client}, r)
			if s := room.State(); w.Body.String() != "{}" || s.Inside != 0 || s.Limit < 100 != c.smaller {
				t.Errorf("%s: %q, %+v", name, w.Body, s)
			}
		})
	}
}

// late is a body that is long in coming.
type late struct {
	io.Reader
	by time.Duration
}

func (l late) Read(b []byte) (int, error) {
	time.Sleep(l.by)
	return l.Reader.Read(b)
}

// lateReader is a client that reads slowly.
type lateReader struct {
	http.ResponseWriter
	by time.Duration
}

func (l lateReader) Write(b []byte) (int, error) {
	time.Sleep(l.by)
	return l.ResponseWriter.Write(b)
}

func TestWhoPays(t *testing.T) {
	t.Parallel()
	user, token, org, other := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	for name, c := range map[string]struct {
		s    verifier.Subject
		want uuid.UUID
	}{
		"an organization's token":                  {verifier.Subject{Kind: events.OrganizationKind, Token: token, Organization: org}, org},
		"a member":                                 {verifier.Subject{User: user, Organization: org, Organizations: []uuid.UUID{org}}, org},
		"a personal token, granted":                {verifier.Subject{Kind: events.PersonalKind, User: user, Organization: org, Organizations: []uuid.UUID{other, org}}, org},
		"a personal token that names a stranger's": {verifier.Subject{Kind: events.PersonalKind, User: user, Organization: org, Organizations: []uuid.UUID{other}}, user},
		"a token of nobody and nothing":            {verifier.Subject{Kind: events.PersonalKind, Token: token}, token},
	} {
		if got := payer(c.s); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestCompressedBodiesAreNotTaken(t *testing.T) {
	t.Parallel()
	for encoding, want := range map[string]bool{"": false, "identity": false, "Identity ": false, "gzip": true, "gzip, identity": true, "br": true, "x": true} {
		h := http.Header{}
		if encoding != "" {
			h.Set("Content-Encoding", encoding)
		}
		if got := Encoded(h); got != want {
			t.Errorf("%q: %v", encoding, got)
		}
	}
}

// Nobody's body is read further than a question about the schema is long.
func TestNobodysBodyIsRead(t *testing.T) {
	t.Parallel()
	a := &Authenticator{Verifier: known{}, PublicSchema: true, SchemaOnly: func(body []byte) bool {
		if len(body) > maxQuery {
			t.Errorf("%d bytes are read", len(body))
		}
		return false
	}}
	r := httptest.NewRequest(http.MethodPost, "/query", io.LimitReader(endless{}, 64<<20))
	w := httptest.NewRecorder()
	a.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// What needs no credential and asks the database is shared by client, also behind a proxy.
func TestNobodysRequestsAreSharedByClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		handler := bounded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-free }), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Rooms{})
		ask := func(client string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodGet, "/checkpoint", nil)
			r.RemoteAddr = "10.0.0.1:1234"
			r.Header.Set("X-Forwarded-For", client)
			w := httptest.NewRecorder()
			go handler.ServeHTTP(w, r)
			return w
		}
		var flood []*httptest.ResponseRecorder
		for range 96 {
			flood = append(flood, ask("192.0.2.1"))
		}
		time.Sleep(time.Second) // the refusals are held back
		other := ask("192.0.2.2")
		time.Sleep(time.Second)
		close(free)
		synctest.Wait()
		refused := 0
		for _, w := range flood {
			if w.Code == http.StatusServiceUnavailable {
				refused++
			}
		}
		if refused == 0 || other.Code != http.StatusOK {
			t.Errorf("%d of the flood are refused, another client behind the same proxy gets %d", refused, other.Code)
		}
	})
}

// Whether the service is ready is asked of the database once for all who want to know.
func TestReadinessIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, free := 0, make(chan struct{})
		ready := together(func(ctx context.Context) []Check {
			asked++
			<-free
			return []Check{{Name: "postgres", OK: ctx.Err() == nil}}
		})
		ctx, leave := context.WithCancel(t.Context())
		answers := make(chan []Check, 50)
		for range cap(answers) {
			go func() { answers <- ready(ctx) }()
		}
		synctest.Wait()
		leave() // which takes the answer from nobody else
		close(free)
		for range cap(answers) {
			if a := <-answers; len(a) != 1 || !a[0].OK {
				t.Errorf("%+v", a)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		ready(t.Context())
		if asked != 2 {
			t.Error("who comes later gets what was found before")
		}
	})
}
