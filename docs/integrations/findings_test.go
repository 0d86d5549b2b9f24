// From unusual access to work: a finding of the ledger goes out on NATS and becomes a risk and a task, once.

package integrations

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

// kept is what the resource server's file holds of risks and tasks, by id.
func kept(t *testing.T, file string) (risks, tasks map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing was made yet
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	risks, tasks = map[string]string{}, map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c struct {
			Risks []struct{ ID, Name, Description string }
			Tasks []struct{ ID, Title, Description string }
		}
		if json.Unmarshal(lines.Bytes(), &c) != nil {
			continue // it is being written
		}
		for _, r := range c.Risks {
			risks[r.ID] = r.Name + ": " + r.Description
		}
		for _, k := range c.Tasks {
			tasks[k.ID] = k.Title + ": " + k.Description
		}
	}
	return risks, tasks
}

func TestFindingsBecomeRisksAndTasks(t *testing.T) {
	nats := ledgertest.FreeAddress(t)
	l := ledgertest.Start(t, "TOKENLEDGER_NATS_LISTEN="+nats)
	url, data, _ := resourceServer(t, l)
	dir := t.TempDir()
	subscriber := ledgertest.Build(t, dir, "./docs/examples/findings-subscriber")
	file := filepath.Join(dir, "token")
	findings := l.CreateToken("findings", "risk:write", "task:write")
	if err := os.WriteFile(file, []byte(findings.Value), 0o600); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(dir, "place.json")
	args := []string{
		"--nats", "nats://" + nats, "--creds", l.ReaderCreds(), "--token-file", file, "--resources", url, "--place", place,
	}
	stop := runUntil(t, subscriber, args...)

	old := l.CreateToken("ci", "evidence:write")
	var rotated struct {
		RotateAPIToken struct{ APIToken struct{ ID string } }
	}
	l.Query(`mutation($id: ID!) { rotateAPIToken(id: $id, input: {overlapSeconds: 0}) { apiToken { id } } }`, map[string]any{"id": old.ID}, &rotated)
	if a := ask(t, url, old, `mutation { createEvidence(input: {name: "log"}) { evidence { id } } }`); a.code() != "UNAUTHENTICATED" {
		t.Fatalf("the replaced value: %+v", a)
	}
	var risks, tasks map[string]string
	ledgertest.Await(t, "the finding has become a risk and a task", func() bool {
		risks, tasks = kept(t, data)
		return len(risks) == 1 && len(tasks) == 1
	})
	for _, all := range []map[string]string{risks, tasks} {
		for _, text := range all {
			if !strings.Contains(text, "rotated_value_used") || !strings.Contains(text, old.ID) {
				t.Errorf("made of the finding: %s", text)
			}
		}
	}

	// Without its place the subscriber begins anew, as after a crash between a call and its answer.
	written := func() bool {
		_, err := os.Stat(place)
		return err == nil
	}
	ledgertest.Await(t, "the place was kept", written)
	stop()
	if err := os.Remove(place); err != nil {
		t.Fatal(err)
	}
	runUntil(t, subscriber, args...)
	ledgertest.Await(t, "the finding was told again", written)
	var uses []ledgertest.Event
	ledgertest.Await(t, "what was told again was done again", func() bool {
		uses = l.Events(findings, "token.used")
		return len(uses) >= 4
	})
	again, tasksAgain := kept(t, data)
	if len(again) != 1 || len(tasksAgain) != 1 {
		t.Errorf("told twice, the finding became %v and %v", again, tasksAgain)
	}
	named := map[any]int{}
	for _, e := range uses {
		named[e.Data["resource"]]++
	}
	for resource, times := range named {
		if len(named) != 2 || times != 2 {
			t.Errorf("the same work under other names: %v was used %d times, of %v", resource, times, named)
		}
	}
}
