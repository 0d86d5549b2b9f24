// Package events is the language of the ledger: every fact that can stand in
// the log, the envelope around it, the canonical bytes of both, and the names
// that they carry on NATS.
//
// A fact is an [Event]: past tense, immutable, one of a closed set. The log
// gives it a place and turns it into a [Recorded]; its canonical line, the leaf,
// is what is stored, hashed, published and exported, byte for byte. Nothing in
// this package does I/O or imports anything else of the ledger.
package events

//go:generate go run ./internal/catalogue ../docs
