// The ways in which people name a token without showing its value.

package secret

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// Form says how a [Reference] was written.
type Form int

// The forms of a reference.
const (
	ByUUID        Form = iota + 1 // the UUID, as everywhere in GraphQL
	ByShortID                     // the 22 characters of base62 that stand in the value
	ByMasked                      // the masked value, ending in … or in three dots
	ByFingerprint                 // the base64 of the value's SHA-256
)

// Reference names one token. ID is set for every form but ByFingerprint, Kind for ByMasked only,
// Fingerprint for ByFingerprint only.
type Reference struct {
	Form        Form
	Kind        Kind
	ID          ID
	Fingerprint string
}

// What is wrong with a text that should name a token.
var (
	ErrReference  = errors.New("this names no token: give its UUID, its 22-character id, its masked value or its fingerprint")
	ErrWholeValue = errors.New("this is a whole token value, and it is now in one more place: name the token by its id or masked value instead")
)

// ParseReference reads any form of a reference. The forms differ in length, so none can be taken
// for another. The error is [ErrWholeValue] for a value itself and [ErrReference] for all else.
func ParseReference(s string) (Reference, error) {
	switch len(s) {
	case idLength:
		if id, err := ParseShortID(s); err == nil {
			return Reference{Form: ByShortID, ID: id}, nil
		}
	case prefixLength + idLength + len(ellipsis):
		if kind, id, ok := parseMasked(s); ok {
			return Reference{Form: ByMasked, Kind: kind, ID: id}, nil
		}
	case uuidLength:
		if id, ok := parseUUID(s); ok {
			return Reference{Form: ByUUID, ID: id}, nil
		}
	case fingerprintLength:
		if isFingerprint(s) {
			return Reference{Form: ByFingerprint, Fingerprint: s}, nil
		}
	case Length:
		if _, err := Parse(s); err == nil {
			return Reference{}, ErrWholeValue
		}
	}
	return Reference{}, ErrReference
}

const (
	uuidLength        = 36
	fingerprintLength = 44
)

// parseMasked relies on "…" and "..." having the same number of bytes.
func parseMasked(s string) (Kind, ID, bool) {
	kind, ok := prefixAt(s)
	if end := s[idEnd:]; !ok || end != ellipsis && end != "..." {
		return 0, ID{}, false
	}
	id, err := ParseShortID(s[prefixLength:idEnd])
	return kind, id, err == nil
}

func parseUUID(s string) (id ID, ok bool) {
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, false
	}
	digits := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	n, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil && n == len(id)
}

// isFingerprint compares with the canonical spelling, since the decoder passes over line breaks.
func isFingerprint(s string) bool {
	sum, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && len(sum) == 32 && base64.StdEncoding.EncodeToString(sum) == s
}
