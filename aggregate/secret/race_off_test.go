//go:build !race

// Tells tests that the race detector is off.

package secret_test

const raceEnabled = false
