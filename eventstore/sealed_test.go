// Personal values: committed to in the leaf, readable with the keys, empty without.

package eventstore_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// personal is a log with personal values of two subjects, one of them twice.
type personal struct {
	config   eventstore.Config
	user     uuid.UUID
	token    eventstoretest.Token
	recorded []events.Recorded // as the log that wrote them gives them
}

func writePersonal(t *testing.T) personal {
	t.Helper()
	return writePersonalWith(t, keyring.File{Path: filepath.Join(t.TempDir(), "keys.json")})
}

func writePersonalWith(t *testing.T, keys keyring.File) personal {
	t.Helper()
	ring, err := keys.LoadOrCreate()
	if err != nil {
		t.Fatal(err)
	}
	p := personal{
		config: eventstore.Config{URL: eventstoretest.Postgres(t), Keys: ring},
		user:   uuid.New(), token: eventstoretest.NewToken(uuid.New()),
	}
	log := eventstoretest.Start(t, p.config)
	user, org := events.UserStream(p.user), events.OrganizationStream(p.token.Organization)
	by := events.Meta{Actor: events.System("test")}
	created := events.UserCreated{
		Email:       events.Personal{Subject: user, Value: "ada@example.com"},
		DisplayName: events.Personal{Subject: user, Value: "Ada \x00 \u2028 <Lovelace>"},
	}
	seen := events.TokenSourceSeen{
		Address: events.Personal{Subject: org, Value: "192.0.2.1"},
		Agent:   events.Personal{Subject: user, Value: "curl/8"},
	}
	mustAppend(t, log, events.Request{Batches: []events.Batch{
		{Stream: user, Trail: events.UserTrail(p.user), Meta: by, Events: []events.Event{created}},
		p.token.Batch(p.token.Created(), seen, events.TokenUsed{Source: -1}),
	}})
	mustAppend(t, log, events.Request{Batches: []events.Batch{
		{Stream: user, Trail: events.UserTrail(p.user), Meta: by, Events: []events.Event{events.UserUpdated{Email: created.Email}}},
	}})
	p.recorded = readAll(t, log, 0)
	p.mustHave(t, p.recorded, "ada@example.com", "Ada \x00 \u2028 <Lovelace>", "192.0.2.1", "curl/8", "ada@example.com")
	return p
}

// mustHave compares the personal values in the log with those wanted.
func (p personal) mustHave(t *testing.T, all []events.Recorded, values ...string) {
	t.Helper()
	created, seen := all[0].Event.(events.UserCreated), all[2].Event.(events.TokenSourceSeen)
	updated := all[4].Event.(events.UserUpdated)
	for i, v := range []events.Personal{created.Email, created.DisplayName, seen.Address, seen.Agent, updated.Email} {
		if v.Value != values[i] || v.Commitment == (events.Commitment{}) {
			t.Errorf("value number %d is %q, want %q", i, v.Value, values[i])
		}
	}
	if p.recorded != nil && created.Email.Commitment == updated.Email.Commitment {
		t.Error("the same value has the same commitment twice")
	}
}

func TestPersonalValuesAreReadWithTheirKeys(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	// Another process has nothing in memory.
	p.mustHave(t, readAll(t, opened(t, p.config), 0), "ada@example.com", "Ada \x00 \u2028 <Lovelace>", "192.0.2.1", "curl/8", "ada@example.com")
	// The second process goes on with the keys of the first.
	second := eventstoretest.Start(t, p.config)
	mustAppend(t, second, p.token.Decide(events.TokenSourceSeen{
		Address: events.Personal{Subject: events.OrganizationStream(p.token.Organization), Value: "192.0.2.2"},
	}))
	admin := connect(t, p.config.URL)
	if n := query[int](t, admin, `SELECT count(*) FROM subject_keys`); n != 2 {
		t.Fatalf("%d subjects have keys", n)
	}
	last := readAll(t, opened(t, p.config), 5)[0].Event.(events.TokenSourceSeen)
	if last.Address.Value != "192.0.2.2" {
		t.Fatalf("%+v", last)
	}
}

func TestPersonalValuesStandNowhereInClear(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	admin := connect(t, p.config.URL)
	for _, sql := range []string{
		`SELECT string_agg(leaves || sealed, '') FROM blocks`,
		`SELECT string_agg(leaf, '') FROM decisions`,
		`SELECT string_agg(wrapped, '') FROM subject_keys`,
	} {
		stored := query[[]byte](t, admin, sql)
		for _, value := range []string{"ada@example.com", "Lovelace", "192.0.2.1", "curl/8"} {
			if bytes.Contains(stored, []byte(value)) {
				t.Errorf("%s has %s", sql, value)
			}
		}
	}
}

func TestPersonalValuesAreEmptyWithoutKeys(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	none, other := p.config, p.config
	none.Keys, other.Keys = nil, keyring.Generate()
	for _, c := range []eventstore.Config{none, other} {
		all := readAll(t, opened(t, c), 0)
		p.mustHave(t, all, "", "", "", "", "")
		for i, r := range all {
			if !bytes.Equal(r.Leaf, p.recorded[i].Leaf) {
				t.Errorf("leaf %d is another one", i+1)
			}
		}
	}
	for r, err := range opened(t, p.config).ReadStream(t.Context(), events.UserStream(p.user), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := r.Event.(events.UserCreated); ok && e.Email.Value != "" {
			t.Error("a stream is read with its personal values")
		}
	}
}

func TestOneSubjectsKeyOpensNoOther(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	admin := connect(t, p.config.URL)
	run(t, admin, `DELETE FROM subject_keys WHERE subject LIKE 'user-%'`)
	p.mustHave(t, readAll(t, opened(t, p.config), 0), "", "", "192.0.2.1", "", "")
}

func TestCommitmentsBindTheValues(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	admin := connect(t, p.config.URL)
	subject := events.UserStream(p.user)
	wrapped := query[[]byte](t, admin, `SELECT wrapped FROM subject_keys WHERE subject = $1`, string(subject))
	kek := query[int](t, admin, `SELECT kek FROM subject_keys WHERE subject = $1`, string(subject))
	key, err := p.config.Keys.UnwrapSubjectKey(opened(t, p.config).Origin(), subject, wrapped, kek)
	if err != nil {
		t.Fatal(err)
	}
	email := p.recorded[0].Event.(events.UserCreated).Email
	if email.Commitment != events.Commit(key.Nonce(1, "email"), "email", email.Value) {
		t.Fatal("the commitment is not that of the value at its place")
	}
}

func TestAlteredSealedValuesAreCorrupt(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	for _, change := range []string{
		`UPDATE blocks SET sealed = set_byte(sealed, octet_length(sealed) - 1, 255 - get_byte(sealed, octet_length(sealed) - 1)) WHERE first_position = 1`,
		`UPDATE blocks SET sealed = substring(sealed FROM 1 FOR 20) WHERE first_position = 1`,
		`UPDATE blocks SET sealed = set_byte(sealed, 0, 9) WHERE first_position = 1`,
	} {
		tamper(t, connect(t, p.config.URL), change)
		if err := readError(t, opened(t, p.config), 0); !errors.Is(err, eventstore.ErrCorrupt) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestWrongRingWritesNoPersonalValues(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	c := p.config
	c.Keys = keyring.Generate()
	log := eventstoretest.Start(t, c)
	r := p.token.Decide(events.TokenSourceSeen{
		Address: events.Personal{Subject: events.OrganizationStream(p.token.Organization), Value: "192.0.2.2"},
	})
	if _, err := log.Append(t.Context(), r); !errors.Is(err, events.ErrUnavailable) || !errors.Is(err, keyring.ErrOpen) {
		t.Fatal(err)
	}
	mustAppend(t, log, p.token.Use())
}

func TestKeyOfARefusedRequestIsNotUsed(t *testing.T) {
	t.Parallel()
	c := eventstore.Config{URL: eventstoretest.Postgres(t), Keys: keyring.Generate()}
	log := opened(t, c)
	k := eventstoretest.NewToken(uuid.New())
	seen := k.Decide(events.TokenSourceSeen{
		Address: events.Personal{Subject: events.OrganizationStream(k.Organization), Value: "192.0.2.1"},
	})
	refused := seen
	refused.Guards = []events.Guard{events.Open(k.Stream())}
	wait := queueInOrder(t, log, refused, k.Create()) // one block, without personal values
	start(t, log)
	if answers := wait(); !errors.Is(answers[0].err, events.ErrGateClosed) || answers[1].err != nil {
		t.Fatal(answers[0].err, answers[1].err)
	}
	mustAppend(t, log, seen)
	last := readAll(t, opened(t, c), 1)[0].Event.(events.TokenSourceSeen)
	if last.Address.Value != "192.0.2.1" {
		t.Fatalf("another process reads %+v", last)
	}
}

// readError is what ends a reading.
func readError(t *testing.T, log *eventstore.Log, after events.Position) error {
	t.Helper()
	for _, err := range log.ReadAll(t.Context(), after) {
		if err != nil {
			return err
		}
	}
	return nil
}
