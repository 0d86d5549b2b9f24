// Lists and look-ups on a real database: pages in every order, filters, what the rules and the verifier ask.

package projections_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

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
