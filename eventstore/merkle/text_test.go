// Each text has one spelling: whatever else is refused, and whatever is read is written back the same.

package merkle_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// readers are all the text forms: each reads a text and gives it back as it would write it.
var readers = map[string]func([]byte) ([]byte, error){
	"epoch": func(text []byte) ([]byte, error) {
		e, err := merkle.ParseEpoch(text)
		if err != nil {
			return nil, err
		}
		return e.Line()
	},
	"head": func(text []byte) ([]byte, error) {
		h, err := merkle.ParseHead(text)
		if err != nil {
			return nil, err
		}
		return h.Line()
	},
	"proof": func(text []byte) ([]byte, error) {
		var p merkle.Proof
		if err := p.UnmarshalText(text); err != nil {
			return nil, err
		}
		return p.MarshalText()
	},
	"frontier": func(text []byte) ([]byte, error) {
		var f merkle.Frontier
		if err := f.UnmarshalText(text); err != nil {
			return nil, err
		}
		return f.MarshalText()
	},
	"tile": func(text []byte) ([]byte, error) {
		t, err := merkle.ParseTilePath(string(text))
		return []byte(t.Path()), err
	},
	"bundle": func(text []byte) ([]byte, error) {
		entries, err := merkle.SplitEntries(text)
		if err != nil {
			return nil, err
		}
		bundle := []byte{}
		for _, entry := range entries {
			if bundle, err = merkle.AppendEntry(bundle, entry); err != nil {
				return nil, err
			}
		}
		return bundle, nil
	},
}

func TestMalformedTextsAreRefused(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	frontier, proof := g.Trees[5].Frontier, g.Inclusion[4].Proof // of 5 leaves; of 3 hashes
	edit := strings.NewReplacer
	for name, c := range map[string]struct{ form, text string }{
		"epoch, empty":                 {"epoch", ""},
		"epoch, line break":            {"epoch", g.Epoch + "\n"},
		"epoch, space":                 {"epoch", edit(`,"time"`, `, "time"`).Replace(g.Epoch)},
		"epoch, version":               {"epoch", edit(`"v":1`, `"v":2`).Replace(g.Epoch)},
		"epoch, leading zero":          {"epoch", edit(`"epoch":41`, `"epoch":041`).Replace(g.Epoch)},
		"epoch, negative":              {"epoch", edit(`"epoch":41`, `"epoch":-1`).Replace(g.Epoch)},
		"epoch, plus sign":             {"epoch", edit(`"epoch":41`, `"epoch":+41`).Replace(g.Epoch)},
		"epoch, no digits":             {"epoch", edit(`"epoch":41`, `"epoch":`).Replace(g.Epoch)},
		"epoch, above 2^53":            {"epoch", edit(`"epoch":41`, `"epoch":9007199254740992`).Replace(g.Epoch)},
		"epoch, above 2^64":            {"epoch", edit(`"epoch":41`, `"epoch":99999999999999999999`).Replace(g.Epoch)},
		"epoch, another month":         {"epoch", edit("2026-03", "2026-13").Replace(g.Epoch)},
		"epoch, 30th of February":      {"epoch", edit("2026-03-01", "2026-02-30").Replace(g.Epoch)},
		"epoch, comma in time":         {"epoch", edit("10.000120", "10,000120").Replace(g.Epoch)},
		"epoch, year 0":                {"epoch", edit("2026-", "0000-").Replace(g.Epoch)},
		"epoch, nothing with a root":   {"epoch", edit(`"size":11`, `"size":0`).Replace(g.Epoch)},
		"epoch, no organizations":      {"epoch", edit(`"organizations":3`, `"organizations":0`).Replace(g.Epoch)},
		"epoch, continues too late":    {"epoch", edit(`"epoch":0`, `"epoch":1`).Replace(g.FirstEpoch)},
		"epoch, origin with a space":   {"epoch", edit("ledger.example", "ledger example").Replace(g.FirstEpoch)},
		"epoch, origin with an escape": {"epoch", edit("ledger.example", `ledger\u0020`).Replace(g.FirstEpoch)},
		"epoch, origin missing":        {"epoch", edit("ledger.example/one", "").Replace(g.FirstEpoch)},
		"head, cut":                    {"head", g.Heads[0].Line[:len(g.Heads[0].Line)-1]},
		"head, keys swapped":           {"head", edit("root", "salt", "salt", "root").Replace(g.Heads[0].Line)},
		"head, no events but a root":   {"head", edit(`"size":3`, `"size":0`).Replace(g.Heads[0].Line)},
		"proof, no last line break":    {"proof", strings.TrimSuffix(proof, "\n")},
		"proof, empty line":            {"proof", proof + "\n"},
		"proof, CRLF":                  {"proof", strings.ReplaceAll(proof, "\n", "\r\n")},
		"proof, loose bits":            {"proof", strings.Repeat("A", 42) + "B=\n"},
		"proof, line break in a hash":  {"proof", proof[:20] + "\n" + proof[21:]},
		"proof, url alphabet":          {"proof", strings.Repeat("_", 42) + "8=\n"},
		"proof, too long":              {"proof", strings.Repeat(proof, 22)},
		"frontier, a hash missing":     {"frontier", frontier[:len(frontier)-45]},
		"frontier, a hash too many":    {"frontier", frontier + frontier[2:47]},
		"frontier, size only":          {"frontier", "5"},
		"frontier, not a size":         {"frontier", "five\n"},
		"tile, with a slash":           {"tile", "/tile/0/000"},
		"tile, height in front":        {"tile", "tile/8/0/000"},
		"tile, short digits":           {"tile", "tile/0/00"},
		"tile, x missing":              {"tile", "tile/0/001/234"},
		"tile, x at the end":           {"tile", "tile/0/x001/x234"},
		"tile, leading group of zeros": {"tile", "tile/0/x000/001"},
		"tile, level with a zero":      {"tile", "tile/00/000"},
		"tile, negative level":         {"tile", "tile/-1/000"},
		"tile, level above 63":         {"tile", "tile/64/000"},
		"tile, width of nothing":       {"tile", "tile/0/000.p/0"},
		"tile, full width":             {"tile", "tile/0/000.p/256"},
		"tile, width with a zero":      {"tile", "tile/0/000.p/01"},
		"tile, no width":               {"tile", "tile/0/000.p/"},
		"tile, no index":               {"tile", "tile/0/"},
		"tile, endless index":          {"tile", "tile/0/" + strings.Repeat("x999/", 40) + "999"},
		"bundle, one byte":             {"bundle", "\x00"},
		"bundle, cut":                  {"bundle", "\x00\x05four"},
		"bundle, too many":             {"bundle", strings.Repeat("\x00\x00", 257)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if back, err := readers[c.form]([]byte(c.text)); !errors.Is(err, merkle.ErrMalformed) {
				t.Errorf("read as %q, %v", back, err)
			}
		})
	}
}

func hashes() *rapid.Generator[merkle.Hash] {
	return rapid.Custom(func(t *rapid.T) merkle.Hash {
		return merkle.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	})
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	size := rapid.Int64Range(1, merkle.MaxSize)
	rapid.Check(t, func(t *rapid.T) {
		epoch := merkle.Epoch{
			Number: size.Draw(t, "number") - 1, Time: time.UnixMicro(rapid.Int64Range(0, 1<<50).Draw(t, "time")).UTC(),
			Size: size.Draw(t, "size"), Root: hashes().Draw(t, "root"),
			Organizations: size.Draw(t, "organizations"), Heads: hashes().Draw(t, "heads"),
		}
		head := merkle.Head{
			Index: epoch.Number, Size: epoch.Size, Root: epoch.Root, Salt: hashes().Draw(t, "salt"),
		}
		if head.Index == merkle.MaxSize {
			head.Index--
		}
		line, err := epoch.Line()
		if read, err2 := merkle.ParseEpoch(line); err != nil || err2 != nil || read != epoch {
			t.Fatalf("%s, %v: %+v, %v", line, err, read, err2)
		}
		line, err = head.Line()
		if read, err2 := merkle.ParseHead(line); err != nil || err2 != nil || read != head {
			t.Fatalf("%s, %v: %+v, %v", line, err, read, err2)
		}
	})
}

func TestRecordsThatCouldNotBeReadAreNotWritten(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	good := must[merkle.Epoch](t)(merkle.ParseEpoch([]byte(g.Epoch)))
	for name, spoil := range map[string]func(*merkle.Epoch){
		"nanoseconds":    func(e *merkle.Epoch) { e.Time = e.Time.Add(1) },
		"year 10000":     func(e *merkle.Epoch) { e.Time = e.Time.AddDate(8000, 0, 0) },
		"negative size":  func(e *merkle.Epoch) { e.Size = -1 },
		"too large":      func(e *merkle.Epoch) { e.Organizations = merkle.MaxSize + 1 },
		"no root":        func(e *merkle.Epoch) { e.Size = 0 },
		"empty root":     func(e *merkle.Epoch) { e.Heads = merkle.EmptyRoot },
		"late continues": func(e *merkle.Epoch) { e.Continues = &merkle.Checkpoint{Origin: "x", Root: merkle.EmptyRoot} },
		"bad origin": func(e *merkle.Epoch) {
			e.Number, e.Continues = 0, &merkle.Checkpoint{Origin: "é", Root: merkle.EmptyRoot}
		},
	} {
		epoch := good
		spoil(&epoch)
		if line, err := epoch.Line(); err == nil {
			t.Errorf("%s: written as %s", name, line)
		}
	}
	if line, err := (merkle.Head{Index: -1, Root: merkle.EmptyRoot}).Line(); err == nil {
		t.Errorf("a head of organization -1: %s", line)
	}
	if _, err := merkle.AppendEntry(nil, make([]byte, 1<<16)); err == nil {
		t.Error("an entry of 64 KiB was written")
	}
}

func TestSaltsDifferByKeyIndexAndEpoch(t *testing.T) {
	t.Parallel()
	one := must[*merkle.Blinder](t)(merkle.NewBlinder(make([]byte, 32)))
	two := must[*merkle.Blinder](t)(merkle.NewBlinder(append(make([]byte, 31), 1)))
	first := one.Salt(0, 0)
	seen := map[[32]byte]bool{}
	for _, salt := range [][32]byte{first, one.Salt(0, 1), one.Salt(1, 0), one.Salt(0, 256), two.Salt(0, 0)} {
		seen[salt] = true
	}
	if len(seen) != 5 || one.Salt(0, 0) != first {
		t.Errorf("%d different salts of 5", len(seen))
	}
	if _, err := merkle.NewBlinder(make([]byte, 31)); err == nil {
		t.Error("a key of 31 bytes is accepted")
	}
	if _, err := one.HeadsTree(0, []merkle.Head{{Index: 1, Root: merkle.EmptyRoot}}); err == nil {
		t.Error("a head in another's place is accepted")
	}
}
