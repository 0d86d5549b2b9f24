// Several tokens at once, commands that are sent twice, and what is never recorded.

package aggregate

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
)

func TestBulk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.by(events.RoleOwner)
	call.Once = "bulk"
	one := NewOrganizationToken{Organization: w.org, NewToken: NewToken{Name: "a", Scopes: []string{"read"}}}
	bad := one
	bad.Name = ""
	before := w.head()
	_, err := w.tokens.CreateOrganizationTokens(t.Context(), call, []NewOrganizationToken{one, one, bad})
	mustBe(t, err, CodeBadUserInput, "input[2].name")
	_, err = w.tokens.CreateOrganizationTokens(t.Context(), call, nil)
	mustBe(t, err, CodeBadUserInput, "input")
	_, err = w.tokens.CreateOrganizationTokens(t.Context(), call, make([]NewOrganizationToken, MaxBulk+1))
	mustBe(t, err, CodeBadUserInput, "input")
	w.recorded(before)
	out, err := w.tokens.CreateOrganizationTokens(t.Context(), call, []NewOrganizationToken{one, one, one})
	if err != nil || len(out.Tokens) != 3 || len(out.Receipt.Placed) != 3 {
		t.Fatalf("%+v, %v", out, err)
	}
	again, err := w.tokens.CreateOrganizationTokens(t.Context(), call, []NewOrganizationToken{one, one, one})
	if err != nil || len(again.Tokens) != 3 || again.Tokens[2].ID != out.Tokens[2].ID || again.Tokens[2].Value.Reveal() != "" {
		t.Fatalf("%+v, %v", again, err)
	}
	ids := []uuid.UUID{out.Tokens[0].ID, uuid.New(), out.Tokens[1].ID, out.Tokens[0].ID}
	each, err := w.tokens.UpdateEach(t.Context(), call, events.OrganizationKind, ids, TokenUpdate{Name: to("b")})
	if err != nil || len(each) != 3 || each[0].Err != nil || each[2].Err != nil {
		t.Fatalf("%+v, %v", each, err)
	}
	mustBe(t, each[1].Err, CodeNotFound, "id")
	call.Once = strings.Repeat("t", 255) // as long as a key can be
	each, err = w.tokens.DeleteEach(t.Context(), call, events.OrganizationKind, ids, "tidied up")
	if err != nil || each[0].Err != nil || each[1].Err == nil || !w.token(ids[0]).Deleted {
		t.Fatalf("%+v, %v", each, err)
	}
}

// A replayed answer shows what was, not what has become of it.
func TestReplaysShowTheStateOfThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.by(events.RoleMember)
	call.Once = "first"
	in := NewPersonalToken{Organizations: []uuid.UUID{w.org}, NewToken: NewToken{Name: "laptop"}}
	made, err := w.tokens.CreatePersonalToken(t.Context(), call, in)
	if err != nil {
		t.Fatal(err)
	}
	ref := personalRef(made.ID)
	call.Once = "second"
	if _, err := w.tokens.Update(t.Context(), call, ref, TokenUpdate{Description: to("then")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.tokens.Revoke(t.Context(), w.by(events.RoleMember), ref, "lost"); err != nil {
		t.Fatal(err)
	}
	again, err := w.tokens.Update(t.Context(), call, ref, TokenUpdate{Description: to("then")})
	if err != nil || !again.Receipt.Replayed || again.ID != ref.ID {
		t.Fatalf("%+v, %v", again, err)
	}
	token := fold(TokenDecider, again.History[events.TokenStream(ref.ID)])
	grant := fold(GrantDecider, again.History[events.GrantStream(ref.ID, w.org)])
	if token.Description != "then" || token.Ended != NotEnded || !grant.Live {
		t.Errorf("the answer shows %+v and %+v", token, grant)
	}
	call.Once = "first"
	created, err := w.tokens.CreatePersonalToken(t.Context(), call, in)
	if err != nil || created.ID != made.ID || created.Value.Reveal() != "" || !slices.Contains(created.Warnings, WarnValueShown) {
		t.Fatalf("%+v, %v", created, err)
	}
	if token := fold(TokenDecider, created.History[events.TokenStream(ref.ID)]); token.Description != "" {
		t.Errorf("the answer shows %+v", token)
	}
}

// The value appears in nothing that is recorded.
func TestValuesAreNotRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for rec, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(rec.Leaf, []byte(w.admin.Value.Reveal()[27:])) || len(secret.Find(rec.Leaf)) > 0 {
			t.Fatalf("%s at %d holds a value", rec.Event.Type(), rec.Position)
		}
	}
	call := w.by(events.RoleOwner)
	for field, with := range map[string]func(*Call){
		"Idempotency-Key": func(c *Call) { c.Once = w.admin.Value.Reveal() },
		"correlation":     func(c *Call) { c.Correlation = w.admin.Value.Reveal() },
		"traceparent":     func(c *Call) { c.Trace = "00-" + w.admin.Value.Reveal() },
	} {
		bad := call
		with(&bad)
		_, err := w.tokens.CreatePersonalToken(t.Context(), bad, NewPersonalToken{NewToken: NewToken{Name: "a"}})
		mustBe(t, err, CodeBadUserInput, field)
	}
}
