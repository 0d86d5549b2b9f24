//go:build !race

// Whether the race detector, which allocates, is on.

package httpd

const raceDetector = false
