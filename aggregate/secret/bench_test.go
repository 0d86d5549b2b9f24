// What a verification costs, and what looking through text costs.

package secret_test

import (
	"bytes"
	"testing"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

func BenchmarkParse(b *testing.B) {
	text := goldens(b)[0].Value
	b.ReportAllocs()
	for b.Loop() {
		if _, err := secret.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseBytes(b *testing.B) {
	text := []byte(goldens(b)[0].Value)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := secret.ParseBytes(text); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	peppers, g := testPeppers(b), goldens(b)[0]
	value, mac := []byte(g.Value), [32]byte(unhex(b, g.MAC))
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := peppers.Verify(1, value, mac); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkDummyVerify(b *testing.B) {
	peppers, value := testPeppers(b), []byte(goldens(b)[0].Value)
	b.ReportAllocs()
	for b.Loop() {
		peppers.DummyVerify(value)
	}
}

func BenchmarkScan(b *testing.B) {
	text := bytes.Repeat([]byte("a line of a log that mentions tolerance and little else\n"), 20_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for range secret.Scan(bytes.NewReader(text)) {
			b.Fatal("found")
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	line := []byte("refused " + goldens(b)[0].Value + " from 192.0.2.7, which is a line of usual length")
	b.ReportAllocs()
	for b.Loop() {
		secret.Redact(line)
	}
}
