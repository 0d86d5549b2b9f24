// The policies as text: that they fit the schema, and that each of them is needed.

package aggregate

import (
	"testing"

	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/tokenledger/tokenledger/events"
)

func TestPoliciesFitTheSchema(t *testing.T) {
	t.Parallel()
	text, err := policyFiles.ReadFile(policySchema)
	if err != nil {
		t.Fatal(err)
	}
	var s schema.Schema
	if err := s.UnmarshalCedar(text); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	v := validate.New(resolved)
	for _, r := range policies().rules {
		if err := v.Policy(r.id, (*ast.Policy)(r.policy.AST())); err != nil {
			t.Errorf("%s: %v", r.id, err)
		}
	}
}

var everyRole = []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor, events.RoleMember}
