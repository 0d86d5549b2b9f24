// The checks themselves are tried on histories and logs whose verdict is known.

//go:build faults

package faults_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

// at is an operation on one token from one millisecond to another.
func at(what kind, began, ended int, result outcome, position int64) op {
	return op{
		kind: what, token: "t", marker: fmt.Sprint(what, began), outcome: result, position: position,
		began: time.Duration(began) * time.Millisecond, ended: time.Duration(ended) * time.Millisecond,
	}
}

func TestHistories(t *testing.T) {
	made := at(create, 0, 1, done, 1)
	behind := at(use, 20, 21, refused, 0)
	behind.lagging = true
	for name, c := range map[string]struct {
		history []op
		guilty  bool
	}{
		"used and revoked":              {[]op{made, at(use, 2, 3, done, 2), at(revoke, 4, 5, done, 3), at(use, 6, 7, refused, 0)}, false},
		"used while it is revoked":      {[]op{made, at(revoke, 2, 9, done, 3), at(use, 3, 4, done, 2)}, false},
		"used after it was revoked":     {[]op{made, at(revoke, 2, 3, done, 2), at(use, 4, 5, done, 3)}, true},
		"refused, and then allowed":     {[]op{made, at(revoke, 2, 9, done, 3), at(use, 3, 4, refused, 0), at(use, 5, 6, done, 2)}, true},
		"refused while it is open":      {[]op{made, at(use, 2, 3, refused, 0)}, true},
		"refused by one that is behind": {[]op{made, behind}, false},
		"used while suspended":          {[]op{made, at(suspend, 2, 3, done, 2), at(use, 4, 5, done, 3)}, true},
		"used after it was resumed":     {[]op{made, at(suspend, 2, 3, done, 2), at(resume, 4, 5, done, 3), at(use, 6, 7, done, 4)}, false},
		"renamed after it was revoked":  {[]op{made, at(revoke, 2, 3, done, 2), at(rename, 4, 5, done, 3)}, true},
		"revoked twice":                 {[]op{made, at(revoke, 2, 3, done, 2), at(revoke, 4, 5, done, 3)}, true},
		"nobody knows of a use":         {[]op{made, at(revoke, 2, 3, done, 2), at(use, 4, 5, unknown, 0)}, false},
	} {
		if _, guilty := linearizable(c.history); (len(guilty) > 0) != c.guilty {
			t.Errorf("%s: %v", name, guilty)
		}
	}
}

func TestAcknowledged(t *testing.T) {
	leaf := func(position int64, o op) outside.Leaf {
		return outside.Leaf{Position: position, Stream: "token-t", Type: types[o.kind], Data: map[string]any{"resource": o.marker}}
	}
	first, second, refusal, lost := at(use, 0, 1, done, 1), at(use, 2, 3, done, 2), at(use, 4, 5, refused, 0), at(use, 6, 7, unknown, 0)
	swapped, other := first, second
	swapped.position, other.position = 2, 1
	for name, c := range map[string]struct {
		ops                         []op
		log                         []outside.Leaf
		lost, duplicated, reordered int
	}{
		"all is well":               {ops: []op{first, second, refusal, lost}, log: []outside.Leaf{leaf(1, first), leaf(2, second), leaf(3, lost)}},
		"one is missing":            {ops: []op{first, second}, log: []outside.Leaf{leaf(1, first)}, lost: 1},
		"one stands elsewhere":      {ops: []op{first}, log: []outside.Leaf{leaf(2, first)}, lost: 1},
		"one is there twice":        {ops: []op{first}, log: []outside.Leaf{leaf(1, first), leaf(2, first)}, duplicated: 1},
		"a lost one is there twice": {ops: []op{lost}, log: []outside.Leaf{leaf(1, lost), leaf(2, lost)}, duplicated: 1},
		"a refused one is there":    {ops: []op{refusal}, log: []outside.Leaf{leaf(1, refusal)}, duplicated: 1},
		"they stand the other way":  {ops: []op{swapped, other}, log: []outside.Leaf{leaf(1, other), leaf(2, swapped)}, reordered: 1},
	} {
		r := newReport(0)
		failed := acknowledged(c.ops, c.log, r)
		if r.lost != c.lost || r.duplicated != c.duplicated || r.reordered != c.reordered || len(failed) != c.lost+c.duplicated+c.reordered {
			t.Errorf("%s: %d lost, %d duplicated, %d reordered: %v", name, r.lost, r.duplicated, r.reordered, failed)
		}
	}
}
