// What a command prints as CSV is no formula, whoever chose the text.

package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	names := []string{"=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "-", "", "plain"}
	var out bytes.Buffer
	err := printList(app{stdio: stdio{out: &out, err: &out}}, names, "csv", "", func(name string) record {
		return record{{"name", name}, {"tags", []string{name, name}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 1+len(names) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "-" && cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
				t.Errorf("the cell %q", cell)
			}
		}
	}
}
