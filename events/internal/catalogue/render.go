// The texts: a page of tables, and the schemas as indented JSON.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func schemaFile(name string) string { return filepath.Join("events", "schema", name+".json") }

// render gives the content of every file by its name below the directory.
func render() (map[string][]byte, error) {
	files := map[string][]byte{"events.md": page()}
	documents := map[string]any{filepath.Join("reference", asyncFile): asyncapi()}
	for _, k := range events.Catalogue() {
		documents[schemaFile(string(k.Type))] = k.Schema()
	}
	for name, document := range documents {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(document); err != nil {
			return nil, fmt.Errorf("encoding %s: %w", name, err)
		}
		files[name] = b.Bytes()
	}
	return files, nil
}

const head = `# Events

Every fact in the ledger is one of these events. The tables are generated from the catalogue in package
` + "`events`" + ` (` + "`go generate ./events`" + `); each type links to the JSON Schema of its whole line.

An event is one line of canonical JSON, the leaf: format, position, trail, trail position, stream, version, time, type,
actor, then reason, correlation and trace where there are any, and at last the data listed below. The line is stored,
hashed, published and exported byte for byte. A **decision** changes what its stream is and counts as its next version;
an **observation** says what happened and has version 0.

In the column *data*, a question mark marks a field that is left out where it is empty, *position* refers to
another event of the log, and *personal* stands for a commitment to a value that is kept encrypted beside the line.
Integers beyond 2^53 are written as strings.
`

// sections say what a stream is about and in which trail its events stand.
var sections = []struct {
	kind  events.StreamKind
	about string
	trail string
}{
	{events.KindInstallation, "The installation itself; one stream in each log.", "the operator's"},
	{events.KindOrganization, "One organization.", "the organization's"},
	{events.KindUser, "One user.", "the user's"},
	{events.KindMembership, "One user's membership of one organization.", "the organization's"},
	{events.KindInvitation, "One offer of a membership.", "the organization's"},
	{events.KindToken, "One token, of either kind.", "the organization's for its own token; the owner's for a personal " +
		"token, but a use stands in the trail of the organization that it reached"},
	{events.KindGrant, "A personal token's access to one organization.", "the organization's"},
	{events.KindReview, "One access review.", "the organization's"},
}

func page() []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s Trail: %s.\n\n", s.kind, s.about, s.trail)
		b.WriteString("| event | | what happened | data |\n|---|---|---|---|\n")
		for _, k := range events.Catalogue() {
			if strings.HasPrefix(string(k.Type), string(s.kind)+".") {
				b.WriteString(row(k))
			}
		}
	}
	return b.Bytes()
}

func row(k events.Kind) string {
	kind := "decision"
	if k.Observation {
		kind = "observation"
	}
	link := filepath.ToSlash(schemaFile(string(k.Type)))
	return fmt.Sprintf("| [`%s`](%s) | %s | %s | %s |\n",
		k.Type, link, kind, k.Summary, strings.Join(fields(reflect.TypeOf(k.Zero())), ", "))
}

// fields lists the names and types of what stands in the JSON of a struct.
func fields(t reflect.Type) []string {
	var list []string
	for i := range t.NumField() {
		name, options, tagged := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		optional := ""
		if tagged && strings.HasPrefix(options, "omit") {
			optional = "?"
		}
		list = append(list, fmt.Sprintf("`%s`%s %s", name, optional, typeName(t.Field(i).Type)))
	}
	return list
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Time]():
		return "time"
	case reflect.TypeFor[uuid.UUID]():
		return "UUID"
	case reflect.TypeFor[events.Position]():
		return "position"
	case reflect.TypeFor[events.Personal]():
		return "personal"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "flag"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Slice:
		return "[" + typeName(t.Elem()) + "]"
	case reflect.Map:
		return "map"
	case reflect.Struct:
		return "{" + strings.Join(fields(t), ", ") + "}"
	}
	return "text"
}
