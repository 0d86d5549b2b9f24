//go:build race

// Tells tests that the race detector is on.

package secret_test

const raceEnabled = true
