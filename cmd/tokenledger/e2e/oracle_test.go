// Two processes serve one log; tokens are used on both while they end. However it
// falls out, also when a process is killed in the middle, no use may stand in the
// log behind what would have refused it, and no answered use may be missing.

package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/events"
)

const (
	fullRounds, shortRounds = 500, 60
	callersEach             = 3  // concurrent callers of each process in a round
	killEvery               = 23 // rounds, so that each way of ending is met
	waysToEnd               = 7 + policyWays
	byDeadline              = 3 // the one of them that is a deadline
)

func TestNoUseBehindWhatWouldHaveRefusedIt(t *testing.T) {
	t.Parallel()
	rounds := fullRounds
	if testing.Short() {
		rounds = shortRounds
	}
	b := newBattle(t, (rounds+waysToEnd-1)/waysToEnd)
	killed := 0
	for i := range rounds {
		var doomed *service
		if i%killEvery == killEvery-1 {
			killed++
			doomed = b.services[killed%2]
		}
		// On a busy machine a deadline may come before the first use; with it, again.
		way, nth := i%waysToEnd, i/waysToEnd
		for !b.round(t, b.targets[way](nth), doomed) && way == byDeadline && b.life < awaitLimit {
			b.life *= 2
		}
		if way > byDeadline {
			b.demand(t, noDemand)
		}
		if t.Failed() {
			t.Fatalf("round %d", i)
		}
	}
	leaves := readLog(t, b.database)
	verdict := outside.NewJudge().Try(leaves)
	for _, guilty := range verdict.Guilty {
		t.Error(guilty)
	}
	missing := 0
	for position, token := range b.answered {
		if l := leaves[position-1]; l.Type != "token.used" || l.Stream != "token-"+token {
			missing++
			t.Errorf("the use of %s that was answered with position %d is not there: %s", token, position, l.Raw)
		}
	}
	if len(b.answered) < rounds {
		t.Errorf("only %d uses in %d rounds: the test has not raced anything", len(b.answered), rounds)
	}
	t.Logf("%d rounds, %d with a kill: %d events, %d uses answered, %d refusals, %d uses behind what refused them, %d lost",
		rounds, killed, len(leaves), len(b.answered), b.refusals.Load(), len(verdict.Guilty), missing)
}

// target is a token that is going to end.
type target struct {
	made
	end     string         // the mutation that ends it; empty: its deadline does
	with    map[string]any // its variables
	onceKey string

	resource string         // that it is used on; "from/" and an address: where the use comes from
	caller   string         // the value of the token that asks, if not the usual one
	policy   *events.Policy // or the policy that ends it, set by somebody who signed in
}

// battle is two services on one log, and tokens to end.
type battle struct {
	services [2]*service
	caller   string // the value of the token that asks
	database string
	targets  []func(i int) target // waysToEnd
	life     time.Duration        // of a token whose deadline ends it
	law      lawgiver
	probe    made // a token that is allowed wherever nothing is demanded

	refusals atomic.Int64
	mu       sync.Mutex       // guards answered
	answered map[int64]string // position of each allowed use → token
}

// round uses the target on both services until both refuse it, and ends it in
// the meantime; doomed, if there is one, is killed while that happens. It reports
// whether there was a race at all: a use that was allowed.
func (b *battle) round(t *testing.T, target target, doomed *service) (raced bool) {
	t.Helper()
	allowed := make(chan struct{}, 2*callersEach)
	var callers sync.WaitGroup
	for _, s := range b.services {
		for range callersEach {
			callers.Go(func() {
				if err := b.useUntilRefused(s, target, allowed); err != nil && s != doomed {
					t.Errorf("use %s: %v", target.ID, err)
				}
			})
		}
	}
	refused := make(chan struct{})
	go func() {
		callers.Wait()
		close(refused)
	}()
	select {
	case <-allowed:
		raced = true
	case <-refused:
		if target.end != "" || target.policy != nil {
			t.Errorf("%s is not allowed once", target.ID)
		}
	}
	b.endIt(t, target, doomed)
	<-refused
	if doomed != nil {
		doomed.wait(t)
		doomed.start(t)
	}
	if target.policy != nil {
		b.set(t, events.Policy{})
		b.awaitLifted(t)
	}
	return raced
}

// endIt ends the target through either service. A service that is killed over it
// may have done so or not; the other is asked again under the same key.
func (b *battle) endIt(t *testing.T, target target, doomed *service) {
	t.Helper()
	via, other := b.services[0], b.services[1]
	if doomed == other {
		via, other = other, via
	}
	if doomed != nil {
		go func() { _ = doomed.Cmd.Process.Kill() }()
	}
	if target.policy != nil {
		b.set(t, *target.policy)
	}
	if target.end == "" {
		return
	}
	a, err := via.try(b.services[0].Token, target.end, target.with, "Idempotency-Key", target.onceKey)
	if err != nil && doomed != nil {
		a, err = other.try(b.services[0].Token, target.end, target.with, "Idempotency-Key", target.onceKey)
	}
	if err != nil || len(a.Errors) > 0 || a.Status != http.StatusOK {
		t.Errorf("end %s: %v %d %s", target.ID, err, a.Status, a.Body)
	}
}

func (b *battle) useUntilRefused(s *service, target target, allowed chan<- struct{}) error {
	input, caller := map[string]any{"token": target.Value, "action": "createEvidence"}, b.caller
	if address, ok := strings.CutPrefix(target.resource, "from/"); ok {
		input["resource"], input["sourceIP"] = target.resource, address
	}
	if target.caller != "" {
		caller = target.caller
	}
	use := map[string]any{"input": input}
	for began := time.Now(); time.Since(began) < awaitLimit; {
		a, err := s.try(caller, `mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed position } }`, use)
		if err != nil {
			return err
		}
		decision, _ := a.Data["verifyToken"].(map[string]any)
		switch {
		case len(a.Errors) > 0 && a.Errors[0].Extensions.Code == "UNAVAILABLE":
			continue // nothing was recorded or nothing is certain, and nothing was allowed
		case decision == nil:
			return fmt.Errorf("%d %s", a.Status, a.Body)
		case decision["allowed"] != true:
			b.refusals.Add(1)
			return nil
		}
		position, _ := decision["position"].(float64)
		b.mu.Lock()
		b.answered[int64(position)] = target.ID
		b.mu.Unlock()
		select {
		case allowed <- struct{}{}:
		default:
		}
	}
	return errors.New("it is still allowed")
}

// newBattle makes the services, and n tokens for each way to end but the
// deadline, whose tokens are made when their time has come.
func newBattle(t *testing.T, n int) *battle {
	t.Helper()
	sh := startShared(t)
	b := &battle{database: sh.database, answered: map[int64]string{}, life: 120 * time.Millisecond}
	for i := range b.services {
		b.services[i] = sh.service(t)
		if i == 0 {
			b.services[i].initialize(t, "--organization", "Demo", "--email", "owner@example.com").exits(t, 0)
		}
		b.services[i].start(t)
		b.services[i].Token = b.services[0].Token
	}
	s := b.services[0]
	b.caller = s.createToken(t, map[string]any{
		"name": "asks", "scopes": []string{"token:introspect"}, "expiresAt": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339),
	}).Value
	revoked := s.createMany(t, "APIToken", "apiTokens", n, map[string]any{"name": "revoked", "scopes": []string{"evidence:write"}})
	organization := s.ask(t, `{ organization { id } }`, nil).text(t, "organization.id")
	granted := s.createMany(t, "PersonalAccessToken", "personalAccessTokens", n, map[string]any{
		"name": "granted", "scopes": []string{"evidence:write"}, "organizationIDs": []string{organization},
	})
	members := sh.members(t, s, organization, n)
	demanded := s.createMany(t, "APIToken", "apiTokens", 3*n, map[string]any{"name": "demanded", "scopes": []string{"evidence:write"}})
	b.probe = s.createToken(t, map[string]any{"name": "probe", "scopes": []string{"evidence:write"}})
	for _, ours := range []string{s.Token, b.caller} { // which no demand is to refuse
		s.ask(t, authorizeSSO, map[string]any{"id": shortID(ours)})
	}
	b.targets = []func(int) target{
		func(i int) target {
			return target{
				made: revoked[i], end: `mutation($id: ID!) { revokeAPIToken(id: $id, reason: "leaked") { receipt { position } } }`,
				with: map[string]any{"id": revoked[i].ID}, onceKey: fmt.Sprint("revoke-", i),
			}
		},
		func(i int) target {
			return target{
				made: granted[i], end: `mutation($id: ID!) { endTokenGrant(id: $id, reason: "no longer") { receipt { position } } }`,
				with: map[string]any{"id": granted[i].ID}, onceKey: fmt.Sprint("end-", i),
			}
		},
		func(i int) target {
			end := `mutation($id: ID!) { updateMember(input: {userID: $id, role: AUDITOR}) { receipt { position } } }`
			if i%2 == 1 {
				end = `mutation($id: ID!) { removeMember(userID: $id, reason: "left") { receipt { position } } }`
			}
			return target{made: members[i].made, end: end, with: map[string]any{"id": members[i].user}, onceKey: fmt.Sprint("member-", i)}
		},
		func(int) target { return target{made: b.expiring(t)} },
		func(i int) target { // enforcement is switched on
			return b.byPolicy(demanded[i], map[string]any{"ssoRequired": true}, fmt.Sprint("enforce-", i))
		},
		func(i int) target { // its stamp is taken back
			it := demanded[n+i]
			s.ask(t, authorizeSSO, map[string]any{"id": it.ID})
			s.ask(t, changePolicy, map[string]any{"input": map[string]any{"ssoRequired": true}})
			return target{
				made: it, end: `mutation($id: ID!) { withdrawTokenSSO(id: $id) { receipt { position } } }`,
				with: map[string]any{"id": it.ID}, onceKey: fmt.Sprint("unstamp-", i),
			}
		},
		func(i int) target { // whoever asks has to say where a use comes from, and does not
			return b.byPolicy(demanded[2*n+i], map[string]any{"allowedSources": []string{"127.0.0.0/8", "::1/128"}}, fmt.Sprint("sources-", i))
		},
	}
	b.targets = append(b.targets, b.policyTargets(t, sh, n)...)
	return b
}

const (
	authorizeSSO = `mutation($id: ID!) { authorizeTokenSSO(id: $id) { receipt { position } } }`
	changePolicy = `mutation($input: UpdateOrganizationPolicyInput!) { updateOrganizationPolicy(input: $input) { receipt { position } } }`
)

// noDemand is the policy between the rounds.
var noDemand = map[string]any{"ssoRequired": false, "allowedSources": []string{}}

// shortID is the part of a token's value that names it.
func shortID(value string) string { return value[len("tola_"):][:22] }

func (b *battle) byPolicy(of made, policy map[string]any, onceKey string) target {
	return target{made: of, end: changePolicy, with: map[string]any{"input": policy}, onceKey: onceKey}
}

// demand changes the policy, and returns when both services go by it.
func (b *battle) demand(t *testing.T, policy map[string]any) {
	t.Helper()
	b.services[0].ask(t, changePolicy, map[string]any{"input": policy})
	for _, s := range b.services {
		await(t, "the policy is lifted", func() bool {
			a, err := s.try(b.caller, `mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed } }`,
				map[string]any{"input": map[string]any{"token": b.probe.Value, "action": "createEvidence"}})
			decision, _ := a.Data["verifyToken"].(map[string]any)
			return err == nil && decision["allowed"] == true
		})
	}
}

// expiring makes a token that ends very soon; a busy machine takes until then to
// make it, and gets another try with a later deadline.
func (b *battle) expiring(t *testing.T) made {
	t.Helper()
	for s := b.services[0]; ; b.life *= 2 {
		a := s.send(t, s.Token, createAPIToken, map[string]any{"input": map[string]any{
			"name": "expiring", "scopes": []string{"evidence:write"}, "expiresAt": time.Now().Add(b.life).UTC().Format(time.RFC3339Nano),
		}})
		if len(a.Errors) == 0 {
			return made{a.text(t, "createAPIToken.apiToken.id"), a.text(t, "createAPIToken.apiToken.token")}
		}
		if a.Errors[0].Extensions.Field != "input.expiresAt" && a.Errors[0].Extensions.Field != "expiresAt" || b.life > awaitLimit {
			t.Fatalf("make a token that ends in %v: %s", b.life, a.Body)
		}
	}
}

// createMany makes several tokens alike in one call.
func (s *service) createMany(t *testing.T, kind, field string, n int, input map[string]any) []made {
	t.Helper()
	inputs := make([]map[string]any, n)
	for i := range inputs {
		inputs[i] = maps.Clone(input)
		inputs[i]["name"] = fmt.Sprint(input["name"], "-", i)
	}
	a := s.ask(t, fmt.Sprintf(`mutation($input: [Create%[1]sInput!]) { createBulk%[1]s(input: $input) { %[2]s { id token } } }`, kind, field),
		map[string]any{"input": inputs})
	var all []made
	for _, v := range a.at(t, "createBulk"+kind+"."+field).([]any) {
		token := v.(map[string]any)
		all = append(all, made{token["id"].(string), token["token"].(string)})
	}
	if len(all) != n || slices.Contains(all, made{}) {
		t.Fatalf("%d of %d tokens were made", len(all), n)
	}
	return all
}
