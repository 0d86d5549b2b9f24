// A log with an organization, its owner and tokens, and verifiers that follow it, for the tests of this package.

package verifier_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// world is a log with an organization, an owner, and verifiers that follow it.
type world struct {
	t       *testing.T
	log     *eventstore.Log
	peppers *secret.Peppers
	org     uuid.UUID
	user    uuid.UUID
	now     func() time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key := make([]byte, 32)
	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: key})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: eventstoretest.Open(t), peppers: peppers, org: newID(), user: newID(), now: time.Now}
	w.append(events.OrganizationStream(w.org), w.trail(), events.OrganizationCreated{Name: "acme", DisplayName: "Acme"})
	w.append(events.UserStream(w.user), events.UserTrail(w.user), events.UserCreated{})
	w.append(events.MembershipStream(w.org, w.user), w.trail(), events.MembershipStarted{Organization: w.org, User: w.user, Role: events.RoleOwner})
	return w
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (w *world) trail() events.TrailID { return events.OrganizationTrail(w.org) }

func (w *world) append(stream events.StreamID, trail events.TrailID, facts ...events.Event) events.Receipt {
	w.t.Helper()
	r, err := w.log.Append(w.t.Context(), events.Request{Batches: []events.Batch{{
		Stream: stream, Trail: trail, Meta: events.Meta{Actor: events.System("test")}, Events: facts,
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// token records a new token and gives its value.
func (w *world) token(created events.TokenCreated) (uuid.UUID, string) {
	w.t.Helper()
	id, kind, trail := newID(), secret.Organization, w.trail()
	if created.Kind == events.PersonalKind {
		kind, trail = secret.Personal, events.UserTrail(w.user)
	}
	value, err := secret.New(kind, secret.ID(id), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	mac, err := w.peppers.Sum(1, []byte(value.Reveal()))
	if err != nil {
		w.t.Fatal(err)
	}
	created.Fingerprint = value.Fingerprint()
	batches := []events.Batch{{
		Stream: events.TokenStream(id), Trail: trail, Meta: events.Meta{Actor: events.System("test")}, Events: []events.Event{created},
	}}
	for _, o := range created.Organizations {
		batches = append(batches, events.Batch{
			Stream: events.GrantStream(id, o), Trail: events.OrganizationTrail(o), Meta: events.Meta{Actor: events.System("test")},
			Events: []events.Event{events.GrantGiven{Token: id, Organization: o, User: w.user, Name: created.Name}},
		})
	}
	_, err = w.log.Append(w.t.Context(), events.Request{
		Batches: batches, Credentials: []events.Credential{{Token: id, Pepper: 1, MAC: mac}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id, value.Reveal()
}

func (w *world) organizationToken(scopes ...string) (uuid.UUID, string) {
	w.t.Helper()
	return w.token(events.TokenCreated{Kind: events.OrganizationKind, Organization: w.org, Name: "ci", Scopes: scopes})
}

func (w *world) personalToken(scopes ...string) (uuid.UUID, string) {
	w.t.Helper()
	return w.token(events.TokenCreated{
		Kind: events.PersonalKind, Owner: w.user, Name: "mine", Scopes: scopes, Organizations: []uuid.UUID{w.org},
	})
}

// noSources remembers nothing, as after a restart before the projection caught up.
type noSources struct{}

func (noSources) Source(context.Context, uuid.UUID, events.TrailID, string, string) (events.Position, bool, error) {
	return 0, false, nil
}

func (noSources) LastUse(context.Context, uuid.UUID, events.TrailID, events.Position) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// verifier starts one that has caught up with the log.
func (w *world) verifier() *verifier.Verifier { return w.verifierWith(noSources{}) }

func (w *world) verifierWith(known verifier.Sources) *verifier.Verifier {
	w.t.Helper()
	v := verifier.New(verifier.Config{Log: w.log, Sources: known, Peppers: w.peppers, Now: w.now})
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.caughtUp(v)
	return v
}

func (w *world) caughtUp(v *verifier.Verifier) {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := v.Wait(w.t.Context(), head); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) verify(v *verifier.Verifier, q verifier.Query) verifier.Decision {
	w.t.Helper()
	d, err := v.Verify(w.t.Context(), q)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}
