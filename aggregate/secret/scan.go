// Finding whole values in other people's text: files, logs, repositories.

package secret

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Match is a value that was found. It holds nothing of the value that may not be shown.
type Match struct {
	Offset int64 // of the value's first byte in the text
	Kind   Kind
	ID     ID
	Masked string
}

// Find gives every whole value in b: one that stands as a word of its own, in the sense of
// `\btol[ap]_[0-9A-Za-z]{64}\b`, and whose checksum is right.
func Find(b []byte) []Match {
	var found []Match
	for match := range matches(b, 0) {
		found = append(found, match)
	}
	return found
}

const scanWindow = 64 << 10

// Scan is Find for a text of any size, in constant memory. An error of the reader ends the
// sequence, after all that was found before it.
func Scan(r io.Reader) iter.Seq2[Match, error] {
	return func(yield func(Match, error) bool) {
		in := bufio.NewReaderSize(r, scanWindow)
		var offset int64 // of the window in the text
		var before byte  // the byte in front of the window; at the start 0, which is no word character
		for {
			window, err := in.Peek(scanWindow)
			// What begins in the last bytes may go on behind them: it is left for the next window.
			keep := Length
			if err != nil {
				keep = 0
			}
			done := max(len(window)-keep, 0)
			for match := range matches(window, before) {
				if match.Offset >= int64(done) {
					break
				}
				match.Offset += offset
				if !yield(match, nil) {
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(Match{}, fmt.Errorf("scan for token values: %w", err))
				}
				return
			}
			before = window[done-1]
			offset += int64(done)
			_, _ = in.Discard(done)
		}
	}
}

// matches gives the values in b, where before is the byte in front of b.
func matches(b []byte, before byte) iter.Seq[Match] {
	return func(yield func(Match) bool) {
		for at := 0; ; {
			next := bytes.Index(b[at:], []byte("tol"))
			if next < 0 {
				return
			}
			at += next
			if at > 0 {
				before = b[at-1]
			}
			match, ok := matchAt(b, at, before)
			if !ok {
				at++
				continue
			}
			if !yield(match) {
				return
			}
			at += Length
		}
	}
}

func matchAt(b []byte, at int, before byte) (Match, bool) {
	end := at + Length
	if isWord(before) || end > len(b) || end < len(b) && isWord(b[end]) {
		return Match{}, false
	}
	kind, id, ok := ParseBytes(b[at:end])
	if !ok {
		return Match{}, false
	}
	return Match{Offset: int64(at), Kind: kind, ID: id, Masked: Masked(kind, id)}, true
}

// isWord is the \w of the pattern: an underscore counts.
func isWord(c byte) bool { return isBase62(c) || c == '_' }
