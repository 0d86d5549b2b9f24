// Tests of the judgement on a stream in govulncheck's protocol.
package main

import (
	"strings"
	"testing"
)

const stream = `
{"config": {"protocol_version": "v1.0.0"}}
{"osv": {"id": "GO-1", "summary": "reached"}}
{"osv": {"id": "GO-2", "summary": "linked in"}}
{"osv": {"id": "GO-3", "summary": "listed"}}
{"osv": {"id": "GO-4", "summary": "of the toolchain"}}
{"finding": {"osv": "GO-3", "trace": [{"module": "example.com/c", "version": "v1.0.0"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.2.0", "trace": [{"module": "example.com/a", "version": "v1.1.0"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.2.0", "trace": [{"module": "example.com/a", "version": "v1.1.0", "package": "example.com/a", "function": "Parse"}, {"module": "ours"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v1.2.0", "trace": [{"module": "example.com/a", "version": "v1.1.0", "package": "example.com/a"}]}}
{"finding": {"osv": "GO-2", "trace": [{"module": "example.com/b", "version": "v0.1.0", "package": "example.com/b/deep"}]}}
{"finding": {"osv": "GO-4", "fixed_version": "v1.26.9", "trace": [{"module": "stdlib", "version": "v1.26.8", "package": "net/http", "function": "Serve"}]}}
`

func TestRead(t *testing.T) {
	t.Parallel()
	findings, err := read(strings.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GO-1 (called, to mend): example.com/a@v1.1.0, fixed in v1.2.0: reached",
		"GO-4 (called, for information): stdlib@v1.26.8, fixed in v1.26.9: of the toolchain",
		"GO-2 (imported, to mend): example.com/b@v0.1.0, no fix yet: linked in",
		"GO-3 (required, for information): example.com/c@v1.0.0, no fix yet: listed",
	}
	if len(findings) != len(want) {
		t.Fatalf("%d findings, want %d: %v", len(findings), len(want), findings)
	}
	for i, f := range findings {
		if got := f.String(); got != want[i] {
			t.Errorf("finding %d\n got %s\nwant %s", i, got, want[i])
		}
	}
}

func TestReadRefusesACutStream(t *testing.T) {
	t.Parallel()
	if _, err := read(strings.NewReader(stream[:len(stream)-20])); err == nil {
		t.Fatal("a stream that ends inside a message was taken for a whole one")
	}
}
