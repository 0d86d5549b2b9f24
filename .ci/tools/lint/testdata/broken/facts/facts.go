// Package facts forgets a case of a set that another package declares.
package facts

import "broken"

// Corners has a default, which does not make up for the forgotten case.
func Corners(s broken.Shape) int {
	switch s.(type) {
	case broken.Square:
		return 4
	default:
		return 0
	}
}
