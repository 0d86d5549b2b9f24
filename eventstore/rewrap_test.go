// Rotated keys: nothing is lost, and what can be made anew is.

package eventstore_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

func TestKeysOfSubjectsFollowARotation(t *testing.T) {
	t.Parallel()
	file := keyring.File{Path: filepath.Join(t.TempDir(), "keys.json")}
	p := writePersonalWith(t, file)
	admin := connect(t, p.config.URL)
	if query[bool](t, admin, `SELECT bool_or(kek <> 1) FROM subject_keys`) {
		t.Fatal("before the rotation")
	}
	if v, err := file.Rotate(keyring.KeyEncryption, false); err != nil || v != 2 {
		t.Fatal(v, err)
	}
	var err error
	if p.config.Keys, err = file.Load(); err != nil {
		t.Fatal(err)
	}
	log := eventstoretest.Start(t, p.config)
	await(t, "every key is wrapped anew", func() bool {
		return query[bool](t, admin, `SELECT bool_and(kek = 2) FROM subject_keys`)
	})
	p.mustHave(t, readAll(t, log, 0), "ada@example.com", "Ada \x00 \u2028 <Lovelace>", "192.0.2.1", "curl/8", "ada@example.com")
	held, err := log.HeldByKeys(t.Context())
	if err != nil || held.SubjectKeys[2] != 2 || held.SubjectKeys[1] != 0 {
		t.Fatalf("%+v, %v", held, err)
	}
}

// The ring learns of a rotation while the log runs.
func TestKeysOfSubjectsFollowARotationOfARingInUse(t *testing.T) {
	t.Parallel()
	file := keyring.File{Path: filepath.Join(t.TempDir(), "keys.json")}
	p := writePersonalWith(t, file)
	admin, log := connect(t, p.config.URL), opened(t, p.config)
	if err := log.RewrapSubjects(t.Context()); err != nil { // nothing is left to do, so far
		t.Fatal(err)
	}
	if _, err := file.Rotate(keyring.KeyEncryption, false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	file.Follow(ctx, p.config.Keys, time.Hour, func(error) { cancel() }) // until it has taken that on
	if err := log.RewrapSubjects(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !query[bool](t, admin, `SELECT bool_and(kek = 2) FROM subject_keys`) {
		t.Fatal("keys stay wrapped by the old version")
	}
	p.mustHave(t, readAll(t, log, 0), "ada@example.com", "Ada \x00 \u2028 <Lovelace>", "192.0.2.1", "curl/8", "ada@example.com")
}

// A subject is erased, and has a new key, between the reading of its old one and the
// writing of what was wrapped anew.
func TestAKeyThatWasErasedIsNotWrappedAnew(t *testing.T) {
	t.Parallel()
	file := keyring.File{Path: filepath.Join(t.TempDir(), "keys.json")}
	p := writePersonalWith(t, file)
	old := p.config.Keys
	if _, err := file.Rotate(keyring.KeyEncryption, false); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.config.Keys, err = file.Load(); err != nil {
		t.Fatal(err)
	}
	eraser, admin := connect(t, p.config.URL), connect(t, p.config.URL)
	org := string(events.OrganizationStream(p.token.Organization))
	run(t, eraser, "BEGIN")
	run(t, eraser, "LOCK TABLE subject_keys IN SHARE MODE") // reading goes on, writing waits
	log := eventstoretest.Start(t, p.config)
	await(t, "the keys are read and about to be written", func() bool {
		return query[bool](t, admin, `SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'subject_keys'::regclass AND NOT granted)`)
	})
	young, kek, err := old.WrapSubjectKey(log.Origin(), events.SubjectID(org), events.SubjectKey{1})
	if err != nil {
		t.Fatal(err)
	}
	run(t, eraser, `DELETE FROM subject_keys WHERE subject = $1`, org)
	run(t, eraser, `INSERT INTO subject_keys (subject, wrapped, kek, created_at, since) VALUES ($1, $2, $3, now(), 7)`, org, young, kek)
	run(t, eraser, "COMMIT")
	await(t, "the others are wrapped anew", func() bool {
		return query[bool](t, admin, `SELECT bool_and(kek = 2) FROM subject_keys WHERE subject <> $1`, org)
	})
	// The next round may wrap the new one anew, too; it stays that key.
	var stored []byte
	var by int
	if err := admin.QueryRow(t.Context(), `SELECT wrapped, kek FROM subject_keys WHERE subject = $1`, org).Scan(&stored, &by); err != nil {
		t.Fatal(err)
	}
	key, err := p.config.Keys.UnwrapSubjectKey(log.Origin(), events.SubjectID(org), stored, by)
	if err != nil || key != (events.SubjectKey{1}) {
		t.Fatal("the key that was erased is back, and the new one is gone", err)
	}
}

// While a rotation is on its way, some processes have the older ring.
func TestAnOlderRingLeavesTheKeysOfANewerOne(t *testing.T) {
	t.Parallel()
	file := keyring.File{Path: filepath.Join(t.TempDir(), "keys.json")}
	p := writePersonalWith(t, file)
	if _, err := file.Rotate(keyring.KeyEncryption, true); err != nil {
		t.Fatal(err)
	}
	prepared, err := file.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Rotate(keyring.KeyEncryption, false); err != nil {
		t.Fatal(err)
	}
	rotated, err := file.Load()
	if err != nil {
		t.Fatal(err)
	}
	admin := connect(t, p.config.URL)
	p.config.Keys = rotated
	eventstoretest.Start(t, p.config)
	await(t, "every key is wrapped anew", func() bool {
		return query[bool](t, admin, `SELECT bool_and(kek = 2) FROM subject_keys`)
	})
	p.config.Keys = prepared
	if err := opened(t, p.config).RewrapSubjects(t.Context()); err != nil {
		t.Fatal(err)
	}
	if query[bool](t, admin, `SELECT bool_or(kek <> 2) FROM subject_keys`) {
		t.Fatal("keys went back to the older version")
	}
}

func TestAMACIsReplacedByWhoReadItLast(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	k := eventstoretest.NewToken(uuid.New())
	r := k.Create()
	first := events.Credential{Token: k.ID, Pepper: 1, MAC: [32]byte{1}}
	r.Credentials = []events.Credential{first}
	mustAppend(t, log, r)
	second, third := first, first
	second.Pepper, second.MAC = 2, [32]byte{2}
	third.Pepper, third.MAC = 3, [32]byte{3}
	for _, step := range []struct{ from, to, want events.Credential }{
		{first, second, second}, {first, third, second}, {second, third, third},
	} {
		if err := log.Rewrap(t.Context(), step.from, step.to); err != nil {
			t.Fatal(err)
		}
		if got, err := log.Credentials(t.Context(), []uuid.UUID{k.ID}); err != nil || got[0] != step.want {
			t.Fatalf("%+v, %v; want %+v", got, err, step.want)
		}
	}
}
