// Tokens from a CSV file: a line each, the first line names the columns.

package graphql

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// csvColumns sets one field of a new token each; organizationIDs is for personal ones.
var csvColumns = map[string]func(in *aggregate.NewPersonalToken, value string) error{
	"name":        func(in *aggregate.NewPersonalToken, v string) error { in.Name = v; return nil },
	"description": func(in *aggregate.NewPersonalToken, v string) error { in.Description = v; return nil },
	"scopes":      func(in *aggregate.NewPersonalToken, v string) error { in.Scopes = csvList(v); return nil },
	"tags":        func(in *aggregate.NewPersonalToken, v string) error { in.Tags = csvList(v); return nil },
	"expiresAt": func(in *aggregate.NewPersonalToken, v string) (err error) {
		if v != "" {
			in.ExpiresAt, err = model.UnmarshalTime(v)
		}
		return err
	},
	"organizationIDs": func(in *aggregate.NewPersonalToken, v string) error {
		for _, text := range csvList(v) {
			id, err := model.UnmarshalUUID(text)
			if err != nil {
				return err
			}
			in.Organizations = append(in.Organizations, id)
		}
		return nil
	},
}

// csvList splits at semicolons, since commas part the columns.
func csvList(v string) []string {
	var list []string
	for item := range strings.SplitSeq(v, ";") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// readCSV reads new tokens of either kind (RFC 4180). A fault names its line.
func readCSV(file gql.Upload, personal bool) ([]aggregate.NewPersonalToken, error) {
	if file.Size > maxUpload {
		return nil, badInput("input", "The file has more than %d bytes.", maxUpload)
	}
	r := csv.NewReader(file.File)
	header, err := r.Read()
	if err != nil {
		return nil, csvFault(err)
	}
	header[0] = strings.TrimPrefix(header[0], "\uFEFF") // spreadsheets put it there
	if err := checkHeader(header, personal); err != nil {
		return nil, err
	}
	var tokens []aggregate.NewPersonalToken
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, csvFault(err)
		}
		line, _ := r.FieldPos(0)
		if len(tokens) == aggregate.MaxBulk {
			return nil, badInput("input", "The file has more than %d tokens.", aggregate.MaxBulk)
		}
		token, err := csvToken(header, record, line)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	if len(tokens) == 0 {
		return nil, badInput("input", "The file has no tokens; its first line names the columns, the others are tokens.")
	}
	return tokens, nil
}

func checkHeader(header []string, personal bool) error {
	for i, name := range header {
		_, known := csvColumns[name]
		if !known || name == "organizationIDs" && !personal || slices.Contains(header[:i], name) {
			return badInput("input", "The file's column %q is unknown or stands there twice; columns are name, description, scopes, tags, expiresAt and, for personal tokens, organizationIDs.", name)
		}
	}
	if !slices.Contains(header, "name") {
		return badInput("input", "The file's first line must name the columns, one of which is name.")
	}
	return nil
}

func csvToken(header, record []string, line int) (aggregate.NewPersonalToken, error) {
	var token aggregate.NewPersonalToken
	for i, name := range header {
		if !utf8.ValidString(record[i]) {
			return token, badInput("input", "Line %d: %s is not valid UTF-8.", line, name)
		}
		if err := csvColumns[name](&token, record[i]); err != nil {
			return token, badInput("input", "Line %d: %s: %v.", line, name, err)
		}
	}
	return token, nil
}

// csvFault says what is wrong without quoting the file.
func csvFault(err error) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return badInput("input", "The file is empty.")
	case errors.As(err, &parse):
		return badInput("input", "Line %d: %v.", parse.Line, parse.Err)
	}
	return fmt.Errorf("read the file: %w", err)
}

// grantedTo parses the ids of organizations.
func grantedTo(field string, ids []string) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, len(ids))
	for i, text := range ids {
		id, err := model.UnmarshalUUID(text)
		if err != nil {
			return nil, badInput(fmt.Sprintf("%s[%d]", field, i), "%v.", err)
		}
		out[i] = id
	}
	return out, nil
}
