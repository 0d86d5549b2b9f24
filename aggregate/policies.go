// The policies: their text, the operations and groups that the schema declares,
// and their evaluation. Nothing else in the program says who may do what.

package aggregate

import (
	"embed"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
)

//go:embed policies
var policyFiles embed.FS

const policySchema = "policies/schema.cedarschema"

// NoPolicy stands for the policy where none permits: what no policy permits is denied.
const NoPolicy = "denied-by-default"

// PolicyCeiling is the policy that holds tokens below their organization's ceiling.
const PolicyCeiling = "organization-ceiling"

// Policy is one policy as it stands in the repository.
type Policy struct {
	ID      string
	Permits bool   // else it forbids
	File    string // below policies
	Text    string
}

// Policies lists the policies in the order in which they are looked at: of
// several that match, the first is named.
func Policies() []Policy {
	var out []Policy
	for _, r := range policies().rules {
		out = append(out, Policy{
			ID: r.id, Permits: bool(r.policy.Effect() == cedar.Permit), File: r.policy.Position().Filename, Text: r.text,
		})
	}
	return out
}

// PolicySchema is the text that declares entities, operations, groups and scopes.
func PolicySchema() string {
	text, _ := policyFiles.ReadFile(policySchema) // it is embedded: readPolicies has read it
	return string(text)
}

// rule is one policy, compiled.
type rule struct {
	id     string
	text   string
	policy *cedar.Policy
	says   string                   // to whom it refuses
	scope  map[types.EntityUID]bool // actions and groups that it is about; nil: every action
}

// policySet is all policies, and what the schema says of the operations.
type policySet struct {
	rules      []rule
	operations map[Operation]string // and the scope that each needs of a token
	actions    map[types.EntityUID]types.Entity
	about      map[types.EntityUID]applicable // action → what can match it
}

// applicable is policies in order, as the evaluation takes them.
type applicable []rule

// All implements [cedar.PolicyIterator].
func (a applicable) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range a {
			if !yield(cedar.PolicyID(r.id), r.policy) {
				return
			}
		}
	}
}

// policies are those in the program. Their text is part of it, so one that
// cannot be read is a fault of the build, which every test shows.
var policies = sync.OnceValue(func() *policySet {
	set, err := readPolicies()
	if err != nil {
		panic("aggregate: the embedded policies: " + err.Error())
	}
	return set
})

func readPolicies() (*policySet, error) {
	set := &policySet{operations: map[Operation]string{}}
	if err := set.readSchema(); err != nil {
		return nil, err
	}
	files, err := policyFiles.ReadDir("policies")
	if err != nil {
		return nil, err
	}
	for _, f := range files { // sorted by name
		if strings.HasSuffix(f.Name(), ".cedar") {
			if err := set.readFile(f.Name()); err != nil {
				return nil, err
			}
		}
	}
	return set, set.index()
}

func (s *policySet) readSchema() error {
	text, err := policyFiles.ReadFile(policySchema)
	if err != nil {
		return err
	}
	var declared schema.Schema
	if err := declared.UnmarshalCedar(text); err != nil {
		return err
	}
	resolved, err := declared.Resolve()
	if err != nil {
		return err
	}
	s.actions = make(map[types.EntityUID]types.Entity, len(resolved.Actions))
	for uid, a := range resolved.Actions {
		s.actions[uid] = a.Entity
		if a.AppliesTo == nil || a.Entity.Parents.Contains(actionUID(groupSteps)) {
			continue // a group, or a step that is no operation
		}
		scope := string(a.Annotations["scope"])
		if scope == "" {
			scope = scopeAdmin
		}
		s.operations[Operation(uid.ID)] = scope
	}
	return nil
}

func (s *policySet) readFile(name string) error {
	text, err := policyFiles.ReadFile("policies/" + name)
	if err != nil {
		return err
	}
	list, err := cedar.NewPolicyListFromBytes(name, text)
	if err != nil {
		return err
	}
	for i, p := range list {
		end := len(text)
		if i+1 < len(list) {
			end = list[i+1].Position().Offset
		}
		r := rule{
			id: string(p.Annotations()["id"]), says: string(p.Annotations()["refusal"]), policy: p,
			text: statement(string(text[p.Position().Offset:end])),
		}
		if r.id == "" || slices.ContainsFunc(s.rules, func(o rule) bool { return o.id == r.id }) {
			return fmt.Errorf("%s: the policy at line %d needs an @id of its own", name, p.Position().Line)
		}
		if r.scope, err = actionsOf(p); err != nil {
			return fmt.Errorf("%s: %w", r.id, err)
		}
		s.rules = append(s.rules, r)
	}
	return nil
}

// statement is the text up to the last semicolon: what follows belongs to the next policy.
func statement(text string) string { return text[:strings.LastIndexByte(text, ';')+1] }

// actionsOf reads from a policy's head which actions it is about.
func actionsOf(p *cedar.Policy) (map[types.EntityUID]bool, error) {
	text, err := p.MarshalJSON()
	if err != nil {
		return nil, err
	}
	type entity struct{ Type, ID string }
	var head struct {
		Action struct {
			Op       string
			Entity   entity
			Entities []entity
		}
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	if head.Action.Op == "All" {
		return nil, nil
	}
	if head.Action.Entity != (entity{}) {
		head.Action.Entities = append(head.Action.Entities, head.Action.Entity)
	}
	about := map[types.EntityUID]bool{}
	for _, e := range head.Action.Entities {
		about[cedar.NewEntityUID(types.EntityType(e.Type), types.String(e.ID))] = true
	}
	return about, nil
}

// index sorts the policies by the actions that they are about, so that a
// decision looks at a handful of them.
func (s *policySet) index() error {
	s.about = make(map[types.EntityUID]applicable, len(s.actions))
	for _, r := range s.rules {
		for uid := range r.scope {
			if _, declared := s.actions[uid]; !declared {
				return fmt.Errorf("%s is about %s, which the schema lacks", r.id, uid)
			}
		}
	}
	for uid, action := range s.actions {
		for _, r := range s.rules {
			if r.concerns(action) {
				s.about[uid] = append(s.about[uid], r)
			}
		}
	}
	return nil
}

func (r rule) concerns(action types.Entity) bool {
	if r.scope == nil || r.scope[action.UID] {
		return true
	}
	for group := range action.Parents.All() {
		if r.scope[group] {
			return true
		}
	}
	return false
}

// Operations lists all operations, sorted; documents and tests walk it.
func Operations() []Operation { return slices.Sorted(maps.Keys(policies().operations)) }

// ScopeFor is the scope that an operation needs of a token; empty for one that
// does not exist.
func ScopeFor(op Operation) string { return policies().operations[op] }

// Ruling is what the policies say to one question, and which of them.
type Ruling struct {
	Allowed bool
	Policy  string
}

// rule evaluates. A policy that cannot be evaluated denies, be it a permit or not.
func (s *policySet) rule(q question) (Ruling, string) {
	action := actionUID(q.operation)
	about, known := s.about[action]
	if !known {
		return Ruling{Policy: NoPolicy}, ""
	}
	f := factsOf(s, q)
	decision, why := cedar.Authorize(about, f, cedar.Request{
		Principal: f.principal.UID, Action: action, Resource: f.resource.UID, Context: f.context,
	})
	switch {
	case len(why.Errors) > 0:
		return Ruling{Policy: string(why.Errors[0].PolicyID)}, ""
	case len(why.Reasons) == 0:
		return Ruling{Policy: NoPolicy}, ""
	}
	first := string(why.Reasons[0].PolicyID)
	i := slices.IndexFunc(about, func(r rule) bool { return r.id == first })
	return Ruling{Allowed: bool(decision), Policy: first}, about[i].says
}
