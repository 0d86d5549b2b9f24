// Keys in memory: one that was destroyed never comes back to seal or to open.

package eventstore

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

func TestAKeyTakenBeforeAnErasureIsNotRememberedAfterIt(t *testing.T) {
	t.Parallel()
	subject, other := events.OrganizationStream(uuid.New()), events.OrganizationStream(uuid.New())
	keys := map[events.SubjectID]subjectKey{subject: {SubjectKey: events.SubjectKey{1}, since: 1}}
	for name, lose := range map[string]func(*subjectKeys){
		"its erasure":                          func(s *subjectKeys) { s.forget([]events.SubjectID{subject}) },
		"an erasure of another":                func(s *subjectKeys) { s.forget([]events.SubjectID{other}) },
		"a head of which little more is known": (*subjectKeys).forgetAll,
	} {
		s := newSubjectKeys("log", keyring.Generate())
		before := s.generation()
		s.remember(before, keys)
		if _, ok := s.cached(subject); !ok {
			t.Fatalf("%s: nothing is remembered", name)
		}
		s.forget([]events.SubjectID{subject})
		before = s.generation() // as attach and try begin
		lose(s)
		s.remember(before, keys)
		if _, ok := s.cached(subject); ok {
			t.Errorf("%s: the key is back", name)
		}
		s.remember(s.generation(), keys)
		if _, ok := s.cached(subject); !ok {
			t.Errorf("%s: nothing is remembered after it", name)
		}
	}
}

func TestABlockInTheMakingKnowsThatItsKeysMayBeGone(t *testing.T) {
	t.Parallel()
	subject := events.OrganizationStream(uuid.New())
	s := newSubjectKeys("log", keyring.Generate())
	s.remember(s.generation(), map[events.SubjectID]subjectKey{subject: {SubjectKey: events.SubjectKey{1}, since: 1}})
	v := stagedValues{subjects: s}
	v.clear()
	if v.lacks(subject) || v.stale() {
		t.Fatal("the key was at hand")
	}
	s.forget([]events.SubjectID{subject})
	if !v.stale() {
		t.Fatal("the block would be sealed with the key that was destroyed")
	}
	s.remember(v.of, v.keys)
	if v.clear(); !v.lacks(subject) || v.stale() {
		t.Fatal("the key is still at hand")
	}
}

// While the tail cannot move, the key goes all the same: it goes first.
func TestAKeyGoesBeforeTheHeadPassesItsErasure(t *testing.T) {
	t.Parallel()
	org := uuid.New()
	subject := events.OrganizationStream(org)
	l := &Log{tail: newTail(), subjects: newSubjectKeys("log", keyring.Generate())}
	l.tail.load(head{}, map[events.TrailID]events.Position{})
	l.subjects.remember(l.subjects.generation(), map[events.SubjectID]subjectKey{subject: {SubjectKey: events.SubjectKey{1}, since: 1}})
	erasure := erasureBlock(t, org)
	changes, err := erasure.changes(&l.tail.hash)
	if err != nil {
		t.Fatal(err)
	}

	l.tail.mu.Lock()
	taken := make(chan error, 1)
	go func() { taken <- l.add(erasure, changes) }()
	gone := false
	for deadline := time.Now().Add(10 * time.Second); !gone && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		_, there := l.subjects.cached(subject)
		gone = !there
	}
	l.tail.mu.Unlock()
	if err := <-taken; err != nil || l.tail.at().last != 1 {
		t.Fatal(l.tail.at(), err)
	}
	if !gone {
		t.Fatal("the head moves first")
	}
}

func erasureBlock(t *testing.T, org uuid.UUID) *Block {
	t.Helper()
	d, err := events.NewDraft(events.OrganizationStream(org), events.OrganizationTrail(org),
		events.Meta{Actor: events.System("test")}, events.OrganizationNetworkDataErased{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	leaf, err := d.AppendLeaf(nil, events.Place{Position: 1, TrailPosition: 1, Version: 1, RecordedAt: now}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Block{
		First: 1, Last: 1, Term: 1, RecordedAt: now, leaves: append(leaf, '\n'),
		tally: map[events.TrailID]events.Position{events.OrganizationTrail(org): 1},
	}
}
