// What a verification can come to, and how a failed one tells where.

package merkle

import (
	"errors"
	"fmt"
)

// Verdict is the outcome of a verification. Its number is the exit code of `audit verify`.
type Verdict int

// The verdicts.
const (
	Verified   Verdict = iota // every event of the period is there, unaltered and in order
	Altered                   // an event, or a part of the proof, is not what was signed
	Incomplete                // an event is missing, or the proof does not cover the period
	Unsigned                  // a checkpoint lacks a right signature
	Forked                    // the checkpoints are not of one history
	Malformed                 // something cannot be read
	Unpinned                  // all agrees, but the keys came with the evidence
)

// String names the verdict.
func (v Verdict) String() string {
	names := [...]string{"verified", "altered", "incomplete", "signature", "fork", "malformed", "trust not pinned"}
	if v < 0 || int(v) >= len(names) {
		return fmt.Sprintf("verdict %d", int(v))
	}
	return names[v]
}

// Failure is the error of a verification that did not end with [Verified].
type Failure struct {
	Verdict Verdict
	// TrailPosition and Line are those of the first bad event. 0 says that it is not about one
	// event, or that the evidence does not tell which.
	TrailPosition int64
	Line          int64
	Err           error
}

// Error is a sentence for the auditor.
func (f *Failure) Error() string {
	text := f.Verdict.String()
	if f.TrailPosition > 0 {
		text += fmt.Sprintf(" at trail position %d", f.TrailPosition)
	}
	if f.Line > 0 {
		text += fmt.Sprintf(" (line %d)", f.Line)
	}
	return text + ": " + f.Err.Error()
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// VerdictOf gives the verdict of a verification's error: [Verified] for nil, and [Malformed] for an
// error that is no [Failure], such as one of reading.
func VerdictOf(err error) Verdict {
	var f *Failure
	switch {
	case err == nil:
		return Verified
	case errors.As(err, &f):
		return f.Verdict
	default:
		return Malformed
	}
}

func fail(v Verdict, format string, args ...any) *Failure {
	return &Failure{Verdict: v, Err: fmt.Errorf(format, args...)}
}

// as makes an error a failure, unless it is one already.
func as(v Verdict, err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Verdict: v, Err: err}
}

// at says where, unless the failure knows that itself.
func (f *Failure) at(position, line int64) *Failure {
	placed := *f
	if f.TrailPosition == 0 && f.Line == 0 {
		placed.TrailPosition, placed.Line = position, line
	}
	return &placed
}
