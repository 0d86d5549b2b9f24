// What a decision costs.

package aggregate

import (
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func BenchmarkAuthorize(b *testing.B) {
	p := Principal{
		Actor: events.PersonalToken(uuid.New(), uuid.New()), User: uuid.New(), Token: uuid.New(),
		Kind: events.PersonalKind, Scopes: Scopes{"evidence:write", "token:read"},
	}
	at := Standing{Role: events.RoleAdmin, Organization: uuid.New()}
	b.ReportAllocs()
	for b.Loop() {
		if err := Authorize(p, at, OpReadOrganizationTokens); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUse(b *testing.B) {
	a := Authority{
		Principal:    Principal{Kind: events.OrganizationKind, Token: uuid.New(), Scopes: Scopes{"evidence:write", "token:read"}},
		Organization: uuid.New(),
	}
	a.Principal.Organization = a.Organization
	b.ReportAllocs()
	for b.Loop() {
		if !a.Use(Scopes{"evidence:read"}).Allowed {
			b.Fatal("denied")
		}
	}
}
