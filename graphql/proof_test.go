// Proofs: whoever may read an event gets one that verifies, with the key alone.

package graphql_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/graphql"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// proving implements [graphql.Proofs] as the service does, once there is a reader.
type proving struct{ sealed *sealer.Reader }

func (p *proving) Prove(ctx context.Context, event events.Recorded) (*model.EventProof, error) {
	if p.sealed == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	proof, err := p.sealed.Prove(ctx, event)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(proof)
	if err != nil {
		return nil, err
	}
	var shown model.EventProof
	err = json.Unmarshal(b, &shown)
	return &shown, err
}

// sealed is a world whose log is sealed, and the key of its checkpoints.
func sealedWorld(t *testing.T) (*world, []note.Verifier) {
	t.Helper()
	p := &proving{}
	w := newWorld(t, func(c *graphql.Config) { c.Proofs = p })
	ring := keyring.Generate()
	blinding, err := ring.Blinding()
	must(t, err)
	s, err := sealer.New(sealer.Config{
		Log: w.log, URL: w.url, Signer: ring.Signer, Verifiers: ring.Verifiers, Blinding: blinding,
		Outside: t.TempDir(), Every: 5 * time.Millisecond,
	})
	must(t, err)
	w.run(s.Run)
	p.sealed, err = sealer.OpenReader(t.Context(), sealer.ReaderConfig{Log: w.log, URL: w.url, Blinding: blinding, Verifiers: ring.Verifiers})
	must(t, err)
	t.Cleanup(p.sealed.Close)
	keys, err := ring.Verifiers(sealer.Origin(w.log.Origin(), 1))
	must(t, err)
	return w, keys
}

const eventProof = `query($position: Long!) { eventProof(position: $position) {
	leaf position eventInclusion epoch epochInclusion checkpoint trailPosition trailInclusion head headInclusion } }`

func TestAReceiptIsProved(t *testing.T) {
	t.Parallel()
	w, keys := sealedWorld(t)
	a := w.ask(`mutation { createAPIToken(input: {name: "x", scopes: ["read"]}) { receipt { position leafHash } } }`, nil)
	position, err := strconv.ParseInt(a.at("createAPIToken.receipt.position"), 10, 64)
	must(t, err)
	proof := w.proof(w.admin, position)
	epoch, err := proof.Verify(keys...)
	if err != nil || epoch.Size < position {
		t.Fatalf("%+v, %v", epoch, err)
	}
	hash := merkle.LeafHash([]byte(proof.Leaf))
	if got := hex.EncodeToString(hash[:]); got != a.at("createAPIToken.receipt.leafHash") || proof.Head == "" {
		t.Fatalf("the leaf has the hash %s, the receipt %s", got, a.at("createAPIToken.receipt.leafHash"))
	}
	event, err := events.Decode([]byte(proof.Leaf))
	if err != nil || int64(event.Position) != proof.Position || int64(event.TrailPosition) != proof.TrailPosition {
		t.Fatalf("%+v, %v", event, err)
	}
	for name, spoil := range map[string]func(*merkle.EventProof){
		"leaf":           func(p *merkle.EventProof) { p.Leaf = p.Leaf[:len(p.Leaf)-1] + " }" },
		"position":       func(p *merkle.EventProof) { p.Position-- },
		"trail position": func(p *merkle.EventProof) { p.TrailPosition-- },
		"inclusion":      func(p *merkle.EventProof) { p.EventInclusion = p.EventInclusion[1:] },
		"head proof":     func(p *merkle.EventProof) { p.HeadInclusion = append(p.HeadInclusion, merkle.Hash{}) },
		"epoch proof":    func(p *merkle.EventProof) { p.EpochInclusion = append(p.EpochInclusion, merkle.Hash{}) },
	} {
		spoilt := proof
		spoil(&spoilt)
		if _, err := spoilt.Verify(keys...); merkle.VerdictOf(err) != merkle.Altered {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, public, err := note.GenerateKey(nil, keys[0].Name())
	must(t, err)
	other, err := merkle.ParseKeys(public)
	must(t, err)
	if _, err := proof.Verify(other...); merkle.VerdictOf(err) != merkle.Unsigned {
		t.Errorf("another key: %v", err)
	}
}

// proof reads the answer as a client in Go would.
func (w *world) proof(token string, position int64) merkle.EventProof {
	w.t.Helper()
	a := w.as(token, eventProof, vars{"position": position})
	b, err := json.Marshal(a.any("eventProof"))
	must(w.t, err)
	var p merkle.EventProof
	must(w.t, json.Unmarshal(b, &p))
	return p
}

func TestProofsAreForThoseWhoMayReadTheEvent(t *testing.T) {
	t.Parallel()
	w, keys := sealedWorld(t)
	user, member := w.member("grown", events.RoleAdmin)
	_, auditor := w.member("auditor", events.RoleAuditor)
	_, _, other := w.organization("other")
	his := w.as(member, `mutation { createAPIToken(input: {name: "his", scopes: ["evidence:read"]}) { receipt { position } } }`, nil).at("createAPIToken.receipt.position")
	w.ask(`mutation($id: ID!) { updateMember(input: {userID: $id, role: MEMBER}) { membership { role } } }`, vars{"id": user})
	w.settle()
	first := map[events.TrailID]int64{}
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		must(t, err)
		if first[r.Trail] == 0 {
			first[r.Trail] = int64(r.Position)
		}
	}
	created, err := strconv.ParseInt(his, 10, 64)
	must(t, err)
	for name, c := range map[string]struct {
		position int64
		may      []string
	}{
		"the organization's":      {first[events.OrganizationTrail(w.org)], []string{w.admin, auditor}},
		"of a member's token":     {created, []string{w.admin, auditor, member}},
		"a user's own":            {first[events.UserTrail(user)], []string{member}},
		"the operator's":          {first[events.OperatorTrail], []string{w.admin}},
		"beyond the head":         {1 << 40, nil},
		"none":                    {0, nil},
		"what no position can be": {-1, nil},
	} {
		for who, token := range map[string]string{"admin": w.admin, "auditor": auditor, "member": member, "other": other} {
			may := false
			for _, m := range c.may {
				may = may || m == token
			}
			if !may {
				w.send(token, eventProof, vars{"position": c.position}).refuses("NOT_FOUND", "position")
				continue
			}
			if _, err := w.proof(token, c.position).Verify(keys...); err != nil {
				t.Errorf("%s for %s: %v", name, who, err)
			}
		}
	}
}

func TestAnEventThatIsNotSealedYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *graphql.Config) { c.Proofs = &proving{} })
	w.send(w.admin, eventProof, vars{"position": 1}).refuses("UNAVAILABLE", "*")
	w = newWorld(t)
	w.send(w.admin, eventProof, vars{"position": 1}).refuses("UNAVAILABLE", "*")
}

// Every mutation that records something says where it stands.
func TestEveryMutationCarriesItsReceipt(t *testing.T) {
	t.Parallel()
	s := schema(t)
	without := map[string]bool{
		"verifyToken": true, "verifyTokens": true, // their answers have positions of their own
		"replayWebhookDelivery": true, "replayWebhookDeliveries": true, // record nothing
	}
	for _, f := range s.Mutation.Fields {
		if without[f.Name] || f.Name[:2] == "__" {
			continue
		}
		if err := carriesReceipt(s, f); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func carriesReceipt(s *ast.Schema, f *ast.FieldDefinition) error {
	receipt := s.Types[f.Type.Name()].Fields.ForName("receipt")
	if receipt == nil { // one for each append, where there may be several
		receipt = s.Types[f.Type.Name()].Fields.ForName("receipts")
	}
	if receipt == nil || receipt.Type.Name() != "Receipt" {
		return errors.New("its answer has no receipt")
	}
	for _, name := range []string{"position", "leafHash", "recordedAt"} {
		if s.Types["Receipt"].Fields.ForName(name) == nil {
			return fmt.Errorf("a receipt has no %s", name)
		}
	}
	return nil
}

func TestProofsOutliveAnErasure(t *testing.T) {
	t.Parallel()
	w, keys := sealedWorld(t)
	value := w.apiToken("used", "read").value
	w.as(value, `{ apiTokens { totalCount } }`, nil)
	w.settle()
	var seen events.Recorded
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		must(t, err)
		if _, ok := r.Event.(events.TokenSourceSeen); ok && r.Trail == events.OrganizationTrail(w.org) {
			seen = r
		}
	}
	if seen.Event == nil || seen.Event.(events.TokenSourceSeen).Address.Value != "192.0.2.1" {
		t.Fatalf("%+v", seen)
	}
	before := w.proof(w.admin, int64(seen.Position))
	const erase = `mutation { eraseOrganizationNetworkData(reason: "asked for") { organization { name } receipt { position events { type } } } }`
	_, auditor := w.member("auditor", events.RoleAuditor)
	_, _, other := w.organization("other")
	w.send(auditor, erase, nil).refuses("FORBIDDEN", "*")
	w.send(value, erase, nil).refuses("FORBIDDEN", "*")
	w.send(other, `mutation($id: ID!) { eraseOrganizationNetworkData(organizationID: $id, reason: "x") { receipt { position } } }`, vars{"id": w.org}).refuses("NOT_FOUND", "organizationID")
	w.send(w.admin, `mutation { eraseOrganizationNetworkData(reason: "") { receipt { position } } }`, nil).refuses("BAD_USER_INPUT", "reason")
	a := w.ask(erase, nil)
	if a.at("eraseOrganizationNetworkData.receipt.events.0.type") != "organization.network_data_erased" {
		t.Fatal(a.body)
	}
	w.settle()
	after := w.proof(w.admin, int64(seen.Position))
	for _, p := range []merkle.EventProof{before, after} {
		if _, err := p.Verify(keys...); err != nil || p.Leaf != string(seen.Leaf) {
			t.Fatal(err)
		}
	}
	usage := w.ask(`query($id: ID!) { apiToken(id: $id) { usage { sources { address agent } } events(first: 50) { edges { node { type personal } } } } }`, vars{"id": w.tokenID(seen)})
	if strings.Contains(string(usage.body), "192.0.2.1") {
		t.Fatalf("the address is still shown: %s", usage.body)
	}
}

// tokenID is the token that an event is about.
func (w *world) tokenID(r events.Recorded) string {
	w.t.Helper()
	id, _, err := r.Stream.IDs()
	must(w.t, err)
	return id.String()
}
