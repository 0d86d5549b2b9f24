// CSV as it is written: whatever a cell holds, it is read back as it was and is no formula.

package evidence_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/projections/evidence"
)

func FuzzReportCSV(f *testing.F) {
	for _, seed := range []string{"", "=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "a,\"b\"", "'=1", "\r\n", "=", "\ufeff=1", " =1"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		table := evidence.Table{
			Columns: []evidence.Column{{Name: "text"}, {Name: "texts"}, {Name: "number"}},
			Rows:    [][]any{{one, []string{one, other}, int64(-5)}},
		}
		var out bytes.Buffer
		if err := evidence.Render(&out, evidence.CSV, table); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(records) != 2 {
			t.Fatalf("%q, %q: %v, %v", one, other, records, err)
		}
		for i, want := range []string{one, one + " " + other} {
			got := records[1][i]
			if got != "" && strings.ContainsRune("=+-@\t\r\n", rune(got[0])) {
				t.Errorf("%q leads to the formula %q", want, got)
			}
			// RFC 4180 has \r\n for line breaks, and encoding/csv reads that as \n.
			plain := strings.ReplaceAll(want, "\r\n", "\n")
			if back := strings.ReplaceAll(got, "\r", ""); back != strings.ReplaceAll(plain, "\r", "") && back != "'"+strings.ReplaceAll(plain, "\r", "") {
				t.Errorf("%q became %q", want, got)
			}
		}
		if records[1][2] != "-5" {
			t.Errorf("a number became %q", records[1][2])
		}
	})
}
