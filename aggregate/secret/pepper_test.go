// MACs: the golden ones, versions, what a wrong one gets, and the cost of a check.

package secret_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// testPeppers holds every pepper of the golden values; version 2 is active.
func testPeppers(t testing.TB) *secret.Peppers {
	t.Helper()
	keys := map[secret.PepperVersion][]byte{}
	for _, g := range goldens(t) {
		keys[g.PepperVersion] = unhex(t, g.Pepper)
	}
	peppers, err := secret.NewPeppers(2, keys)
	if err != nil {
		t.Fatal(err)
	}
	return peppers
}

func TestSumAgreesWithGoldenMACs(t *testing.T) {
	t.Parallel()
	peppers := testPeppers(t)
	for _, g := range goldens(t) {
		mac, err := peppers.Sum(g.PepperVersion, []byte(g.Value))
		if err != nil || hex.EncodeToString(mac[:]) != g.MAC {
			t.Errorf("%s: %x, %v", g.Name, mac, err)
		}
		if ok, err := peppers.Verify(g.PepperVersion, []byte(g.Value), mac); !ok || err != nil {
			t.Errorf("%s does not verify: %v, %v", g.Name, ok, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	peppers := testPeppers(t)
	all := goldens(t)
	value := []byte(all[0].Value)
	mac := [32]byte(unhex(t, all[0].MAC))
	for bit := range 8 * len(mac) {
		wrong := mac
		wrong[bit/8] ^= 1 << (bit % 8)
		if ok, err := peppers.Verify(1, value, wrong); ok || err != nil {
			t.Fatalf("with bit %d of the MAC wrong: %v, %v", bit, ok, err)
		}
	}
	if ok, _ := peppers.Verify(1, []byte(all[1].Value), mac); ok {
		t.Error("another value passes")
	}
	if ok, _ := peppers.Verify(1, value[:68], mac); ok {
		t.Error("a shortened value passes")
	}
	if ok, _ := peppers.Verify(2, value, mac); ok {
		t.Error("the MAC passes under another pepper")
	}
	if ok, err := peppers.Verify(9, value, mac); ok || !errors.Is(err, secret.ErrPepper) {
		t.Errorf("an unknown version: %v, %v", ok, err)
	}
	if _, err := peppers.Sum(9, value); !errors.Is(err, secret.ErrPepper) {
		t.Errorf("Sum of an unknown version: %v", err)
	}
	peppers.DummyVerify(value)
	if ok, _ := peppers.Verify(1, value, mac); !ok {
		t.Error("the right MAC no longer passes")
	}
}

func TestNewPeppersNamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := secret.NewPeppers(3, map[secret.PepperVersion][]byte{0: make([]byte, 32), 1: make([]byte, 31), 2: nil})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"version 3, is missing", "version 0", "pepper 1 has 31 bytes", "pepper 2 has 0 bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestPeppersKeepTheirOwnKeysAndShowNone(t *testing.T) {
	t.Parallel()
	key := []byte("not-a-real-key-but-long-enough!!")
	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: key})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := peppers.Sum(1, []byte("x"))
	shown := fmt.Sprintf("%v %+v %#v", peppers, peppers, peppers)
	if strings.Contains(shown, string(key)) || strings.Contains(shown, fmt.Sprint(key)[1:20]) {
		t.Errorf("a key is shown: %s", shown)
	}
	clear(key)
	if after, _ := peppers.Sum(1, []byte("x")); after != before {
		t.Error("the caller's slice is still in use")
	}
	if !peppers.Has(1) || peppers.Has(2) || peppers.Active() != 1 {
		t.Error("wrong versions")
	}
}

func TestPeppersAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	peppers := testPeppers(t)
	var wait sync.WaitGroup
	for _, g := range goldens(t) {
		mac := [32]byte(unhex(t, g.MAC))
		for range 4 {
			wait.Go(func() {
				for range 200 {
					if ok, err := peppers.Verify(g.PepperVersion, []byte(g.Value), mac); !ok || err != nil {
						t.Errorf("%s: %v, %v", g.Name, ok, err)
						return
					}
				}
			})
		}
	}
	wait.Wait()
}

// Not parallel: the count of allocations is that of the whole process.
func TestHotPathDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector sync.Pool drops entries on purpose, so pooled code allocates")
	}
	peppers := testPeppers(t)
	g := goldens(t)[0]
	value, mac := []byte(g.Value), [32]byte(unhex(t, g.MAC))
	plain := bytes.Repeat([]byte("nothing to see here "), 20)
	for name, f := range map[string]func(){
		"ParseBytes":  func() { secret.ParseBytes(value) },
		"Verify":      func() { _, _ = peppers.Verify(1, value, mac) },
		"DummyVerify": func() { peppers.DummyVerify(value) },
		"Redact":      func() { secret.Redact(plain) },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// A rotation reaches peppers that are in use.
func TestPeppersBecomeOthers(t *testing.T) {
	t.Parallel()
	one, two := bytes.Repeat([]byte{1}, secret.PepperLength), bytes.Repeat([]byte{2}, secret.PepperLength)
	inUse, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: one})
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := secret.NewPeppers(2, map[secret.PepperVersion][]byte{1: one, 2: two})
	if err != nil {
		t.Fatal(err)
	}
	value := []byte("tolo_value")
	old, err := inUse.Sum(1, value)
	if err != nil {
		t.Fatal(err)
	}
	young, err := rotated.Sum(2, value)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inUse.Verify(2, value, young); !errors.Is(err, secret.ErrPepper) {
		t.Fatalf("before: %v", err)
	}
	inUse.Become(rotated)
	if inUse.Active() != 2 || !inUse.Has(1) || !inUse.Has(2) {
		t.Fatalf("version %d is active", inUse.Active())
	}
	for version, mac := range map[secret.PepperVersion][32]byte{1: old, 2: young} {
		if good, err := inUse.Verify(version, value, mac); !good || err != nil {
			t.Errorf("version %d: %v, %v", version, good, err)
		}
	}
}
