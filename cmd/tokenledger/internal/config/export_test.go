package config

import (
	"maps"
	"slices"
)

// Meant lists the variables that meanings.go speaks of.
func Meant() []string { return slices.Sorted(maps.Keys(meanings)) }
