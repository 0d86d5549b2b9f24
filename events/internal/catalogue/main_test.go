// What is committed is what would be written.

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

const docs = "../../../docs"

func TestCommittedFilesAreFresh(t *testing.T) {
	t.Parallel()
	files, err := render()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Errorf("%v; run go generate ./events", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("docs/%s is stale; run go generate ./events", name)
		}
	}
	for _, name := range stale(docs, files) {
		t.Errorf("docs/%s belongs to no type; run go generate ./events", name)
	}
}

func TestPageNamesEveryType(t *testing.T) {
	t.Parallel()
	page := string(page())
	for _, k := range events.Catalogue() {
		if n := strings.Count(page, "[`"+string(k.Type)+"`]"); n != 1 {
			t.Errorf("%s stands %d times on the page", k.Type, n)
		}
	}
}

func TestWriteRemovesSchemasWithoutTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, schemaFile("token.melted"))
	if err := os.WriteFile(left, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the schema of a type that does not exist is still there: %v", err)
	}
	found, err := filepath.Glob(filepath.Join(dir, schemaFile("*")))
	if err != nil || len(found) != len(events.Catalogue()) {
		t.Errorf("%d schemas for %d types, %v", len(found), len(events.Catalogue()), err)
	}
}
