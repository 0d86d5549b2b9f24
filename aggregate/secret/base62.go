// Base62 with a fixed width: how an id, a secret and a checksum are spelled inside a token value.

package secret

import "math/bits"

const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base     = uint64(len(alphabet))
	noDigit  = 0xff
)

// digits maps a byte to its place in the alphabet, or to noDigit.
var digits = func() (table [256]byte) {
	for i := range table {
		table[i] = noDigit
	}
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	return table
}()

func isBase62(c byte) bool { return digits[c] != noDigit }

// putBase62 writes the 128-bit number hi·2⁶⁴+lo over the whole of dst, left-padded with '0'.
// The caller picks a dst that is wide enough for every number it may pass.
func putBase62(dst []byte, hi, lo uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		var rest uint64
		hi, rest = hi/base, hi%base
		lo, rest = bits.Div64(rest, lo, base)
		dst[i] = alphabet[rest]
	}
}

// readBase62 is the inverse of putBase62. It is false for a byte outside the alphabet and for
// a number above 128 bits, so that each number has exactly one spelling of a given width.
func readBase62(src []byte) (hi, lo uint64, ok bool) {
	for _, c := range src {
		digit := digits[c]
		if digit == noDigit {
			return 0, 0, false
		}
		over, high := bits.Mul64(hi, base)
		carry, low := bits.Mul64(lo, base)
		low, c1 := bits.Add64(low, uint64(digit), 0)
		high, c2 := bits.Add64(high, carry, c1)
		if over != 0 || c2 != 0 {
			return 0, 0, false
		}
		hi, lo = high, low
	}
	return hi, lo, true
}
