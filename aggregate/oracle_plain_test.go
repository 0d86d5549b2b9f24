//go:build !race

// How many decisions the oracle is asked about.

package aggregate_test

const randomDecisions = 1_000_000
