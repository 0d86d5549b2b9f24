// Reports as GraphQL shows them.

package model

import (
	"encoding/json"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// Report is one report.
type Report struct{ evidence.Table }

// Name is the report's name.
func (r Report) Name() string { return r.Table.Report }

// TrailPosition is that of the last event that was read.
func (r Report) TrailPosition() events.Position { return r.TrailLength }

// MarshalReportRow writes the cells of a row.
func MarshalReportRow(row []any) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		text, err := json.Marshal(evidence.Cells(row))
		if err != nil { // a table has no cells that JSON lacks
			text = []byte("null")
		}
		_, _ = w.Write(text)
	})
}

// UnmarshalReportRow refuses: no input has rows.
func UnmarshalReportRow(any) ([]any, error) { return nil, bad("a row of a report is no input") }
