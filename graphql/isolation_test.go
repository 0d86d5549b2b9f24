// Another organization's things, named at every place of the schema that takes a name:
// what they are, and that they are at all, stays hidden, and nothing of them changes.

package graphql_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql"
)

// canary stands in every text of the victim's.
const canary = "canary"

// victim is an organization with one thing of each kind. Each name has what it names
// here, and something of the same shape that names nothing.
type victim struct {
	organization, user uuid.UUID
	ids                map[string]string // by kind
	texts              map[string]string // by the argument that takes such a text
	cursors            []string
	position           string
	secrets            []string // what no answer may hold besides the canary
}

func newVictim(w *world) *victim {
	org, user, owner := w.organization("globex-" + canary)
	v := &victim{organization: org, user: user, ids: map[string]string{"organization": org.String(), "user": user.String()}}
	w.settle()
	tell := func(document string, variables vars) answer { return w.as(owner, document, variables) }
	made := tell(createAPIToken, vars{"input": vars{"name": canary, "description": canary, "scopes": []string{"read"}, "tags": []string{canary}}})
	v.ids["token"] = made.at("createAPIToken.apiToken.id")
	value := made.at("createAPIToken.apiToken.token")
	v.position = made.at("createAPIToken.receipt.position")
	v.ids["hook"] = tell(addWebhook, vars{"input": vars{"url": "https://" + canary + ".example.com/"}}).at("addWebhook.webhook.id")
	v.ids["review"] = tell(`mutation { openAccessReview(input: {name: "canary", due: "2999-01-01T00:00:00Z"}) { id } }`, nil).at("openAccessReview.id")
	invited := tell(`mutation { inviteMember(input: {email: "canary@example.com"}) { link invitation { id } } }`, nil)
	v.ids["invitation"] = invited.at("inviteMember.invitation.id")
	_, secret, _ := strings.Cut(invited.at("inviteMember.link"), "#")
	tell(`mutation { registerObject(name: "canary", actions: {createCanary: write}) { organization { id } } }`, nil)
	w.settle()
	seen := tell(`{ personalAccessTokens { edges { cursor node { id } } } apiTokens { edges { cursor node { fingerprint } } }
		auditEvents { edges { cursor } } organization { members { edges { cursor } } } }`, nil)
	v.ids["personal token"] = seen.at("personalAccessTokens.edges.0.node.id")
	v.texts = map[string]string{
		"value": seen.at("apiTokens.edges.0.node.fingerprint"), "actor": "person:" + user.String(), "secret": secret,
		"leaked": value, "token": value, "messageID": v.ids["hook"] + ".1",
	}
	for _, list := range []string{"personalAccessTokens", "apiTokens", "auditEvents", "organization.members"} {
		v.cursors = append(v.cursors, seen.at(list+".edges.0.cursor"))
	}
	v.secrets = []string{value, secret, owner}
	return v
}

// at is a place in a document where something is named: the argument, and the fields of
// inputs behind it.
type at struct {
	operation ast.Operation
	field     *ast.FieldDefinition
	path      []string
	kind      string // of the value: ID, Cursor, Long or String
}

func (a at) String() string { return a.field.Name + "(" + strings.Join(a.path, ".") + ")" }

// taken are arguments of other types by which a thing may be named.
var taken = map[string]bool{"value": true, "actor": true, "secret": true, "messageID": true, "leaked": true, "position": true, "token": true}

// places are all places of the schema that take a name.
func places(schema *ast.Schema) (all []at) {
	for operation, root := range map[ast.Operation]*ast.Definition{ast.Query: schema.Query, ast.Mutation: schema.Mutation} {
		for _, field := range root.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			for _, argument := range field.Arguments {
				all = append(all, within(schema, at{operation, field, []string{argument.Name}, ""}, argument.Type)...)
			}
		}
	}
	slices.SortFunc(all, func(a, b at) int { return strings.Compare(a.String(), b.String()) })
	return all
}

func within(schema *ast.Schema, place at, t *ast.Type) (all []at) {
	d := schema.Types[t.Name()]
	name := place.path[len(place.path)-1]
	switch {
	case d.Kind == ast.InputObject:
		for _, f := range d.Fields {
			if f.Type.Name() == d.Name || strings.HasPrefix(f.Name, "hasOwner") {
				continue // a filter within a filter
			}
			next := place
			next.path = append(slices.Clone(place.path), f.Name)
			all = append(all, within(schema, next, f.Type)...)
		}
	case d.Name == "ID", d.Name == "Cursor", (d.Name == "String" || d.Name == "Long") && taken[name]:
		place.kind = d.Name
		all = append(all, place)
	}
	return all
}

// attackers are the attacker's own things, for what must be given besides.
type attackers map[string]any

// argument is a value for an argument or a field of an input: the one named at the rest
// of the path, and whatever else must be given.
func (o attackers) argument(schema *ast.Schema, t *ast.Type, name string, path []string, named any) any {
	if t.Elem != nil {
		return []any{o.argument(schema, t.Elem, name, path, named)}
	}
	d := schema.Types[t.Name()]
	if path != nil && len(path) == 0 {
		return named
	}
	switch {
	case d.Kind == ast.InputObject:
		out := map[string]any{}
		for _, f := range d.Fields {
			if len(path) > 0 && path[0] == f.Name {
				out[f.Name] = o.argument(schema, f.Type, f.Name, path[1:], named)
			} else if given, usual := o[d.Name+"."+f.Name]; usual || f.Type.NonNull && f.DefaultValue == nil {
				if out[f.Name] = given; !usual {
					out[f.Name] = o.argument(schema, f.Type, f.Name, nil, nil)
				}
			}
		}
		return out
	case d.Kind == ast.Enum:
		return d.EnumValues[0].Name
	case o[name] != nil:
		return o[name]
	case o[d.Name] != nil:
		return o[d.Name]
	}
	panic("the test has no " + d.Name + " for " + name)
}

// document asks at a place for something, and for all that the answer may show.
func (o attackers) document(schema *ast.Schema, place at, named any) (string, vars) {
	variables := vars{}
	var declared, given []string
	for _, a := range place.field.Arguments {
		path := place.path
		usual := o[place.field.Name+"."+a.Name]
		switch {
		case path[0] == a.Name:
			variables[a.Name] = o.argument(schema, a.Type, a.Name, path[1:], named)
		case usual != nil:
			variables[a.Name] = usual
		case a.Type.NonNull && a.DefaultValue == nil:
			variables[a.Name] = o.argument(schema, a.Type, a.Name, nil, nil)
		default:
			continue
		}
		declared = append(declared, fmt.Sprintf("$%s: %s", a.Name, a.Type))
		given = append(given, fmt.Sprintf("%s: $%s", a.Name, a.Name))
	}
	head := ""
	if len(declared) > 0 {
		head = "(" + strings.Join(declared, ", ") + ")"
	}
	arguments := ""
	if len(given) > 0 {
		arguments = "(" + strings.Join(given, ", ") + ")"
	}
	return fmt.Sprintf("%s%s { %s%s%s }", place.operation, head, place.field.Name, arguments, everything(schema, place.field.Type, 3)), variables
}

// everything selects all fields of a type down to a depth that take no arguments.
func everything(schema *ast.Schema, t *ast.Type, depth int) string {
	d := schema.Types[t.Name()]
	if d.IsLeafType() {
		return ""
	}
	if d.IsAbstractType() {
		depth = min(depth, 2) // or the request is too large
	}
	fields := []string{"__typename"}
	for _, f := range d.Fields {
		leaf := schema.Types[f.Type.Name()].IsLeafType()
		if strings.HasPrefix(f.Name, "__") || len(f.Arguments) > 0 || f.Name == "personal" || !leaf && depth == 1 {
			continue
		}
		fields = append(fields, f.Name+everything(schema, f.Type, depth-1))
	}
	for _, possible := range schema.GetPossibleTypes(d) {
		if d.IsAbstractType() {
			fields = append(fields, "... on "+possible.Name+everything(schema, ast.NamedType(possible.Name, nil), depth))
		}
	}
	return " { " + strings.Join(fields, " ") + " }"
}

// open are places where what is another's may be named, each with why.
var open = map[string]string{
	"addMember(input.userID)":    "a user is the installation's: whoever knows the id may offer a membership",
	"verifyToken(input.token)":   "whoever has a token may know that it is another organization's",
	"verifyTokens(input.token)":  "whoever has a token may know that it is another organization's",
	"revokeTokens(input.leaked)": "a whole value is refused as such, whosever it is",
	"acceptInvitation(secret)":   "whoever has an invitation's secret may know that it is for somebody else",
}

var varies = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|tol[ap]_[A-Za-z0-9_…]+|whsec_[^"]+|\d+`)

// TestNothingOfAnothersIsReached asks everywhere for what is another organization's. The
// answer is that for something which is not there at all, and what was named stays as it was.
func TestNothingOfAnothersIsReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *graphql.Config) { c.PublicURL = "https://ledger.example.com/" })
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphql.SDL()})
	v := newVictim(w)
	org, user, attacker := w.organization("initech")
	w.settle()
	token := w.as(attacker, createAPIToken, vars{"input": vars{"name": "own", "scopes": []string{"admin", "token:introspect"}}})
	verifying := token.at("createAPIToken.apiToken.token")
	w.settle()
	personal := w.as(attacker, `{ personalAccessTokens { edges { node { id } } } }`, nil).at("personalAccessTokens.edges.0.node.id")
	mine := attackers{
		"id": token.at("createAPIToken.apiToken.id"), "ids": token.at("createAPIToken.apiToken.id"), "userID": user.String(),
		"token": "x", "review": uuid.NewString(), "input": "", "asOf": 1, "secret": "x", "email": "own@example.com", "url": "https://own.example.com/",
		"String": "own", "Long": 1, "Int": 1, "Time": "2999-01-01T00:00:00Z", "Boolean": true, "AsOf": 1, "Moment": 1, "ActionMap": vars{},
		"name": "own", "types": "token.created", "rule": "new_source", "reviewers": user.String(), "organizationIDs": org.String(),
		"CreateAPITokenInput.scopes": []string{"read"}, "report.name": "access", "whoCould.action": "own", "UpdateAPITokenInput.description": "own",
		"UpdatePersonalAccessTokenInput.description": "own",
	}
	callers := []string{attacker, verifying}
	if testing.Short() {
		callers = callers[:1]
	}
	before := v.trails(w)
	asked := 0
	for _, place := range places(schema) {
		if open[place.String()] != "" || place.field.Name == "createBulkCSVAPIToken" || place.field.Name == "createBulkCSVPersonalAccessToken" {
			continue
		}
		mine := maps.Clone(mine)
		mine["RevokeTokensInput.dryRun"] = slices.Contains(place.path, "where") // that matches the attacker's own
		if strings.Contains(strings.ToLower(place.field.Name), "personalaccesstoken") {
			mine["id"], mine["ids"] = personal, personal
		}
		for _, caller := range callers {
			there, nowhere := v.named(place)
			document, variables := mine.document(schema, place, nowhere)
			usual := func() string { return plain(w.answered(caller, document, variables), nowhere) }
			want := usual()
			for kind, named := range there {
				_, variables := mine.document(schema, place, named)
				got := w.answered(caller, document, variables)
				asked++
				v.hides(t, place, kind, got)
				if got := plain(got, named); place.kind != "Cursor" && got != want && got != usual() { // a cursor says where to begin, and is nobody's
					t.Errorf("%s tells that a %s is there:\n%s\n%s", place, kind, got, want)
				}
			}
		}
	}
	if t.Logf("%d requests", asked); asked < 300 {
		t.Error("those are few")
	}
	if after := v.trails(w); after != before {
		t.Errorf("the victim's trails went from %s to %s", before, after)
	}
}

// answered asks until read models have caught up with what the caller did before.
func (w *world) answered(token, document string, variables vars) answer {
	w.t.Helper()
	for {
		a := w.send(token, document, variables)
		if !strings.Contains(string(a.body), `"STALE_READ"`) {
			return a
		}
		w.settle()
	}
}

// named is what a place may be given of the victim's, by kind, and something of the same
// form that names nothing.
func (v *victim) named(place at) (there map[string]any, nowhere any) {
	there = map[string]any{}
	switch last := place.path[len(place.path)-1]; place.kind {
	case "ID":
		for kind, id := range v.ids {
			there[kind] = id
		}
		return there, uuid.NewString()
	case "Cursor":
		for i, c := range v.cursors {
			there[fmt.Sprint("cursor ", i)] = c
		}
		return there, v.cursors[0]
	case "Long":
		there["position"] = v.position
		return there, "1" // that is the operator's
	default:
		text := v.texts[last]
		there["text"] = text
		return there, strings.Map(func(r rune) rune {
			if r >= '1' && r <= '8' {
				return r + 1
			}
			return r
		}, text)
	}
}

// hides checks that an answer shows nothing of the victim's.
func (v *victim) hides(t *testing.T, place at, kind string, a answer) {
	t.Helper()
	for _, secret := range append([]string{canary}, v.secrets...) {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("%s with a %s shows %.40q: %s", place, kind, secret, a.body)
		}
	}
	for _, e := range a.Errors {
		switch code := e.Extensions["code"]; code {
		case "NOT_FOUND", "BAD_USER_INPUT", "FORBIDDEN", "CONFLICT":
		default:
			t.Errorf("%s with a %s: %v: %s", place, kind, code, e.Message)
		}
	}
	if len(a.Errors) > 0 && strings.Contains(a.Errors[0].Message, "Cannot query") {
		t.Fatalf("%s: the test's document is no good: %s", place, a.body)
	}
}

// plain is an answer without what differs between any two.
func plain(a answer, named any) string {
	var text strings.Builder
	for _, e := range a.Errors {
		fmt.Fprintln(&text, e.Extensions["code"], e.Extensions["field"], e.Extensions["policy"], e.Message)
	}
	data, err := json.Marshal(a.Data)
	must(a.t, err)
	text.Write(data)
	return varies.ReplaceAllString(strings.ReplaceAll(text.String(), fmt.Sprint(named), "…"), "…")
}

// trails are the ends of the victim's trails.
func (v *victim) trails(w *world) string {
	w.t.Helper()
	w.settle()
	last := map[events.TrailID]events.Position{}
	for r, err := range w.log.ReadAll(w.t.Context(), 0) {
		must(w.t, err)
		last[r.Trail] = r.TrailPosition
	}
	return fmt.Sprint(last[events.OrganizationTrail(v.organization)], " and ", last[events.UserTrail(v.user)])
}
