// With the race detector on the tests, the binary has it, too.

//go:build race

package e2e_test

const raceDetector = true
