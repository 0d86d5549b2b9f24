// Package events points back into a package that knows it.
package events

import (
	_ "strings"

	_ "github.com/tokenledger/tokenledger/aggregate/money" // want `events may not import aggregate`
)
