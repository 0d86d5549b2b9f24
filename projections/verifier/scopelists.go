// Lists of scopes: many tokens have the same, and each list is kept once.

package verifier

import "strings"

// scopeLists numbers the lists that were met, from 1 on; 0 is the empty one.
type scopeLists struct {
	lists   [][]string
	numbers map[string]uint32
}

func newScopeLists() *scopeLists {
	return &scopeLists{lists: make([][]string, 1), numbers: map[string]uint32{"": 0}}
}

// number is that of the list, which is kept where it is a new one.
func (l *scopeLists) number(scopes []string) uint32 {
	key := strings.Join(scopes, "\x00") // a copy: no part of the event's memory is kept
	n, found := l.numbers[key]
	if !found {
		n = uint32(len(l.lists))
		l.lists = append(l.lists, strings.Split(key, "\x00"))
		l.numbers[key] = n
	}
	return n
}

func (l *scopeLists) list(number uint32) []string { return l.lists[number] }

// of gives the scopes that the token itself has.
func (l *scopeLists) of(t *token) []string { return l.lists[t.scopes] }
