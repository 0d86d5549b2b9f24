// Every document's commands: the guides, and what else has fenced commands.

package integrations

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

// alone are documents that change what an organization demands of all its tokens, and so
// have a ledger of their own.
var alone = []string{"guides/sso.md"}

// documents are all with commands but the first ten minutes, which have a test of their own.
func documents(t *testing.T) (all []string) {
	t.Helper()
	docs := filepath.Join(ledgertest.Root(), "docs")
	err := filepath.WalkDir(docs, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		name, err := filepath.Rel(docs, path)
		if err == nil && name != "start.md" && len(blocks(t, path)) > 0 {
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks(t, filepath.Join(docs, "..", "README.md"))) > 0 {
		all = append(all, "../README.md")
	}
	return all
}

func TestDocumentsCommands(t *testing.T) {
	t.Parallel()
	all := documents(t)
	if !slices.Contains(all, "guides/incident.md") || !slices.Contains(all, "api.md") {
		t.Fatalf("documents with commands: %v", all)
	}
	var shared *ledgertest.Ledger
	for _, name := range all {
		var l *ledgertest.Ledger
		if slices.Contains(alone, name) {
			l = ledgertest.Start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0")
		} else {
			if shared == nil {
				shared = ledgertest.Start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0")
			}
			l = shared
		}
		t.Run(name, func(t *testing.T) { playDocument(t, l, name) })
	}
}

// playDocument runs a document's commands against a ledger that is there, with
// tokenledger on PATH, and with TOKEN and GATEWAY, which pages speak of: a token that may
// write evidence, and one that may ask for others.
func playDocument(t *testing.T, l *ledgertest.Ledger, name string) {
	path := filepath.Join(ledgertest.Root(), "docs", filepath.FromSlash(name))
	s := newScene(t, path, map[string]string{"8080": l.Address("URL"), "9090": l.Address("metrics"), "4222": l.Address("events")},
		"PATH="+filepath.Dir(l.Binary)+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"TOKENLEDGER_SERVER="+l.URL, "TOKENLEDGER_TOKEN_FILE="+l.TokenFile, "TOKENLEDGER_DATA="+l.Data(),
		"GATEWAY="+l.CreateToken("gateway", "token:introspect").Value)
	if !strings.HasPrefix(name, "guides/") { // there an answer that is a refusal is not what the page means
		if err := os.WriteFile(filepath.Join(s.dir, ".curlrc"), []byte("fail-with-body\nsilent\nshow-error\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range blocks(t, path) {
		s.say("export TOKEN=" + l.CreateToken("of a page", "evidence:write").Value + "\n")
		s.run(b)
	}
}
