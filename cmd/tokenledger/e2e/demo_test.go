// The demo: every report and every kind of finding has something to show, the log
// passes the audit, and nothing but a demo's directory is written to.

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

func TestDemoHasSomethingToShowEverywhere(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a whole story is told")
	}
	s := newService(t)
	s.startAs(t, "demo", "--seed", "3")
	log := readLog(t, s.database(t)) // whose end the read models may be learning still
	s.ask(t, `{ organizations(first: 1) { edges { node { id } } } }`, nil, "X-Ledger-Position", fmt.Sprint(log[len(log)-1].Position))
	s.showsEveryReport(t)
	s.showsEveryFinding(t)
	s.showsEveryState(t)
	s.command(t, "audit", "check").exits(t, 0)

	// A second call serves what is there; the seed of another story is refused.
	s.stop(t)
	run(t, s.env, "demo", "--seed", "4").exits(t, 2, "holds the story of seed 3")
	s.startAs(t, "demo")
	s.command(t, "token", "list").exits(t, 0)
}

func (s *service) showsEveryReport(t *testing.T) {
	t.Helper()
	leaked, err := os.ReadFile(filepath.Join(s.data, "leaked.token"))
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for i, kind := range evidence.Kinds() {
		value := ""
		if kind.Name == "leak" {
			value = ", value: $leaked"
		}
		fields = append(fields, fmt.Sprintf("r%d: report(name: %q%s) { name rows }", i, kind.Name, value))
	}
	a := s.ask(t, "query($leaked: String!) {"+strings.Join(fields, "\n")+"}", map[string]any{"leaked": strings.TrimSpace(string(leaked))})
	for i, kind := range evidence.Kinds() {
		if rows, _ := a.at(t, fmt.Sprintf("r%d.rows", i)).([]any); len(rows) < 2 { // one may say that there is nothing
			t.Errorf("the report %s has %d rows", kind.Name, len(rows))
		}
	}
}

func (s *service) showsEveryFinding(t *testing.T) {
	t.Helper()
	var fields []string
	for _, rule := range projections.Rules {
		fields = append(fields, fmt.Sprintf("%s: findings(first: 1, rules: [%q]) { totalCount }", rule, rule))
	}
	a := s.ask(t, "{"+strings.Join(fields, "\n")+"}", nil)
	for _, rule := range projections.Rules {
		if n, _ := a.at(t, string(rule)+".totalCount").(float64); n == 0 {
			t.Errorf("the story has no finding %s", rule)
		}
	}
}

// showsEveryState sees tokens of both kinds and of each state in the inventory, and
// the review that is half done.
func (s *service) showsEveryState(t *testing.T) {
	t.Helper()
	a := s.ask(t, `{
		apiTokens(first: 100) { edges { node { status } } }
		accessReviews { name closedAt items { decision } } }`, nil)
	for _, status := range []string{"ACTIVE", "ROTATING", "SUSPENDED", "REVOKED", "EXPIRED"} {
		if !strings.Contains(string(a.Body), `"`+status+`"`) {
			t.Errorf("no token is %s", status)
		}
	}
	half := false
	for _, r := range a.at(t, "accessReviews").([]any) {
		review := r.(map[string]any)
		decided, items := 0, review["items"].([]any)
		for _, item := range items {
			if item.(map[string]any)["decision"] != nil {
				decided++
			}
		}
		half = half || review["closedAt"] == nil && decided > 0 && decided < len(items)
	}
	if !half {
		t.Errorf("no review is half done: %s", a.Body)
	}
}

func TestDemoLeavesAnotherLedgerAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	before := readLog(t, s.database(t))
	s.stop(t)
	run(t, s.env, "demo").exits(t, 2, "not the directory of a demo")
	if _, err := os.Stat(filepath.Join(s.data, "DEMO")); err == nil {
		t.Error("the ledger's directory is marked as a demo's")
	}
	run(t, append(s.env, "TOKENLEDGER_DATABASE_URL=postgres://nowhere/x"), "demo").exits(t, 2, "of its own")
	s.start(t)
	if after := readLog(t, s.database(t)); len(after) < len(before) {
		t.Errorf("of %d events %d are left", len(before), len(after))
	}
}
