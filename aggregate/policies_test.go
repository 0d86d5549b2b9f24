// The policies as text: that they fit the schema, and that each of them is needed.

package aggregate

import (
	goast "go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
	"github.com/google/uuid"

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

// operationsOfTheProgram reads the constants, by name.
func operationsOfTheProgram(t *testing.T) map[string]Operation {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "access.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Operation{}
	goast.Inspect(file, func(n goast.Node) bool {
		spec, ok := n.(*goast.ValueSpec)
		if !ok || len(spec.Names) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Op") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*goast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all[spec.Names[0].Name] = Operation(value)
		return true
	})
	return all
}

// What the program can ask for is what the schema declares: nothing is misspelt,
// and nothing stands in the policies that no one asks for.
func TestTheSchemaDeclaresWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	asked := slices.Sorted(maps.Values(operationsOfTheProgram(t)))
	if declared := Operations(); !slices.Equal(asked, declared) {
		t.Errorf("the program asks for %v; the schema declares %v", onlyIn(asked, declared), onlyIn(declared, asked))
	}
	for _, op := range Operations() {
		if scope := ScopeFor(op); !(Registry{}).Knows(scope) {
			t.Errorf("%s needs the scope %q, which does not exist", op, scope)
		}
	}
}

// Nothing is permitted that nobody asks for: whoever reads the policies would take
// it for what the program does.
func TestEveryOperationIsAskedFor(t *testing.T) {
	t.Parallel()
	isOperation := regexp.MustCompile(`^Op[A-Z]`)
	used := map[string]bool{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "aggregate/access.go" {
			return err
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		goast.Inspect(file, func(n goast.Node) bool {
			if name, ok := n.(*goast.Ident); ok && isOperation.MatchString(name.Name) {
				used[name.Name] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, op := range operationsOfTheProgram(t) {
		if !used[name] {
			t.Errorf("%s (%s) stands in the policies, and nobody asks for it", name, op)
		}
	}
}

// onlyIn lists what only the first has.
func onlyIn(a, b []Operation) []Operation {
	return slices.DeleteFunc(slices.Clone(a), func(op Operation) bool { return slices.Contains(b, op) })
}

// probes are questions that together tell every policy apart from its absence.
func probes() []question {
	var out []question
	for _, op := range Operations() {
		for _, c := range Credentials() {
			for _, at := range append(Stances(), Stance{}) {
				q := questionOf(op, c, at)
				out = append(out, q)
				q.standing.Member = events.RoleOwner
				q.principal.Scopes = Scopes{"scan:delete"}
				out = append(out, q)
				q = questionOf(op, c, at)
				q.standing.Organization = uuid.UUID{15: 9}
				out = append(out, q)
			}
		}
	}
	for _, step := range []Operation{opUse, opCall, opIdentify, opHandOn} {
		for _, c := range Credentials() {
			for _, at := range append(Stances(), Stance{}) {
				for _, scope := range append(Systems(), "") {
					q := questionOf(step, c, at)
					q.scope, q.members = scope, Scopes{"evidence:write"}
					if len(q.principal.Scopes) > 0 {
						q.principal.Scopes = Scopes{"evidence:read"}
					}
					out = append(out, q)
					q.ceiling = Scopes{"control:read"}
					out = append(out, q)
					for _, q.beyond = range []string{beyondScopes, beyondDeadline, beyondOrganizations} {
						out = append(out, q)
					}
				}
			}
		}
	}
	return out
}

// answers is what a set of policies says to the questions; a policy that is only
// named differently for a denial counts as a difference, too, since it is told.
func (s *policySet) answers(t *testing.T, to []question) []Ruling {
	t.Helper()
	out := make([]Ruling, len(to))
	for i, q := range to {
		out[i], _ = s.rule(q)
	}
	return out
}

// with is the set with another list of policies.
func (s *policySet) with(t *testing.T, rules []rule) *policySet {
	t.Helper()
	changed := &policySet{rules: rules, operations: s.operations, actions: s.actions}
	if err := changed.index(); err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestEveryPolicyIsNeeded(t *testing.T) {
	t.Parallel()
	set, all := policies(), probes()
	now := set.answers(t, all)
	for i, r := range set.rules {
		t.Run(r.id, func(t *testing.T) {
			t.Parallel()
			var asked []question
			var before []Ruling
			for k, q := range all {
				if r.concerns(set.actions[actionUID(q.operation)]) {
					asked, before = append(asked, q), append(before, now[k])
				}
			}
			without := set.with(t, slices.Concat(set.rules[:i], set.rules[i+1:]))
			if slices.Equal(before, without.answers(t, asked)) {
				t.Error("nobody would notice that it is gone")
			}
			if r.policy.Effect() == cedar.Permit {
				return
			}
			turned := r
			turned.policy = flipped(t, r)
			after := set.with(t, slices.Concat(set.rules[:i], []rule{turned}, set.rules[i+1:])).answers(t, asked)
			wider := false
			for k := range after {
				wider = wider || after[k].Allowed && !before[k].Allowed
			}
			if !wider {
				t.Error("nobody would notice that it permits")
			}
		})
	}
}

// flipped is a policy that permits what this one forbids.
func flipped(t *testing.T, r rule) *cedar.Policy {
	t.Helper()
	text := strings.Replace(r.text, "\nforbid (", "\npermit (", 1)
	var p cedar.Policy
	if err := p.UnmarshalCedar([]byte(text)); err != nil || p.Effect() != cedar.Permit {
		t.Fatalf("%v: %s", err, text)
	}
	return &p
}

// No question is left open by a fault: of these thousands none cannot be evaluated.
func TestPoliciesEvaluateWithoutErrors(t *testing.T) {
	t.Parallel()
	set := policies()
	for _, q := range probes() {
		f := factsOf(set, q)
		action := actionUID(q.operation)
		_, why := cedar.Authorize(set.about[action], f, cedar.Request{
			Principal: f.principal.UID, Action: action, Resource: f.resource.UID, Context: f.context,
		})
		if len(why.Errors) > 0 {
			t.Fatalf("%s: %v", q.operation, why.Errors)
		}
	}
}

// A policy that fails at a question denies, though others permit.
func TestAPolicyThatFailsDenies(t *testing.T) {
	t.Parallel()
	set := policies()
	for _, effect := range []string{"permit", "forbid"} {
		var p cedar.Policy
		if err := p.UnmarshalCedar([]byte(effect + ` (principal, action, resource) when { context.missing };`)); err != nil {
			t.Fatal(err)
		}
		broken := set.with(t, append(slices.Clone(set.rules), rule{id: "broken", policy: &p}))
		q := questionOf(OpReadOrganizationTokens, CredentialPerson, Stance{Standing: Standing{Role: events.RoleOwner}})
		if got, _ := broken.rule(q); got.Allowed || got.Policy != "broken" {
			t.Errorf("%s: %+v", effect, got)
		}
	}
}

var everyRole = []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor, events.RoleMember}
