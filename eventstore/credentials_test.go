// Credentials are written with the beginning of their token, and once.

package eventstore_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestCredentialsComeWithTheirTokens(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	org := uuid.New()
	want := map[uuid.UUID]events.Credential{}
	var r events.Request
	for i := range 1500 { // more than are read at once
		k := eventstoretest.NewToken(org)
		c := events.Credential{Token: k.ID, Pepper: i % 3, MAC: [32]byte{byte(i), byte(i >> 8), 1}}
		want[k.ID] = c
		r.Batches = append(r.Batches, k.Batch(k.Created()))
		r.Credentials = append(r.Credentials, c)
	}
	mustAppend(t, log, r)
	var last uuid.UUID
	n := 0
	for c, err := range log.AllCredentials(t.Context()) {
		if err != nil || c != want[c.Token] || c.Token.String() <= last.String() {
			t.Fatalf("%+v after %s, %v", c, last, err)
		}
		last = c.Token
		n++
	}
	if n != len(want) {
		t.Fatalf("%d credentials, want %d", n, len(want))
	}
	some, err := log.Credentials(t.Context(), []uuid.UUID{last, uuid.New()})
	if err != nil || len(some) != 1 || some[0] != want[last] {
		t.Fatal(some, err)
	}
}

func TestTokenHasOneCredential(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	k := eventstoretest.NewToken(uuid.New())
	r := k.Decide(k.Created())
	r.Credentials = []events.Credential{{Token: k.ID, MAC: [32]byte{1}}}
	mustAppend(t, log, r)
	r = k.Decide(events.TokenRenamed{Name: "x"})
	r.Credentials = []events.Credential{{Token: k.ID, MAC: [32]byte{2}}}
	if _, err := log.Append(t.Context(), r); !errors.Is(err, events.ErrConflict) {
		t.Fatal(err)
	}
	for c, err := range log.AllCredentials(t.Context()) {
		if err != nil || c.MAC[0] != 1 {
			t.Fatal(c, err)
		}
	}
}
