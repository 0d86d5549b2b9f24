// What reports say that they are made of exists.

package evidence

import (
	"slices"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

func TestReportsAndControlsNameEventsThatExist(t *testing.T) {
	t.Parallel()
	var known []string
	for _, k := range events.Catalogue() {
		known = append(known, string(k.Type))
	}
	named := map[string][]string{}
	for _, k := range kinds {
		named["report "+k.Name] = k.events
	}
	for _, c := range controls {
		named["control "+c.Criterion] = c.Types
	}
	for what, names := range named {
		for _, name := range names {
			types := typesOf([]string{name})
			if len(types) == 0 || slices.ContainsFunc(types, func(t string) bool { return !slices.Contains(known, t) }) {
				t.Errorf("%s names %s, which is %v", what, name, types)
			}
		}
	}
}
