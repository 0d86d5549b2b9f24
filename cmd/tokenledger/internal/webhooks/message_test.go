// Signatures, beside a vector that the library of Standard Webhooks verifies in docs/examples/webhook-receiver.

package webhooks

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

func TestSignatureVector(t *testing.T) {
	t.Parallel()
	var v struct {
		Secret, ID, Body, Signature string
		Timestamp                   int64
	}
	content, err := os.ReadFile("testdata/signed.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &v); err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	if Secret(key) != v.Secret {
		t.Errorf("the secret is %s", Secret(key))
	}
	m := message{id: v.ID, body: []byte(v.Body)}
	if got := m.sign(key, time.Unix(v.Timestamp, 0)); got != v.Signature {
		t.Errorf("signed %s, want %s", got, v.Signature)
	}
}
