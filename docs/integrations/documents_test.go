// Every document's commands: the guides, and what else has fenced commands.

package integrations

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

// alone are documents that change what an organization demands of all its tokens, and so
// have a ledger of their own.
var alone = []string{"docs/guides/sso.md"}

// starting are documents that start a ledger themselves.
var starting = []string{"README.md"}

// documents are all with commands but the first ten minutes, which have a test of their own.
func documents(t *testing.T) (all []string) {
	t.Helper()
	for _, page := range pages(t) {
		if page != "docs/start.md" && len(blocks(t, page)) > 0 {
			all = append(all, page)
		}
	}
	return all
}

func TestDocumentsCommands(t *testing.T) {
	t.Parallel()
	all := documents(t)
	if !slices.Contains(all, "docs/guides/incident.md") || !slices.Contains(all, "docs/api.md") || !slices.Contains(all, "README.md") {
		t.Fatalf("documents with commands: %v", all)
	}
	var shared *ledgertest.Ledger
	for _, name := range all {
		var l *ledgertest.Ledger
		switch {
		case slices.Contains(starting, name):
			t.Run(name, func(t *testing.T) {
				s := newScene(t, name, nil)
				for _, b := range blocks(t, name) {
					s.run(b)
				}
			})
			continue
		case slices.Contains(alone, name):
			l = ledgertest.Start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0")
		case shared == nil:
			shared = ledgertest.Start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0")
			fallthrough
		default:
			l = shared
		}
		t.Run(name, func(t *testing.T) { playDocument(t, l, name) })
	}
}

// playDocument runs a document's commands against a ledger that is there, with
// tokenledger on PATH, and with TOKEN and GATEWAY, which pages speak of: a token that may
// write evidence, and one that may ask for others.
func playDocument(t *testing.T, l *ledgertest.Ledger, name string) {
	s := newScene(t, name, map[string]string{"8080": l.Address("URL"), "9090": l.Address("metrics"), "4222": l.Address("events")},
		"PATH="+filepath.Dir(l.Binary)+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"TOKENLEDGER_SERVER="+l.URL, "TOKENLEDGER_TOKEN_FILE="+l.TokenFile, "TOKENLEDGER_DATA="+l.Data(),
		"GATEWAY="+l.CreateToken("gateway", "token:introspect").Value)
	if !strings.HasPrefix(name, "docs/guides/") { // there an answer that is a refusal is not what the page means
		if err := os.WriteFile(filepath.Join(s.dir, ".curlrc"), []byte("fail-with-body\nsilent\nshow-error\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range blocks(t, name) {
		s.say("export TOKEN=" + l.CreateToken("of a page", "evidence:write").Value + "\n")
		s.run(b)
	}
}
