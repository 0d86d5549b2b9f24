// The resource server of docs/examples behind a real ledger: the build job's line, scopes, and what the trail says.

package integrations

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

// resourceServer starts the example and gives the URL of its /query, the file of
// what it keeps, and how to start it anew.
func resourceServer(t *testing.T, l *ledgertest.Ledger) (url, data string, restart func()) {
	t.Helper()
	dir := t.TempDir()
	program := ledgertest.Build(t, dir, "./docs/examples/resourceserver")
	introspect := l.CreateToken("resourceserver", "token:introspect")
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(introspect.Value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := ledgertest.FreeAddress(t)
	url = "http://" + at + "/query"
	data = filepath.Join(dir, "data.jsonl")
	args := []string{"--listen", at, "--ledger", l.URL, "--token-file", file, "--data", data}
	var stop func()
	start := func() {
		stop = runUntil(t, program, args...)
		ledgertest.Await(t, "the resource server answers", func() bool {
			response, err := http.Post(url, "application/json", nil)
			return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusUnauthorized
		})
	}
	start()
	return url, data, func() {
		stop()
		start()
	}
}

// answer is that of the resource server.
type answer struct {
	Data   map[string]map[string]map[string]any
	Errors []struct {
		Message    string
		Extensions struct{ Code, Field string }
	}
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

func ask(t *testing.T, url string, token ledgertest.Token, query string, headers ...string) (a answer) {
	t.Helper()
	if err := json.Unmarshal(askRaw(t, url, token, query, headers...), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func askRaw(t *testing.T, url string, token ledgertest.Token, query string, headers ...string) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Value)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The job of github-actions.yml runs as its runner would run it, only against another host.
func TestBuildJob(t *testing.T) {
	raw, err := os.ReadFile("github-actions.yml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Env   map[string]string
			Steps []struct{ Name, Run string }
		}
	}
	if err := yaml.Unmarshal(raw, &workflow); err != nil {
		t.Fatal(err)
	}
	job := workflow.Jobs["upload"]
	if len(job.Steps) != 1 || job.Env["OPENLANE_API_TOKEN"] != "${{ secrets.OPENLANE_API_TOKEN }}" {
		t.Fatalf("%+v", job)
	}
	const host = "https://api.openlane.io/query"
	if !strings.Contains(job.Steps[0].Run, host) {
		t.Fatalf("the job does not call %s", host)
	}
	l := ledgertest.Start(t)
	url, _, _ := resourceServer(t, l)
	ci := l.CreateToken("ci", "evidence:write")
	shell := exec.Command("bash", "-e", "-c", strings.ReplaceAll(job.Steps[0].Run, host, url))
	shell.Env = append(os.Environ(), "OPENLANE_API_TOKEN="+ci.Value)
	out, err := shell.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil || a.Data["createEvidence"]["evidence"]["id"] == nil {
		t.Fatalf("%v: %s", err, out)
	}
	id := a.Data["createEvidence"]["evidence"]["id"].(string)
	var used []ledgertest.Event
	ledgertest.Await(t, "the use stands in the trail", func() bool {
		used = l.Events(ci, "token.used")
		return len(used) == 1
	})
	if used[0].Data["action"] != "createEvidence" || used[0].Data["resource"] != "evidence/"+id {
		t.Errorf("the trail says %v", used[0].Data)
	}
}

// Each operation needs its scope, does what it says, and is still there after a restart.
func TestResourceServer(t *testing.T) {
	l := ledgertest.Start(t)
	url, _, restart := resourceServer(t, l)
	everything := l.CreateToken("everything", "evidence:write", "control:read", "scan:write", "risk:write", "task:write")
	nothing := l.CreateToken("nothing", "report:read")
	var task string
	for _, c := range []struct {
		name, query string
		check       func(a answer) bool
	}{
		{"createEvidence", `mutation { createEvidence(input: {name: "log", controlIDs: ["cc6-1"]}) { evidence { id controlIDs createdBy } } }`, func(a answer) bool {
			return a.Data["createEvidence"]["evidence"]["createdBy"] == everything.ID
		}},
		{"createScan", `mutation { createScan(input: {scanType: VULNERABILITY, target: "app", results: [{title: "hole", severity: CRITICAL}, {title: "dust", severity: LOW}]}) { scan { id riskIDs } } }`, func(a answer) bool {
			risks, _ := a.Data["createScan"]["scan"]["riskIDs"].([]any)
			return len(risks) == 1
		}},
		{"createRisk", `mutation { createRisk(input: {name: "unusual access"}) { risk { id status } } }`, func(a answer) bool {
			return a.Data["createRisk"]["risk"]["status"] == "OPEN"
		}},
		{"createTask", `mutation { createTask(input: {title: "look at it"}) { task { id status } } }`, func(a answer) bool {
			task, _ = a.Data["createTask"]["task"]["id"].(string)
			return task != "" && a.Data["createTask"]["task"]["status"] == "OPEN"
		}},
	} {
		if a := ask(t, url, everything, c.query); !c.check(a) {
			t.Errorf("%s: %+v", c.name, a)
		}
		if a := ask(t, url, nothing, c.query); a.code() != "FORBIDDEN" {
			t.Errorf("%s without its scope: %+v", c.name, a)
		}
	}
	if a := ask(t, url, everything, `mutation { createEvidence(input: {name: "x", controlIDs: ["no"]}) { evidence { id } } }`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("a control that does not exist: %+v", a)
	}
	const twice = `mutation { createTask(input: {title: "once"}) { task { id } } second: createTask(input: {title: "once"}) { task { id } } }`
	made := ask(t, url, everything, twice, "Idempotency-Key", "k")
	restart()
	if again := ask(t, url, everything, twice, "Idempotency-Key", "k"); !reflect.DeepEqual(again, made) || made.Data["createTask"]["task"]["id"] == made.Data["second"]["task"]["id"] {
		t.Errorf("made %+v, and with the same key %+v", made, again)
	}
	for key, want := range map[string]string{"k": "CONFLICT", "l": ""} {
		if a := ask(t, url, everything, `mutation { createTask(input: {title: "another"}) { task { id } } }`, "Idempotency-Key", key); a.code() != want {
			t.Errorf("another input with the key %s: %+v", key, a)
		}
	}
	if a := ask(t, url, l.CreateToken("another", "task:write"), twice, "Idempotency-Key", "k"); reflect.DeepEqual(a, made) || a.code() != "" {
		t.Errorf("the key of another token: %+v", a)
	}
	if a := ask(t, url, everything, `mutation { updateTask(id: "`+task+`", input: {status: DONE}) { task { status title } } }`); a.Data["updateTask"]["task"]["status"] != "DONE" {
		t.Errorf("updateTask after a restart: %+v", a)
	}
	if a := ask(t, url, everything, `mutation { updateTask(id: "no", input: {status: DONE}) { task { id } } }`); a.code() != "NOT_FOUND" {
		t.Errorf("a task that does not exist: %+v", a)
	}
	var list struct {
		Data struct {
			Controls []struct{ ID, Name, Status string }
		}
	}
	if err := json.Unmarshal(askRaw(t, url, everything, `{ controls { id name status } }`), &list); err != nil {
		t.Fatal(err)
	}
	implemented := 0
	for _, c := range list.Data.Controls {
		if c.Status == "IMPLEMENTED" {
			implemented++
		}
	}
	if len(list.Data.Controls) != 4 || implemented != 1 {
		t.Errorf("controls: %+v", list)
	}
	l.Revoke(everything, "the project is over")
	if a := ask(t, url, everything, `{ controls { id } }`); a.code() != "UNAUTHENTICATED" {
		t.Errorf("after its revocation: %+v", a)
	}
}
