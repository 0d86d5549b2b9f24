// The secrets of webhooks, which are kept nowhere.

package keyring

import (
	"crypto/hkdf"
	"crypto/sha256"
	"maps"
	"slices"
)

// WebhookSecret is what the messages to one webhook of a log are signed with. It
// is derived from the oldest key-encryption key, so that a new version of that
// changes no secret which receivers know.
func (r *Ring) WebhookSecret(origin string, webhook [16]byte) ([]byte, error) {
	keys := r.keys()[KeyEncryption].Keys
	oldest := slices.Min(slices.Collect(maps.Keys(keys))) // a ring has one
	return hkdf.Key(sha256.New, keys[oldest], nil, string(bind("webhook", origin, string(webhook[:]))), keySize)
}
