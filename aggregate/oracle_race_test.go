//go:build race

// How many decisions the oracle is asked about under the race detector, which takes ten times as long.

package aggregate_test

const randomDecisions = 50_000
