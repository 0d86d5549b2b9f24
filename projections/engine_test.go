// The engine and the read models on a real log: exactly once, whoever runs and
// whatever is rebuilt, and nothing skipped.

package projections_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// world is a log with two organizations and a user, and what reads it.
type world struct {
	t      *testing.T
	url    string
	log    *eventstore.Log
	orgs   [2]uuid.UUID
	user   uuid.UUID
	tokens []uuid.UUID // of the first organization
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, url: eventstoretest.Postgres(t), user: newID()}
	w.log = eventstoretest.Start(t, eventstore.Config{URL: w.url, Keys: keyring.Generate()})
	for i := range w.orgs {
		w.orgs[i] = newID()
		w.append(events.OrganizationStream(w.orgs[i]), events.OrganizationTrail(w.orgs[i]),
			events.OrganizationCreated{Index: int64(i), Name: fmt.Sprintf("org%d", i), DisplayName: "An organization"})
	}
	user := events.UserStream(w.user)
	w.append(user, events.UserTrail(w.user), events.UserCreated{Email: events.Personal{Subject: user, Value: "Ada@example.com"}})
	w.append(events.MembershipStream(w.orgs[0], w.user), events.OrganizationTrail(w.orgs[0]),
		events.MembershipStarted{Organization: w.orgs[0], User: w.user, Role: events.RoleOwner})
	return w
}

func (w *world) append(stream events.StreamID, trail events.TrailID, facts ...events.Event) events.Position {
	w.t.Helper()
	r, err := w.log.Append(w.t.Context(), events.Request{Batches: []events.Batch{{
		Stream: stream, Trail: trail, Meta: events.Meta{Actor: events.Person(w.user), Reason: "because"}, Events: facts,
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Last()
}

// token creates an organization token of the first organization.
func (w *world) token(name string) uuid.UUID {
	w.t.Helper()
	id := newID()
	w.append(events.TokenStream(id), w.trail(), events.TokenCreated{
		Kind: events.OrganizationKind, Organization: w.orgs[0], Name: name, Scopes: []string{"evidence:write"}, Fingerprint: name,
	})
	w.tokens = append(w.tokens, id)
	return id
}

func (w *world) trail() events.TrailID { return events.OrganizationTrail(w.orgs[0]) }

// history records some life of some tokens.
func (w *world) history(tokens, uses int) {
	w.t.Helper()
	for i := range tokens {
		w.token(fmt.Sprintf("token %03d", i))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range uses {
		id := w.tokens[random.IntN(len(w.tokens))]
		switch {
		case i%17 == 0:
			w.append(events.TokenStream(id), w.trail(), events.TokenRenamed{Name: fmt.Sprint("renamed ", i)})
		case i%13 == 0:
			w.append(events.TokenStream(id), w.trail(), events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Action: "createRisk"})
		default:
			seen := events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: fmt.Sprintf("192.0.2.%d", i%3)}}
			w.append(events.TokenStream(id), w.trail(), seen, events.TokenUsed{Source: -1, Action: "createEvidence"})
		}
	}
}

// reader is one process's engine.
type reader struct {
	runner *projections.Runner
	views  *projections.Views
	pool   *pgxpool.Pool
	stop   func()
}

func (w *world) reader(all ...projections.Projection) reader {
	w.t.Helper()
	if all == nil {
		all = projections.All()
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	pool, err := projections.OpenPool(ctx, w.url, eventstore.DefaultSchema)
	if err != nil {
		w.t.Fatal(err)
	}
	runner, err := projections.NewRunner(ctx, projections.RunnerConfig{Log: w.log, Pool: pool, Projections: all})
	if err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		pool.Close()
	}
	w.t.Cleanup(stop)
	return reader{runner, projections.NewViews(pool, runner), pool, stop}
}

// caughtUp waits for everything that the log holds.
func (w *world) caughtUp(r reader) {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := r.runner.Wait(w.t.Context(), head)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal(err, r.runner.Status())
		}
	}
}

// dump gives every row of every read model as text, without the names of generations.
func (w *world) dump(r reader) map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	views, err := r.pool.Query(w.t.Context(), `SELECT viewname::text FROM pg_views WHERE schemaname = current_schema() ORDER BY 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	names, err := pgx.CollectRows(views, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names {
		what := "v::text"
		if name == "trails_segments" { // how a trail is cut depends on when its events came
			what = "trail || string_agg(encode(leaves, 'escape'), '' ORDER BY first)"
		}
		sql := "SELECT " + what + " FROM " + name + " v"
		if name == "trails_segments" {
			sql += " GROUP BY trail"
		}
		rows, err := r.pool.Query(w.t.Context(), sql+" ORDER BY 1")
		if err != nil {
			w.t.Fatal(err)
		}
		if out[name], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

func TestExactlyOnceUnderTwoRunnersAndRebuilds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.reader(), w.reader()
	for range 3 { // a third runner that comes and goes in the middle
		c := w.reader()
		w.history(5, 60)
		c.stop()
	}
	w.caughtUp(a)
	w.caughtUp(b)
	before := w.dump(a)
	if len(before) < 10 || len(before["tokens"]) != 15 {
		t.Fatalf("%d views, %d tokens", len(before), len(before["tokens"]))
	}
	for _, p := range projections.All() {
		var reached events.Position
		if err := b.runner.Rebuild(t.Context(), p.Name(), func(done, _ events.Position) { reached = done }); err != nil {
			t.Fatal(err)
		}
		if head, _ := w.log.Head(t.Context()); reached != head {
			t.Errorf("%s: progress ended at %d of %d", p.Name(), reached, head)
		}
	}
	compareDumps(t, before, w.dump(a))
	w.history(1, 20) // both go on with the new generation
	w.caughtUp(a)
	w.caughtUp(b)
	var uses, events_ int64
	if err := a.pool.QueryRow(t.Context(), `SELECT sum(uses)::bigint FROM usage`).Scan(&uses); err != nil {
		t.Fatal(err)
	}
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if _, used := r.Event.(events.TokenUsed); used {
			events_++
		}
	}
	if uses != events_ {
		t.Errorf("the sum of uses is %d, the log has %d", uses, events_)
	}
	if err := a.runner.Rebuild(t.Context(), "nothing", nil); !errors.Is(err, projections.ErrUnknownProjection) {
		t.Errorf("got %v", err)
	}
}

func compareDumps(t *testing.T, want, got map[string][]string) {
	t.Helper()
	for name := range want {
		if !slices.Equal(want[name], got[name]) {
			t.Errorf("%s differs after the rebuild:\n%v\n%v", name, want[name], got[name])
		}
	}
}

func TestTrailsAreByteEqual(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	w.history(4, 200)
	w.caughtUp(r)
	var want []byte
	var all []events.Position
	for rec, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Trail == w.trail() {
			want = append(append(want, rec.Leaf...), '\n')
			all = append(all, rec.Position)
		}
	}
	var got []byte
	if err := r.pool.QueryRow(t.Context(), `SELECT string_agg(leaves, '' ORDER BY first) FROM trails_segments WHERE trail = $1`, string(w.trail())).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error("the segments are not the trail's leaves")
	}
	for _, size := range []int{1, 7, 100} {
		var forward, backward []events.Position
		q := projections.EventQuery{Trail: w.trail(), Count: true}
		for q.Page = (projections.PageArgs{First: &size}); ; {
			p, err := r.views.AuditEvents(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if p.Total != int64(len(all)) || p.HasPrevious != (len(forward) > 0) {
				t.Fatalf("total %d of %d, previous %v after %d", p.Total, len(all), p.HasPrevious, len(forward))
			}
			for _, rec := range p.Nodes() {
				forward = append(forward, rec.Position)
			}
			if !p.HasNext {
				break
			}
			q.Page.After = p.Edges[len(p.Edges)-1].Cursor
		}
		for q.Page = (projections.PageArgs{Last: &size}); ; {
			p, err := r.views.AuditEvents(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			nodes := p.Nodes()
			slices.Reverse(nodes)
			for _, rec := range nodes {
				backward = append(backward, rec.Position)
			}
			if !p.HasPrevious {
				break
			}
			q.Page.Before = p.Edges[0].Cursor
		}
		slices.Reverse(backward)
		if !slices.Equal(forward, all) || !slices.Equal(backward, all) {
			t.Errorf("pages of %d: %d forward and %d backward of %d", size, len(forward), len(backward), len(all))
		}
	}
}

func TestAuditEventFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	w.history(3, 80)
	w.caughtUp(r)
	hundred := 100
	for name, c := range map[string]struct {
		q    projections.EventQuery
		want func(events.Recorded) bool
	}{
		"token":     {projections.EventQuery{Token: w.tokens[1]}, func(r events.Recorded) bool { return r.Stream == events.TokenStream(w.tokens[1]) }},
		"type":      {projections.EventQuery{Types: []events.Type{"token.renamed"}}, func(r events.Recorded) bool { return r.Event.Type() == "token.renamed" }},
		"actor":     {projections.EventQuery{Actor: w.user.String()}, func(events.Recorded) bool { return true }},
		"nobody":    {projections.EventQuery{Actor: "nobody"}, func(events.Recorded) bool { return false }},
		"long ago":  {projections.EventQuery{To: time.Now().Add(-time.Hour)}, func(events.Recorded) bool { return false }},
		"last hour": {projections.EventQuery{From: time.Now().Add(-time.Hour)}, func(events.Recorded) bool { return true }},
	} {
		var want int64
		for rec, err := range w.log.ReadAll(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Trail == w.trail() && c.want(rec) {
				want++
			}
		}
		c.q.Trail, c.q.Count, c.q.Page = w.trail(), true, projections.PageArgs{First: &hundred}
		p, err := r.views.AuditEvents(t.Context(), c.q)
		if err != nil || p.Total != want || int64(len(p.Edges)) != min(want, 100) {
			t.Errorf("%s: %d edges, total %d, %v; want %d", name, len(p.Edges), p.Total, err, want)
		}
	}
}

// poisoned fails at one kind of event.
type poisoned struct{ projections.Projection }

func (poisoned) Name() string { return "poisoned" }
func (p poisoned) Schema(ctx context.Context, tx pgx.Tx, t projections.Tables) error {
	_, err := tx.Exec(ctx, "CREATE TABLE "+t.Name("")+" (position bigint PRIMARY KEY)")
	return err
}

func (poisoned) Revision() int { return 1 }

func (p poisoned) Apply(ctx context.Context, tx pgx.Tx, t projections.Tables, run []events.Recorded) error {
	for _, rec := range run {
		at := int64(rec.Position)
		if _, bad := rec.Event.(events.TokenDeleted); bad {
			at = 1 // is there already
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+t.Name("")+" VALUES ($1)", at); err != nil {
			return err
		}
	}
	return nil
}

func TestAnEventThatCannotBeAppliedStopsItsProjectionAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.token("first")
	bad := w.append(events.TokenStream(id), w.trail(), events.TokenDeleted{})
	last := w.append(events.TokenStream(w.token("second")), w.trail(), events.TokenDescribed{Description: "x"})
	r := w.reader(append(projections.All(), poisoned{})...)
	deadline := time.Now().Add(20 * time.Second)
	for {
		status := r.runner.Status()
		stopped := status[len(status)-1]
		others := slices.IndexFunc(status[:len(status)-1], func(s projections.Status) bool { return s.Position < last || s.Err != nil }) < 0
		if stopped.Err != nil && others {
			if stopped.Position != bad-1 {
				t.Errorf("it stands at %d, the bad event is at %d", stopped.Position, bad)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v", status)
		}
		time.Sleep(time.Millisecond)
	}
	if err := r.runner.Wait(t.Context(), last); !errors.Is(err, projections.ErrStale) {
		t.Errorf("Wait: got %v", err)
	}
}

func TestViewsAnswerTheRulesAndTheVerifier(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	mine := newID()
	personal := events.TokenCreated{Kind: events.PersonalKind, Owner: w.user, Name: "mine", Organizations: []uuid.UUID{w.orgs[0]}, Fingerprint: "f"}
	w.append(events.TokenStream(mine), events.UserTrail(w.user), personal)
	w.append(events.GrantStream(mine, w.orgs[0]), w.trail(), events.GrantGiven{Token: mine, Organization: w.orgs[0], User: w.user, Name: "mine"})
	seen := w.append(events.TokenStream(mine), w.trail(), events.TokenSourceSeen{Address: events.Personal{Subject: events.UserStream(w.user), Value: "192.0.2.7"}})
	w.caughtUp(r)
	ctx := t.Context()
	for name, list := range map[string]func() ([]uuid.UUID, error){
		"grants": func() ([]uuid.UUID, error) { return r.views.GrantsOf(ctx, w.user, w.orgs[0]) },
		"tokens": func() ([]uuid.UUID, error) { return r.views.PersonalTokens(ctx, w.user) },
	} {
		if got, err := list(); err != nil || !slices.Equal(got, []uuid.UUID{mine}) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if got, err := r.views.Owners(ctx, w.orgs[0]); err != nil || !slices.Equal(got, []uuid.UUID{w.user}) {
		t.Errorf("owners: got %v, %v", got, err)
	}
	if got, err := r.views.OrganizationsOf(ctx, w.user); err != nil || !slices.Equal(got, []uuid.UUID{w.orgs[0]}) {
		t.Errorf("organizations: got %v, %v", got, err)
	}
	if got, found, err := r.views.UserByEmail(ctx, "ada@EXAMPLE.com"); err != nil || !found || got != w.user {
		t.Errorf("user: got %v, %v, %v", got, found, err)
	}
	if got, found, err := r.views.Source(ctx, mine, w.trail(), "192.0.2.7", ""); err != nil || !found || got != seen {
		t.Errorf("source: got %v, %v, %v; want %d", got, found, err, seen)
	}
	if _, found, err := r.views.Source(ctx, mine, w.trail(), "192.0.2.7", "curl"); err != nil || found {
		t.Errorf("another source: found %v, %v", found, err)
	}
	if row, found, err := r.views.TokenByFingerprint(ctx, "f"); err != nil || !found || row.ID != mine || len(row.Grants) != 1 {
		t.Errorf("token: got %+v, %v, %v", row, found, err)
	}
	page, err := r.views.Grants(ctx, w.orgs[0], projections.PageArgs{}, true)
	if err != nil || page.Total != 1 || page.Nodes()[0].Token != mine {
		t.Errorf("page of grants: got %+v, %v", page, err)
	}
	members, err := r.views.Members(ctx, w.orgs[0], projections.PageArgs{}, true)
	if err != nil || members.Total != 1 || members.Nodes()[0].RoleAt(time.Now()) != events.RoleOwner {
		t.Errorf("page of members: got %+v, %v", members, err)
	}
}

// TestTokenPages walks lists in every order and both directions.
func TestTokenPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	for i := range 23 {
		id := w.token(fmt.Sprintf("name %d", i%7))
		if i%3 == 0 {
			w.append(events.TokenStream(id), w.trail(), events.TokenUsed{Action: "x"})
		}
		if i%4 == 0 {
			w.append(events.TokenStream(id), w.trail(), events.TokenExpiryChanged{ExpiresAt: time.Now().Add(time.Duration(i) * time.Hour)})
		}
		if i%5 == 0 {
			w.append(events.TokenStream(id), w.trail(), events.TokenRevoked{})
		}
	}
	w.caughtUp(r)
	size := 4
	for _, field := range []string{"", "created_at", "updated_at", "name", "expires_at", "last_used_at", "is_active"} {
		for _, desc := range []bool{false, true} {
			q := projections.TokenQuery{Kind: events.OrganizationKind, Visible: projections.Visibility{Holder: w.orgs[0]}, Now: time.Now(), Count: true}
			if field != "" {
				q.Order = []projections.Order{{Field: field, Desc: desc}}
			}
			var forward, backward []uuid.UUID
			for q.Page = (projections.PageArgs{First: &size}); ; {
				p, err := r.views.Tokens(t.Context(), q)
				if err != nil {
					t.Fatal(field, err)
				}
				if p.Total != 23 {
					t.Fatalf("%s: total %d", field, p.Total)
				}
				for _, row := range p.Nodes() {
					forward = append(forward, row.ID)
				}
				if !p.HasNext {
					break
				}
				q.Page.After = p.Edges[len(p.Edges)-1].Cursor
			}
			for q.Page = (projections.PageArgs{Last: &size}); ; {
				p, err := r.views.Tokens(t.Context(), q)
				if err != nil {
					t.Fatal(field, err)
				}
				nodes := p.Nodes()
				slices.Reverse(nodes)
				for _, row := range nodes {
					backward = append(backward, row.ID)
				}
				if !p.HasPrevious {
					break
				}
				q.Page.Before = p.Edges[0].Cursor
			}
			slices.Reverse(backward)
			distinct := map[uuid.UUID]bool{}
			for _, id := range forward {
				distinct[id] = true
			}
			if len(forward) != 23 || len(distinct) != 23 || !slices.Equal(forward, backward) {
				t.Errorf("%s desc=%v: %d forward, %d distinct, equal backward %v", field, desc, len(forward), len(distinct), slices.Equal(forward, backward))
			}
		}
	}
}

// TestTokenFilters compares filters with what Go says of the rows.
func TestTokenFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	var rows []projections.TokenRow
	for i := range 12 {
		id := w.token(fmt.Sprintf("Name %d", i))
		if i%2 == 0 {
			w.append(events.TokenStream(id), w.trail(), events.TokenRevoked{})
		}
		if i%3 == 0 {
			w.append(events.TokenStream(id), w.trail(), events.TokenTagged{Tags: []string{"red", "blue"}})
		}
	}
	w.caughtUp(r)
	hundred := 100
	ask := func(where map[string]any) ([]projections.TokenRow, error) {
		p, err := r.views.Tokens(t.Context(), projections.TokenQuery{
			Kind: events.OrganizationKind, Visible: projections.Visibility{Holder: w.orgs[0]},
			Where: where, Page: projections.PageArgs{First: &hundred}, Now: time.Now(),
		})
		return p.Nodes(), err
	}
	rows, err := ask(nil)
	if err != nil || len(rows) != 12 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	now := time.Now()
	for name, c := range map[string]struct {
		where map[string]any
		want  func(projections.TokenRow) bool
	}{
		"equal":         {map[string]any{"name": "Name 3"}, func(r projections.TokenRow) bool { return r.Name == "Name 3" }},
		"not equal":     {map[string]any{"nameNEQ": "Name 3"}, func(r projections.TokenRow) bool { return r.Name != "Name 3" }},
		"in":            {map[string]any{"nameIn": []any{"Name 1", "Name 2"}}, func(r projections.TokenRow) bool { return r.Name == "Name 1" || r.Name == "Name 2" }},
		"prefix":        {map[string]any{"nameHasPrefix": "Name 1"}, func(r projections.TokenRow) bool { return len(r.Name) >= 6 && r.Name[:6] == "Name 1" }},
		"fold":          {map[string]any{"nameEqualFold": "nAME 4"}, func(r projections.TokenRow) bool { return r.Name == "Name 4" }},
		"injection":     {map[string]any{"name": "'; DROP TABLE tokens; --"}, func(projections.TokenRow) bool { return false }},
		"active":        {map[string]any{"isActive": true}, func(r projections.TokenRow) bool { return r.Active(now) }},
		"status":        {map[string]any{"status": "REVOKED"}, func(r projections.TokenRow) bool { return r.Status(now) == projections.StatusRevoked }},
		"revoked nil":   {map[string]any{"revokedAtIsNil": true}, func(r projections.TokenRow) bool { return r.RevokedAt == nil }},
		"not":           {map[string]any{"not": map[string]any{"revokedAtIsNil": true}}, func(r projections.TokenRow) bool { return r.RevokedAt != nil }},
		"tags":          {map[string]any{"tagsHas": "red"}, func(r projections.TokenRow) bool { return slices.Contains(r.Tags, "red") }},
		"or":            {map[string]any{"or": []any{map[string]any{"name": "Name 0"}, map[string]any{"name": "Name 5"}}}, func(r projections.TokenRow) bool { return r.Name == "Name 0" || r.Name == "Name 5" }},
		"owner":         {map[string]any{"hasOwner": true}, func(projections.TokenRow) bool { return true }},
		"owner with":    {map[string]any{"hasOwnerWith": []any{map[string]any{"name": "org1"}}}, func(projections.TokenRow) bool { return false }},
		"used":          {map[string]any{"lastUsedAtNotNil": true}, func(projections.TokenRow) bool { return false }},
		"reason prefix": {map[string]any{"revokedReasonHasPrefix": "beca"}, func(r projections.TokenRow) bool { return r.RevokedReason != nil }},
	} {
		got, err := ask(c.where)
		var want []uuid.UUID
		for _, row := range rows {
			if c.want(row) {
				want = append(want, row.ID)
			}
		}
		ids := make([]uuid.UUID, len(got))
		for i, row := range got {
			ids[i] = row.ID
		}
		if err != nil || !slices.Equal(ids, want) {
			t.Errorf("%s: got %d rows, %v; want %d", name, len(got), err, len(want))
		}
	}
	for _, where := range []map[string]any{
		{"token": "x"}, {"ssoAuthorizations": "x"}, {"nameGT": 3}, {"idIn": "x"}, {"createdAt": "yesterday"}, {"nope": true}, {"name": "a\x00b"},
	} {
		if _, err := ask(where); !errors.Is(err, projections.ErrBadFilter) {
			t.Errorf("%v: got %v", where, err)
		}
	}
}
