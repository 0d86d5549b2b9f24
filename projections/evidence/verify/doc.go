// Package verify checks an evidence pack offline, with nothing but the pack and a
// key from elsewhere. It imports the standard library, golang.org/x/mod and the
// Merkle trees, so that it can be read and built by whoever wants to trust it.
package verify
