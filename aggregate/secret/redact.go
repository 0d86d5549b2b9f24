// Removing values from text that is about to be written where no value may stand.

package secret

// redactFrom is the length from which the beginning of a value is masked.
const redactFrom = 12

// Redact replaces all that looks like a value, or like the first 12 or more characters of one, by
// its masked form. Unlike [Find] it needs neither the right length nor a right checksum nor a word
// boundary: here a false alarm costs an ellipsis and a miss costs a secret. What it cannot know is
// the end of a value without its beginning. It gives b itself when there is nothing to replace.
func Redact(b []byte) []byte {
	if out, changed := redact(b); changed {
		return out
	}
	return b
}

// RedactString is [Redact] for strings.
func RedactString(s string) string {
	if out, changed := redact(s); changed {
		return string(out)
	}
	return s
}

func redact[T string | []byte](s T) (out []byte, changed bool) {
	copied := 0
	for at := 0; at+redactFrom <= len(s); {
		if _, ok := prefixAt(s[at:]); !ok {
			at++
			continue
		}
		end := runEnd(s, at+prefixLength)
		if end-at < redactFrom {
			at = end
			continue
		}
		shown := min(end, at+idEnd)
		if shown < end || !hasEllipsis(s[end:]) {
			out = append(out, s[copied:shown]...)
			out = append(out, ellipsis...)
			copied, changed = end, true
		}
		at = end
	}
	if !changed {
		return nil, false
	}
	return append(out, s[copied:]...), true
}

// runEnd is where the letters and digits from at on end. The prefix of another value ends them
// too: two values without a gap must not hide the second one's prefix and so save its secret.
func runEnd[T string | []byte](s T, at int) int {
	for at < len(s) && isBase62(s[at]) {
		if _, ok := prefixAt(s[at:]); ok {
			break
		}
		at++
	}
	return at
}

func hasEllipsis[T string | []byte](s T) bool {
	return len(s) >= len(ellipsis) && (string(s[:len(ellipsis)]) == ellipsis || string(s[:len(ellipsis)]) == "...")
}
