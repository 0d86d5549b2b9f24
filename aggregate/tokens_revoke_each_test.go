// Ending many tokens: what is ended, what is not and why, in how many appends.

package aggregate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestRevokeEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	var refs []TokenRef
	in := make([]NewOrganizationToken, 120)
	for i := range in {
		in[i] = NewOrganizationToken{Organization: w.org, NewToken: NewToken{Name: "ci", Scopes: []string{"evidence:write"}}}
	}
	made, err := w.tokens.CreateOrganizationTokens(t.Context(), owner, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, issued := range made.Tokens {
		refs = append(refs, organizationRef(issued.ID))
	}
	gone := refs[3]
	if _, err := w.tokens.Revoke(t.Context(), owner, gone, "before"); err != nil {
		t.Fatal(err)
	}
	others := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	own := w.newPersonalToken(owner, []uuid.UUID{w.org})
	foreign := w.newPersonalToken(w.by(events.RoleMember), nil)
	refs = append(refs, others, own, foreign, organizationRef(uuid.New()), refs[0])
	revocation := Revocation{Organization: w.org, Tokens: refs, Reason: "in a public repository", Rehearsal: true}

	before := w.head()
	foreseen, err := w.tokens.RevokeEach(t.Context(), owner, revocation)
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before)
	revocation.Rehearsal = false
	call := owner
	call.Once = "leak"
	out, err := w.tokens.RevokeEach(t.Context(), call, revocation)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Receipts) != 3 || len(out.Each) != 124 || len(foreseen.Each) != 124 {
		t.Errorf("%d appends, %d tokens, %d foreseen", len(out.Receipts), len(out.Each), len(foreseen.Each))
	}
	refused := map[uuid.UUID]Code{gone.ID: CodeConflict, foreign.ID: CodeNotFound, refs[len(refs)-2].ID: CodeNotFound}
	for i, each := range out.Each {
		if (each.Err == nil) != (foreseen.Each[i].Err == nil) || each.ID != foreseen.Each[i].ID {
			t.Errorf("%s: %v, foreseen %v", each.ID, each.Err, foreseen.Each[i].Err)
		}
		code := Code("")
		if r, ok := asRefusal(each.Err); ok {
			code = r.Code
		}
		if code != refused[each.ID] {
			t.Errorf("%s: %v", each.ID, each.Err)
		}
	}
	if w.token(own.ID).Ended != Revoked || w.token(others.ID).Ended != NotEnded || w.grant(others.ID, w.org).Cause != events.CauseOrganization {
		t.Errorf("own %+v, another's %+v", w.token(own.ID), w.grant(others.ID, w.org))
	}
	before = w.head()
	again, err := w.tokens.RevokeEach(t.Context(), call, revocation)
	if err != nil || len(again.Each) != 124 {
		t.Fatal(len(again.Each), err)
	}
	w.recorded(before)
	for i, each := range again.Each {
		if (each.Err == nil) != (out.Each[i].Err == nil) {
			t.Errorf("again %s: %v, at first %v", each.ID, each.Err, out.Each[i].Err)
		}
	}

	// Who may end none is told so for each, and nothing happens.
	auditor, err := w.tokens.RevokeEach(t.Context(), w.by(events.RoleAuditor), Revocation{
		Organization: w.org, Tokens: []TokenRef{w.newOrganizationToken(owner, "evidence:read")}, Reason: "because",
	})
	if err != nil || len(auditor.Receipts) > 0 {
		t.Fatal(auditor, err)
	}
	mustBe(t, auditor.Each[0].Err, CodeForbidden, "")
	_, err = w.tokens.RevokeEach(t.Context(), owner, Revocation{Organization: w.org, Tokens: refs[:1]})
	mustBe(t, err, CodeBadUserInput, "reason")
	_, err = w.tokens.RevokeEach(t.Context(), owner, Revocation{Organization: w.org, Tokens: manyRefs(MaxRevoked + 1), Reason: "all"})
	mustBe(t, err, CodeBadUserInput, "")
}

func manyRefs(n int) []TokenRef {
	refs := make([]TokenRef, n)
	for i := range refs {
		refs[i] = organizationRef(uuid.New())
	}
	return refs
}

// A filter lists fewer tokens once some have ended: the same key then ends the rest.
func TestARepeatedRevocationGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := make([]NewOrganizationToken, 2*revokedAtOnce+10)
	for i := range in {
		in[i] = NewOrganizationToken{Organization: w.org, NewToken: NewToken{Name: "ci", Scopes: []string{"evidence:write"}}}
	}
	made, err := w.tokens.CreateOrganizationTokens(t.Context(), w.by(events.RoleOwner), in)
	if err != nil {
		t.Fatal(err)
	}
	all := Revocation{Organization: w.org, Reason: "in a public repository"}
	for _, issued := range made.Tokens {
		all.Tokens = append(all.Tokens, organizationRef(issued.ID))
	}
	call := w.by(events.RoleOwner)
	call.Once = strings.Repeat("k", 255)
	killed := &Tokens{Peppers: w.tokens.Peppers, Handler: &Handler{Log: severed{w.log}}}
	if _, err := killed.RevokeEach(t.Context(), call, all); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	left := all
	left.Tokens = slices.DeleteFunc(slices.Clone(all.Tokens), func(ref TokenRef) bool { return w.token(ref.ID).Ended != NotEnded })
	if len(left.Tokens) != len(all.Tokens)-revokedAtOnce {
		t.Fatalf("%d of %d are left after one append", len(left.Tokens), len(all.Tokens))
	}
	left.Tokens = left.Tokens[1:] // and one that the filter lists no more
	spared := all.Tokens[revokedAtOnce].ID
	for _, list := range []Revocation{left, left} {
		out, err := w.tokens.RevokeEach(t.Context(), call, list)
		if err != nil || len(out.Each) != len(list.Tokens) || len(out.Receipts) != 2 {
			t.Fatalf("%d tokens in %d appends, %v", len(out.Each), len(out.Receipts), err)
		}
		for _, each := range out.Each {
			if each.Err != nil {
				t.Errorf("%s: %v", each.ID, each.Err)
			}
		}
	}
	for _, ref := range all.Tokens {
		if revoked := len(w.history(events.TokenStream(ref.ID))) == 2; revoked == (ref.ID == spared) {
			t.Errorf("%s is revoked once: %v", ref.ID, revoked)
		}
	}
	call.Once += "k"
	_, err = w.tokens.RevokeEach(t.Context(), call, all)
	mustBe(t, err, CodeBadUserInput, "Idempotency-Key")
}
