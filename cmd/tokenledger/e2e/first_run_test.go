// The first run: ready without any set-up, and nothing lost however it ends.

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestFirstRunIsReadyAndKeepsEverything(t *testing.T) {
	t.Parallel()
	s := start(t)
	if status, body := s.get(t, "/readyz"); status != http.StatusOK {
		t.Fatalf("/readyz: %d %s", status, body)
	}
	if status, body := s.get(t, "/livez"); status != http.StatusOK {
		t.Fatalf("/livez: %d %s", status, body)
	}
	s.tryPrinted(t)
	info, err := os.Stat(s.TokenFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token file: %v %v", info, err)
	}

	token := s.createToken(t, map[string]any{"name": "kept", "scopes": []string{"evidence:write"}, "expiresAt": inDays(30)})
	s.allowed(t, token.Value, "createEvidence")
	before := readLog(t, s.database(t))

	s.stop(t)
	s.start(t)
	s.holds(t, before, token)

	before = readLog(t, s.database(t))
	s.Kill()
	s.start(t)
	s.holds(t, before, token)
	s.tryPrinted(t)
}

// tryPrinted runs the command line that the service printed, to the letter.
func (s *service) tryPrinted(t *testing.T) {
	t.Helper()
	needCurl(t)
	out, err := exec.Command("sh", "-c", s.Try).Output()
	if err != nil {
		t.Fatalf("%s: %v", s.Try, err)
	}
	var answer struct {
		Data struct{ APITokens struct{ TotalCount *int } }
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.Data.APITokens.TotalCount == nil {
		t.Fatalf("%s answered %s", s.Try, out)
	}
}

// holds checks that the log begins as it was and that the token of then still works.
func (s *service) holds(t *testing.T, before []leaf, token made) {
	t.Helper()
	after := readLog(t, s.database(t))
	if len(after) < len(before) {
		t.Fatalf("of %d events %d are left", len(before), len(after))
	}
	for i, l := range before {
		if string(after[i].Raw) != string(l.Raw) {
			t.Fatalf("position %d is another event now:\n%s\n%s", l.Position, l.Raw, after[i].Raw)
		}
	}
	s.allowed(t, token.Value, "createEvidence")
	a := s.ask(t, `query($id: ID!) { apiToken(id: $id) { name isActive } }`, map[string]any{"id": token.ID})
	if a.text(t, "apiToken.name") != "kept" || a.at(t, "apiToken.isActive") != true {
		t.Errorf("the token is now %s", a.Body)
	}
}

// Requests are under way, provably begun, when SIGTERM comes: each is answered,
// and what it answered stands in the log.
func TestSigtermAnswersWhatItAccepted(t *testing.T) {
	t.Parallel()
	s := start(t)
	const requests = 20
	var begun []*halfSent
	for i := range requests {
		begun = append(begun, s.sendHalf(t, fmt.Sprintf("drained-%d", i)))
	}
	if err := s.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(s.URL, "http://")
	await(t, "the service takes no more connections", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	for _, h := range begun {
		h.finish(t)
	}
	s.exits(t, 0)

	s.start(t)
	created := map[string]bool{}
	for _, l := range readLog(t, s.database(t)) {
		if name, ok := l.Data["name"].(string); ok && l.Type == "token.created" {
			created[name] = true
		}
	}
	for i := range requests {
		if name := fmt.Sprintf("drained-%d", i); !created[name] {
			t.Errorf("%s was answered and is not in the log", name)
		}
	}
}

// halfSent is a request whose head the service has read and whose body is to come.
type halfSent struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func (s *service) sendHalf(t *testing.T, name string) *halfSent {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": createAPIToken, "variables": map[string]any{"input": map[string]any{
		"name": name, "scopes": []string{"read"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "POST /query HTTP/1.1\r\nHost: ledger\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", s.Token, len(body))
	h := &halfSent{conn, bufio.NewReader(conn), body}
	line, err := h.in.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the service does not take the request: %q %v", line, err)
	}
	if _, err := h.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *halfSent) finish(t *testing.T) {
	t.Helper()
	if _, err := h.conn.Write(h.body); err != nil {
		t.Fatalf("send the rest of the request: %v", err)
	}
	response, err := http.ReadResponse(h.in, nil)
	if err != nil {
		t.Fatalf("a request that was accepted is not answered: %v", err)
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil || response.StatusCode != http.StatusOK || len(a.Errors) > 0 {
		t.Errorf("a request that was accepted is answered %s %v %v", response.Status, a.Errors, err)
	}
}

// needCurl skips where there is no curl.
func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed, and this test is about what curl gets")
	}
}
