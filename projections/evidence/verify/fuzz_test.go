// What a stranger sends as a pack is read without a panic, and only what is honest verifies.

package verify_test

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

// A pack of a real log with its reports left short, and the key of that log. The
// test TestTheHonestPackOfTheFuzzTarget of package evidence says how they are made.
var (
	//go:embed testdata/honest.zip
	honest []byte
	//go:embed testdata/honest.vkey
	honestKey string
)

func verdictOf(t *testing.T, pack []byte) error {
	t.Helper()
	_, err := verify.Pack(bytes.NewReader(pack), int64(len(pack)), verify.Options{Keys: []string{strings.TrimSpace(honestKey)}})
	if f := (*merkle.Failure)(nil); err != nil && (!errors.As(err, &f) || f.Error() == "") {
		t.Fatalf("an outcome without a verdict: %v", err)
	}
	return err
}

func entriesOf(t testing.TB, pack []byte) (names []string, contents [][]byte) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil && !errors.Is(err, zip.ErrChecksum) {
			t.Fatal(err)
		}
		names, contents = append(names, f.Name), append(contents, content)
	}
	return names, contents
}

func pack(t testing.TB, method uint16, names []string, contents [][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(contents[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzPack gives one entry another content, or takes the whole zip as it comes.
func FuzzPack(f *testing.F) {
	names, contents := entriesOf(f, honest)
	for i, content := range contents {
		f.Add(uint8(i), content)
	}
	f.Add(uint8(len(names)), honest)
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		spoiled := content
		if i := int(which); i < len(names) {
			changed := slices.Clone(contents)
			changed[i] = content
			spoiled = pack(t, zip.Store, names, changed)
		}
		if verdictOf(t, spoiled) != nil {
			return
		}
		_, got := entriesOf(t, spoiled)
		for i, name := range names {
			if name != verify.Run && !bytes.Equal(got[i], contents[i]) {
				t.Errorf("a pack with another %s verifies", name)
			}
		}
	})
}

// FuzzLeafRow: a line that is taken for an event has one row in events.csv, which
// a reader of CSV gives back, and which no spreadsheet takes for a formula.
func FuzzLeafRow(f *testing.F) {
	names, contents := entriesOf(f, honest)
	for line := range bytes.Lines(contents[slices.Index(names, verify.Events)]) {
		f.Add(bytes.TrimSuffix(line, []byte("\n")))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		leaf, err := verify.ParseLeaf(line)
		if err != nil {
			return
		}
		row := verify.AppendCSV(nil, leaf, merkle.LeafHash(line))
		records, err := csv.NewReader(bytes.NewReader(row)).ReadAll()
		if err != nil || len(records) != 1 || len(records[0]) != 13 {
			t.Fatalf("%q became %q: %v, %v", line, row, records, err)
		}
		for i, want := range map[int][]byte{9: leaf.Reason, 10: leaf.Correlation, 11: leaf.Data} {
			got := records[0][i]
			if got != "" && strings.ContainsRune("=+-@\t\r\n", rune(got[0])) {
				t.Errorf("%q leads to the formula %q", line, got)
			}
			// encoding/csv reads a line break in a cell as \n alone.
			plain := strings.ReplaceAll(string(want), "\r\n", "\n")
			if utf8.Valid(want) && got != plain && got != "'"+plain {
				t.Errorf("%q became the cell %q", want, got)
			}
		}
	})
}

// A pack has nothing that expands: reading one costs what its size says.
func TestACompressedPackIsRefused(t *testing.T) {
	t.Parallel()
	if err := verdictOf(t, honest); err != nil {
		t.Fatal(err)
	}
	names, contents := entriesOf(t, honest)
	if err := verdictOf(t, pack(t, zip.Store, names, contents)); err != nil {
		t.Fatalf("zipped again: %v", err)
	}
	contents[slices.Index(names, verify.ReportPDF)] = make([]byte, 64<<20)
	bomb := pack(t, zip.Deflate, names, contents)
	var refused *merkle.Failure
	if err := verdictOf(t, bomb); !errors.As(err, &refused) || refused.Verdict != merkle.Malformed || !strings.Contains(err.Error(), "compressed") {
		t.Errorf("%d bytes that become %d: %v", len(bomb), 64<<20, err)
	}
}
