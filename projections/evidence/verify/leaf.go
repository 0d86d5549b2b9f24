// One line of events.jsonl taken apart, and the row of events.csv that belongs to it.

package verify

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Leaf is an event's line. Its texts may share memory with the line.
type Leaf struct {
	Position, TrailPosition, Version int64
	Trail, Stream, At, Type          []byte
	ActorKind, ActorID, ActorUser    []byte
	Reason, Correlation              []byte
	Data                             []byte // the JSON object
}

var errLeaf = errors.New("the line is not an event of the ledger")

// ParseLeaf reads a line without its line break. The members of a leaf have one
// order, so this is a walk and no search.
func ParseLeaf(line []byte) (Leaf, error) {
	var l Leaf
	r := scanner{rest: line}
	r.literal(`{"format":1,"position":`)
	l.Position = r.number()
	r.literal(`,"trail":`)
	l.Trail = r.text()
	r.literal(`,"trail_position":`)
	l.TrailPosition = r.number()
	r.literal(`,"stream":`)
	l.Stream = r.text()
	r.literal(`,"version":`)
	l.Version = r.number()
	r.literal(`,"recorded_at":`)
	l.At = r.text()
	r.literal(`,"type":`)
	l.Type = r.text()
	if r.has(`,"type_version":`) {
		r.number()
	}
	r.literal(`,"actor":{"kind":`)
	l.ActorKind = r.text()
	r.literal(`,"id":`)
	l.ActorID = r.text()
	if r.has(`,"user":`) {
		l.ActorUser = r.text()
	}
	r.literal(`}`)
	if r.has(`,"reason":`) {
		l.Reason = r.text()
	}
	if r.has(`,"correlation":`) {
		l.Correlation = r.text()
	}
	if r.has(`,"trace":`) {
		r.text()
	}
	r.literal(`,"data":`)
	if r.bad || len(r.rest) < 3 || r.rest[0] != '{' || r.rest[len(r.rest)-1] != '}' {
		return Leaf{}, errLeaf
	}
	l.Data = r.rest[:len(r.rest)-1]
	return l, nil
}

// scanner takes a line apart from left to right; after a fault it gives nothing.
type scanner struct {
	rest []byte
	bad  bool
}

func (s *scanner) has(lead string) bool {
	if s.bad || len(s.rest) < len(lead) || string(s.rest[:len(lead)]) != lead {
		return false
	}
	s.rest = s.rest[len(lead):]
	return true
}

func (s *scanner) literal(text string) { s.bad = s.bad || !s.has(text) }

func (s *scanner) number() int64 {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(s.rest[:n]), 10, 64)
	if s.bad || err != nil {
		s.bad = true
		return 0
	}
	s.rest = s.rest[n:]
	return v
}

func (s *scanner) text() []byte {
	if s.bad || len(s.rest) == 0 || s.rest[0] != '"' {
		s.bad = true
		return nil
	}
	escaped := false
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			quoted := s.rest[:i+1]
			s.rest = s.rest[i+1:]
			if !escaped {
				return quoted[1:i]
			}
			var text string
			if json.Unmarshal(quoted, &text) != nil {
				s.bad = true
			}
			return []byte(text)
		}
	}
	s.bad = true
	return nil
}

// csvColumns is the first line of events.csv.
var csvColumns = []string{
	"position", "trail_position", "recorded_at", "type", "stream", "version", "actor_kind", "actor", "actor_user",
	"reason", "correlation", "data", "leaf_hash",
}

// CSVHeader is the first line of events.csv with its line break.
func CSVHeader() []byte {
	var row []byte
	for i, name := range csvColumns {
		row = appendCell(row, i, []byte(name), false)
	}
	return append(row, "\r\n"...)
}

// AppendCSV appends the row of an event, with its line break. Every cell is
// quoted, and one that a spreadsheet would take for a formula begins with an
// apostrophe, so there is exactly one row for each event.
func AppendCSV(row []byte, l Leaf, hash merkle.Hash) []byte {
	row = appendCell(row, 0, strconv.AppendInt(nil, l.Position, 10), false)
	row = appendCell(row, 1, strconv.AppendInt(nil, l.TrailPosition, 10), false)
	row = appendCell(row, 2, l.At, false)
	row = appendCell(row, 3, l.Type, false)
	row = appendCell(row, 4, l.Stream, false)
	row = appendCell(row, 5, strconv.AppendInt(nil, l.Version, 10), false)
	for i, text := range [][]byte{l.ActorKind, l.ActorID, l.ActorUser, l.Reason, l.Correlation, l.Data} {
		row = appendCell(row, 6+i, text, true)
	}
	var sum [64]byte
	hex.Encode(sum[:], hash[:])
	return append(appendCell(row, 12, sum[:], false), "\r\n"...)
}

func appendCell(row []byte, n int, text []byte, guarded bool) []byte {
	if n > 0 {
		row = append(row, ',')
	}
	row = append(row, '"')
	if guarded && len(text) > 0 && bytes.IndexByte([]byte("=+-@\t\r\n"), text[0]) >= 0 {
		row = append(row, '\'')
	}
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			break
		}
		row = append(append(row, text[:i+1]...), '"')
		text = text[i+1:]
	}
	return append(append(row, text...), '"')
}

// listedHash is the hash at the end of a row of events.csv, zero where there is none.
func listedHash(row []byte) (h merkle.Hash) {
	row = bytes.TrimSuffix(row, []byte("\"\r\n"))
	if len(row) < 64 {
		return h
	}
	if _, err := hex.Decode(h[:], row[len(row)-64:]); err != nil {
		return merkle.Hash{}
	}
	return h
}

// indexOf reads the index that an organization's first event gave it.
func indexOf(first []byte, organization string) (int64, error) {
	l, err := ParseLeaf(first)
	if err != nil {
		return 0, err
	}
	if string(l.Trail) != organization || l.TrailPosition != 1 || string(l.Type) != "organization.created" {
		return 0, fmt.Errorf("the first leaf is not the creation of organization %s", organization)
	}
	var data struct {
		Index *int64 `json:"index"`
	}
	if err := json.Unmarshal(l.Data, &data); err != nil || data.Index == nil {
		return 0, errors.New("the first leaf names no index")
	}
	return *data.Index, nil
}
