// Without the race detector the binary is an ordinary one.

//go:build !race

package e2e_test

const raceDetector = false
