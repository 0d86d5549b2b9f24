//go:build !race

// Whether the race detector, which allocates, is on.

package verifyhttp_test

const raceDetector = false
