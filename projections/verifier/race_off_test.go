//go:build !race

// Whether the race detector, which allocates, is on.

package verifier

const raceDetector = false
