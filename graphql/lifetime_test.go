// Successors, deadlines, and the organizations that a personal token reaches.

package graphql_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestRotate(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		old := k.made("x")
		rotate := func(id string, rotation vars) answer {
			return k.mutate("rotate"+k.Type, "id: $id, input: $rotation", k.field+" { id token status rotatedFrom { id } } rotated { id status token rotatedTo { id } } receipt { events { type } }",
				vars{"id": id, "rotation": rotation})
		}
		a := rotate(old.id, vars{"overlapSeconds": 3600, "reason": "yearly"})
		op := "rotate" + k.Type + "."
		id := a.at(op + k.field + ".id")
		for path, want := range map[string]string{
			k.field + ".status": "ACTIVE", k.field + ".rotatedFrom.id": old.id, "rotated.status": "ROTATING", "rotated.id": old.id, "rotated.rotatedTo.id": id,
		} {
			if got := a.at(op + path); got != want {
				t.Errorf("%s: got %q, want %q", path, got, want)
			}
		}
		if len(a.at(op+k.field+".token")) != 69 || strings.Contains(a.at(op+"rotated.token"), old.value[27:]) {
			t.Errorf("the values: %s", a.body)
		}
		a = rotate(old.id, nil) // as if the answer had been lost
		if first, second := k.read(id, "status"), a.at(op+k.field+".id"); first != "REVOKED" || second == id || k.read(old.id, "status") != "ROTATING" {
			t.Errorf("rotated again: the first successor is %s: %s", first, a.body)
		}
		id = a.at(op + k.field + ".id")
		a = rotate(id, vars{"overlapSeconds": 0})
		if got := k.read(id, "status"); got != "EXPIRED" {
			t.Errorf("without an overlap the old token is %s: %s", got, a.body)
		}
		rotate(a.at(op+k.field+".id"), vars{"overlapSeconds": -1}).refuses("BAD_USER_INPUT", "overlapSeconds")
		rotate(a.at(op+k.field+".id"), vars{"overlapSeconds": 1 << 30}).refuses("BAD_USER_INPUT", "overlapSeconds")
		rotate(a.at(op+k.field+".id"), vars{"expectedVersion": 7}).refuses("CONFLICT", "expectedVersion")
	})
}

func TestPersonalOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := kit{w, bothKinds[1]}
	a := k.create(vars{"name": "x", "organizationIDs": []uuid.UUID{w.org}})
	if got := a.types("createPersonalAccessToken"); got != "token.created grant.given" {
		t.Errorf("events: %s", got)
	}
	id := a.at("createPersonalAccessToken.personalAccessToken.id")
	organizations := func() []string {
		return w.ask(`query($id: ID!) { personalAccessToken(id: $id) { owner { id email } organizations { totalCount edges { node { id } } } } }`, vars{"id": id}).
			each("personalAccessToken.organizations", "id")
	}
	if got := organizations(); !slices.Equal(got, []string{w.org.String()}) {
		t.Errorf("granted to %v", got)
	}
	if got := k.update(id, vars{"removeOrganizationIDs": []uuid.UUID{w.org}}).types("updatePersonalAccessToken"); got != "token.organizations_changed grant.ended" {
		t.Errorf("events: %s", got)
	}
	if got := organizations(); len(got) != 0 {
		t.Errorf("still granted to %v", got)
	}
	if got := k.update(id, vars{"organizationIDs": []uuid.UUID{w.org}}).types("updatePersonalAccessToken"); got != "token.organizations_changed grant.given" {
		t.Errorf("events: %s", got)
	}
	k.update(id, vars{"addOrganizationIDs": []uuid.UUID{uuid.Must(uuid.NewV7())}}).refuses("NOT_FOUND", "organizationIDs")
	k.update(id, vars{"addOrganizationIDs": []string{"x"}}).refuses("BAD_USER_INPUT", "addOrganizationIDs[0]")
	k.create(vars{"name": "x", "organizationIDs": []string{"x"}}).refuses("BAD_USER_INPUT", "organizationIDs[0]")
}

// An expiry is final, too: a longer life needs a rotation before it.
func TestExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := kit{w, bothKinds[0]}
	a := k.create(vars{"name": "brief", "scopes": []string{"read"}, "expiresAt": time.Now().Add(300 * time.Millisecond).UTC()})
	id := a.at("createAPIToken.apiToken.id")
	for k.read(id, "status") == "ACTIVE" {
		select {
		case <-t.Context().Done():
			t.Fatal("the token never expired")
		case <-time.After(20 * time.Millisecond):
		}
	}
	if k.read(id, "status") != "EXPIRED" || k.read(id, "isActive") != "false" {
		t.Errorf("after its deadline the token is %s", k.read(id, "status"))
	}
	k.update(id, vars{"expiresAt": soon()}).refuses("CONFLICT", "*")
	if n := w.events(string((events.TokenExpiryChanged{}).Type())); n != 0 {
		t.Errorf("%d changes of the deadline were recorded", n)
	}
}
