// Finding values in text, against the pattern of the format as the judge.

package secret_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

var pattern = regexp.MustCompile(`\btol[ap]_[0-9A-Za-z]{64}\b`)

// judged finds values the slow way: by the pattern, then by Parse.
func judged(text []byte) []secret.Match {
	var found []secret.Match
	for _, at := range pattern.FindAllIndex(text, -1) {
		if v, err := secret.Parse(string(text[at[0]:at[1]])); err == nil {
			found = append(found, secret.Match{Offset: int64(at[0]), Kind: v.Kind(), ID: v.ID(), Masked: v.Masked()})
		}
	}
	return found
}

func collect(t interface{ Fatal(...any) }, r io.Reader) []secret.Match {
	var found []secret.Match
	for match, err := range secret.Scan(r) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, match)
	}
	return found
}

func TestFind(t *testing.T) {
	t.Parallel()
	v := goldens(t)[0].Value
	for name, c := range map[string]struct {
		text    string
		offsets []int64
	}{
		"nothing":                {"", nil},
		"alone":                  {v, []int64{0}},
		"in quotes":              {`token = "` + v + `"`, []int64{9}},
		"in a header":            {"Authorization: Bearer " + v + "\r\n", []int64{22}},
		"two":                    {v + "\n" + v, []int64{0, 70}},
		"after a false start":    {"tol tola_ " + v, []int64{10}},
		"a letter in front":      {"x" + v, nil},
		"an underscore in front": {"_" + v, nil},
		"a letter behind":        {v + "x", nil},
		"an underscore behind":   {v + "_", nil},
		"a dash on both sides":   {"-" + v + "-", []int64{1}},
		"non-ASCII around":       {"é" + v + "é", []int64{2}},
		"glued":                  {v + v, nil},
		"cut":                    {v[:68], nil},
		"wrong checksum":         {v[:68] + "x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var offsets []int64
			for _, match := range secret.Find([]byte(c.text)) {
				offsets = append(offsets, match.Offset)
			}
			if !slices.Equal(offsets, c.offsets) {
				t.Errorf("found at %v, want %v", offsets, c.offsets)
			}
		})
	}
}

// texts are values, parts of values and what may stand between them, without any order.
func texts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var text strings.Builder
		for range rapid.IntRange(0, 12).Draw(t, "parts") {
			v := values().Draw(t, "value").Reveal()
			text.WriteString(rapid.OneOf(
				rapid.Just(v),
				rapid.Just(v[:rapid.IntRange(0, len(v)).Draw(t, "cut")]),
				rapid.Just(v[:68]+"!"),
				rapid.SampledFrom([]string{" ", "_", "-", "x", "\n", "é", "tola", "tola_", "tolp_", "tol", "…", "..."}),
				rapid.String(),
			).Draw(t, "part"))
		}
		return text.String()
	})
}

func TestFindAgreesWithThePattern(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(texts().Draw(t, "text"))
		want := judged(text)
		if got := secret.Find(text); !slices.Equal(got, want) {
			t.Fatalf("Find: %v, want %v", got, want)
		}
		if got := collect(t, iotest.OneByteReader(bytes.NewReader(text))); !slices.Equal(got, want) {
			t.Fatalf("Scan: %v, want %v", got, want)
		}
	})
}

// The first window ends at 64 KiB: every place around it is tried. The later ones end wherever the
// one before left off, so places all over them are.
func TestScanFindsValuesAcrossWindows(t *testing.T) {
	t.Parallel()
	v := goldens(t)[1].Value
	var places []int
	for at := 64<<10 - 150; at < 64<<10+80; at++ {
		places = append(places, at)
	}
	for at := 64 << 10; at < 128<<10; at += 2017 {
		places = append(places, at)
	}
	for _, at := range places {
		text := bytes.Repeat([]byte("."), 160<<10)
		copy(text[at:], v)
		copy(text[at+100:], "x"+v) // never a word of its own
		if got := collect(t, bytes.NewReader(text)); len(got) != 1 || got[0].Offset != int64(at) {
			t.Fatalf("value at %d: %v", at, got)
		}
	}
}

func TestScanReportsTheReadersErrorLast(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk gone")
	text := goldens(t)[0].Value + " and then "
	var found int
	var last error
	for _, err := range secret.Scan(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))) {
		if last != nil {
			t.Fatal("the sequence goes on after an error")
		}
		if last = err; err == nil {
			found++
		}
	}
	if found != 1 || !errors.Is(last, broken) {
		t.Errorf("found %d, then %v", found, last)
	}
}

func TestScanStopsWhenAsked(t *testing.T) {
	t.Parallel()
	v := goldens(t)[0].Value
	for range secret.Scan(strings.NewReader(v + " " + v)) {
		break
	}
}
