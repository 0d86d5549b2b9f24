// After a rotation of the pepper, old values still verify, and their MACs follow at a use.

package verifier_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestAnOldPepperIsLeftAtTheNextUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, value := w.organizationToken("evidence:write")
	unused, _ := w.organizationToken("evidence:write")
	both, err := secret.NewPeppers(2, map[secret.PepperVersion][]byte{1: make([]byte, 32), 2: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	w.peppers = both
	pepper := func(id uuid.UUID) int {
		c, err := w.log.Credentials(t.Context(), []uuid.UUID{id})
		if err != nil || len(c) != 1 {
			t.Fatal(c, err)
		}
		return c[0].Pepper
	}
	v := w.verifier()
	for deadline := time.Now().Add(time.Minute); pepper(id) != 2; time.Sleep(time.Millisecond) {
		d, err := v.Verify(t.Context(), verifier.Query{Value: value, Action: "createEvidence", Resource: "evidence/1"})
		if err != nil || !d.Allowed || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	if pepper(unused) != 1 {
		t.Fatal("a token that nobody used was touched")
	}
	// A process that knows the new pepper alone, as after the old one is thrown away.
	if w.peppers, err = secret.NewPeppers(2, map[secret.PepperVersion][]byte{2: bytes.Repeat([]byte{7}, 32)}); err != nil {
		t.Fatal(err)
	}
	if d, err := w.verifier().Verify(t.Context(), verifier.Query{Value: value, Action: "createEvidence", Resource: "evidence/1"}); err != nil || !d.Allowed {
		t.Fatalf("%+v, %v", d, err)
	}
	if d, err := v.Verify(t.Context(), verifier.Query{Value: value, Action: "createEvidence", Resource: "evidence/1"}); err != nil || !d.Allowed {
		t.Fatalf("%+v, %v", d, err)
	}
}
