// The pack that the fuzz target of package verify begins with.

package evidence_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

var update = flag.Bool("update", false, "write the honest pack anew")

// A pack of a real log, with what nobody parses left short, is what both programs
// go on taking for honest. It is kept, since a fuzz target has no database.
func TestTheHonestPackOfTheFuzzTarget(t *testing.T) {
	t.Parallel()
	at := func(name string) string { return filepath.Join("verify", "testdata", name) }
	if *update {
		s := seal(t)
		o := s.later()
		o.Disclose = []string{"address", "agent"}
		f := &forgery{t: t, s: s}
		f.files, f.order = unzip(t, s.export(t, o))
		for _, name := range []string{verify.ReportPDF, verify.ReportHTML, verify.OCSF, verify.Script} {
			f.files[name] = []byte("left short\n")
		}
		f.remake(nil, s.sign)
		if err := errors.Join(os.WriteFile(at("honest.zip"), f.zip(), 0o600), os.WriteFile(at("honest.vkey"), []byte(s.key+"\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	pack, err := os.ReadFile(at("honest.zip"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(at("honest.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	both(t, pack, merkle.Verified, strings.TrimSpace(string(key)))
}
