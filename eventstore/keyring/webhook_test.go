package keyring

import (
	"bytes"
	"maps"
	"testing"
)

func TestWebhookSecretsAreTheirOwnAndStay(t *testing.T) {
	t.Parallel()
	r := Generate()
	of := func(r *Ring, origin string, id byte) []byte {
		t.Helper()
		secret, err := r.WebhookSecret(origin, [16]byte{id})
		if err != nil || len(secret) != 32 {
			t.Fatalf("%d bytes, %v", len(secret), err)
		}
		return secret
	}
	first := of(r, "a", 1)
	if bytes.Equal(first, of(r, "a", 2)) || bytes.Equal(first, of(r, "b", 1)) || bytes.Equal(first, of(Generate(), "a", 1)) {
		t.Error("two webhooks share a secret")
	}
	old := r.keys()[KeyEncryption]
	newer := maps.Clone(old.Keys)
	newer[2] = random(keySize)
	r.keys()[KeyEncryption] = versions{Active: 2, Keys: newer}
	if !bytes.Equal(first, of(r, "a", 1)) {
		t.Error("a new version of the key-encryption key changed the secret")
	}
}
