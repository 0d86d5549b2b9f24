// Floods and bombs against a real service: each is refused with a code, costs
// little, and leaves the service as good as before.

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFloods(t *testing.T) {
	t.Parallel()
	s := start(t)
	key := s.createToken(t, map[string]any{"name": "good", "scopes": []string{"evidence:write"}})
	s.allowed(t, key.Value, "createEvidence")
	t.Run("together", func(t *testing.T) {
		t.Run("bodies and headers", func(t *testing.T) { t.Parallel(); s.largeRequests(t) })
		t.Run("compression", func(t *testing.T) { t.Parallel(); s.compressedRequests(t) })
		t.Run("slow clients", func(t *testing.T) { t.Parallel(); s.slowClients(t, key) })
	})
	s.allowed(t, key.Value, "createEvidence")
	if status, body := s.get(t, "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if log := s.Stderr.String(); strings.Contains(log, "panic") {
		t.Errorf("the service's log: %s", s.Output())
	}
}

// floodCase is a request that is too much, and how it is refused.
type floodCase struct {
	method, path, media string
	size                int
	status              int
	code                string
}

// They are a little too large: of a body that is more so, a server does not read
// the rest, and whether the client then reads the answer or hears of a connection
// that was reset is a matter of luck.
var tooLarge = []floodCase{
	{http.MethodPost, "/query", "application/json", 1<<20 + 1024, http.StatusRequestEntityTooLarge, "BAD_USER_INPUT"},
	{http.MethodPost, "/oauth2/introspect", "application/x-www-form-urlencoded", 17 << 10, http.StatusRequestEntityTooLarge, "invalid_request"},
	{http.MethodPost, "/oauth2/revoke", "application/x-www-form-urlencoded", 17 << 10, http.StatusRequestEntityTooLarge, "invalid_request"},
	{http.MethodPost, "/k8s/tokenreview", "application/json", 65 << 10, http.StatusRequestEntityTooLarge, "invalid_request"},
	{http.MethodPost, "/credentials/revoke", "application/json", 257 << 10, http.StatusRequestEntityTooLarge, "invalid_request"},
}

func (c floodCase) send(t *testing.T, s *service, body io.Reader, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(c.method, s.URL+c.path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", c.media)
	r.Header.Set("Authorization", "Bearer "+s.Token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	var response *http.Response
	// A client that is slow to write a header that is too large finds its connection reset half a second after the answer.
	await(t, "an answer", func() bool {
		response, err = httpClient.Do(r)
		return err == nil || body != nil
	})
	if err != nil {
		t.Fatalf("%s: %v", c.path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	// Of a header that is too large the rest is not read, so that the connection may be reset behind the answer.
	if err != nil && response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// largeRequests are refused by their length, whether they tell it or not.
func (s *service) largeRequests(t *testing.T) {
	for _, c := range tooLarge {
		for how, body := range map[string]io.Reader{
			"with its length":    strings.NewReader(strings.Repeat(" ", c.size)),
			"without its length": struct{ io.Reader }{strings.NewReader(strings.Repeat(" ", c.size))},
		} {
			if status, answer := c.send(t, s, body); status != c.status || !strings.Contains(answer, c.code) {
				t.Errorf("%s of %d bytes, %s: %d %.200s", c.path, c.size, how, status, answer)
			}
		}
	}
	small := floodCase{method: http.MethodGet, path: "/livez"}
	if status, _ := small.send(t, s, nil, "X-Large", strings.Repeat("x", 64<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 64 KiB: %d", status)
	}
	many := []string{}
	for i := range 4000 {
		many = append(many, fmt.Sprint("X-", i), "x")
	}
	if status, _ := small.send(t, s, nil, many...); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("4,000 headers: %d", status)
	}
}

// compressedRequests are refused before anything is made of them: 8 MiB come as
// 8 KiB, and never become more.
func (s *service) compressedRequests(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range append(tooLarge, floodCase{method: http.MethodPost, path: "/scim/v2/Users", media: "application/scim+json"}) {
		status, answer := c.send(t, s, bytes.NewReader(bomb.Bytes()), "Content-Encoding", "gzip")
		want := http.StatusUnsupportedMediaType
		if c.path == "/scim/v2/Users" { // which takes organizations' tokens alone, and says so first
			want = http.StatusForbidden
		}
		if status != want || want == http.StatusUnsupportedMediaType && !strings.Contains(answer, "Content-Encoding") {
			t.Errorf("%s: %d %.200s", c.path, status, answer)
		}
	}
	// A proxy passes on the headers of the request that it asks about, and no body.
	check := floodCase{method: http.MethodGet, path: "/auth/check"}
	if status, answer := check.send(t, s, nil, "Content-Encoding", "gzip"); status != http.StatusOK {
		t.Errorf("/auth/check about a compressed request: %d %s", status, answer)
	}
}

// slowClients hold connections with half a header, and with half a body, while
// others are served; half a header is cut off after ten seconds.
func (s *service) slowClients(t *testing.T, key made) {
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	hold := func(text string) net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	var headers []net.Conn
	for range 200 {
		headers = append(headers, hold("POST /query HTTP/1.1\r\nHost: x\r\nX-Slow: "))
		hold("POST /oauth2/introspect HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.Token +
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ntoken=")
	}
	for range 20 {
		s.allowed(t, key.Value, "createEvidence")
	}
	var group sync.WaitGroup
	for _, conn := range headers {
		group.Go(func() {
			_ = conn.SetReadDeadline(time.Now().Add(awaitLimit))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				var timeout net.Error
				if errors.As(err, &timeout) && timeout.Timeout() {
					t.Errorf("half a header is held for %v", awaitLimit)
				}
			}
		})
	}
	group.Wait()
}
