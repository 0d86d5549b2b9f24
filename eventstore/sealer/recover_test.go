// The fault table of the sealer: what breaks, what must go on, what must be refused.

package sealer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

func TestASealerGoesOnWhereTheLastEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.start()
	w.busy()
	first.stop()
	w.use(1, 40)
	w.start()
	w.busyAgain()
	w.consistent()
}

// busyAgain goes on with a history that busy began.
func (w *world) busyAgain() {
	w.Helper()
	w.use(2, 300)
	w.seal()
	w.found()
	w.seal()
}

// consistent proves every epoch's checkpoint from the one before, and that the
// directory outside holds the same.
func (w *world) consistent() {
	w.Helper()
	last, err := w.reader.Latest(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for number := range last.Epoch.Number {
		older, err := w.reader.Epoch(w.Context(), number)
		if err != nil {
			w.Fatal(err)
		}
		if _, err := w.reader.Consistency(w.Context(), older, last); err != nil {
			w.Fatal(err)
		}
		if older.Epoch.Size > last.Epoch.Size || !older.Epoch.Time.Before(last.Epoch.Time) {
			w.Fatalf("%+v before %+v", older.Epoch, last.Epoch)
		}
	}
	var outside []string
	for _, line := range w.outside() {
		var kept struct{ Checkpoint string }
		if err := json.Unmarshal([]byte(line), &kept); err != nil {
			w.Fatal(err)
		}
		outside = append(outside, kept.Checkpoint)
	}
	if stored := w.checkpoints(); !slices.Equal(stored, outside) {
		w.Fatalf("%d checkpoints in the tables, %d outside, or they differ", len(stored), len(outside))
	}
}

func (w *world) outside() []string {
	w.Helper()
	content, err := os.ReadFile(w.outsideFile())
	if err != nil {
		w.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(content)))
}

func TestWhatIsLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w *world){
		"all tables":      func(w *world) { w.admin(wipe) },
		"the last epochs": func(w *world) { w.admin(`DELETE FROM epochs WHERE number > 1`, dropTrees) },
		"the directory":   func(w *world) { w.removeOutside() },
		"half a line": func(w *world) {
			f, err := os.OpenFile(w.outsideFile(), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				w.Fatal(err)
			}
			if _, err := f.WriteString(`{"record":"`); err != nil || f.Close() != nil {
				w.Fatal(err)
			}
		},
		"nothing": func(*world) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.start()
			w.busy()
			first.stop()
			before := w.checkpoints()
			lose(w)
			again := w.start()
			w.await("as many epochs", func() bool {
				if refused := again.Status().Refused; refused != nil {
					t.Fatal(refused)
				}
				latest, err := w.reader.Latest(t.Context())
				return err == nil && latest.Size() >= int64(len(before))
			})
			if after := w.checkpoints(); !slices.Equal(after[:len(before)], before) {
				t.Fatal("the epochs are not those of before")
			}
			w.busyAgain()
			w.consistent()
		})
	}
}

// dropTrees leaves the trees as of epoch 1.
const dropTrees = `DO $$ DECLARE at bigint := (SELECT max(position) FROM epochs); BEGIN
	DELETE FROM tree_trails WHERE position > at;
	DELETE FROM tree_steps WHERE position > at;
	DELETE FROM tree_organizations WHERE position > at;
	DELETE FROM tree_nodes WHERE tree = 'epochs-1' OR (n + 1) << (8 * level) > coalesce((SELECT max(size) FROM tree_trails WHERE trail = tree), CASE tree WHEN 'events' THEN at ELSE 0 END);
	END $$`

func (w *world) removeOutside() {
	w.Helper()
	if err := os.Remove(w.outsideFile()); err != nil {
		w.Fatal(err)
	}
}

func TestWhatContradictsTheSignedIsRefused(t *testing.T) {
	t.Parallel()
	rewrite := func(w *world, change func(lines []string) []string) {
		lines := change(w.outside())
		if err := os.WriteFile(w.outsideFile(), []byte(strings.Join(lines, "")), 0o600); err != nil {
			w.Fatal(err)
		}
	}
	for name, spoil := range map[string]func(w *world){
		"a log restored to an earlier point": func(w *world) {
			w.admin(wipe, `DELETE FROM blocks WHERE last_position > 4`, `DELETE FROM tally_snapshots`)
		},
		"tables restored with the log": func(w *world) {
			w.admin(`DELETE FROM epochs WHERE number > 1`, dropTrees,
				`DELETE FROM blocks WHERE first_position > (SELECT max(position) FROM epochs)`)
		},
		"an event rewritten, then tables made anew": func(w *world) {
			w.admin(wipe, `UPDATE blocks SET leaves = overlay(leaves placing convert_to('EVIL', 'UTF8') from position('build' in convert_from(leaves, 'UTF8')))
				WHERE last_position = (SELECT min(last_position) FROM blocks WHERE position('"build"' in convert_from(leaves, 'UTF8')) > 0)`)
		},
		"a record in the tables": func(w *world) {
			w.admin(`UPDATE epochs SET record = overlay(record placing '0'::bytea from 42) WHERE number = (SELECT max(number) FROM epochs)`)
		},
		"an old record in the tables": func(w *world) {
			w.admin(`UPDATE epochs SET record = overlay(record placing '0'::bytea from 42) WHERE number = 0`)
		},
		"a frontier in the tables": func(w *world) {
			w.admin(`DELETE FROM epochs WHERE number = (SELECT max(number) FROM epochs)`,
				`UPDATE epochs SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1) WHERE number = (SELECT max(number) FROM epochs)`)
		},
		"a checkpoint outside": func(w *world) {
			rewrite(w, func(l []string) []string {
				l[len(l)-1] = strings.Replace(l[len(l)-1], `"checkpoint":"tokenledger/`, `"checkpoint":"tokenledges/`, 1)
				return l
			})
		},
		"an epoch outside is missing": func(w *world) {
			rewrite(w, func(l []string) []string { return slices.Delete(l, 1, 2) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRefuse(t, sealer.ErrRefused, spoil)
		})
	}
}

// mustRefuse spoils a world in which events wait to be sealed, and expects that the next
// sealer refuses them for this reason and signs nothing.
func mustRefuse(t *testing.T, want error, spoil func(w *world)) {
	t.Helper()
	w := newWorld(t)
	first := w.start()
	w.busy()
	first.stop()
	w.use(0, 3)
	w.endLog() // which would notice by itself
	spoil(w)
	before, err := os.ReadFile(w.outsideFile())
	if err != nil {
		t.Fatal(err)
	}
	// Another process, which has not seen the log as it was.
	again := w.reopened()
	if err := again.refusal(again.start()); !errors.Is(err, want) {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(w.outsideFile()); err != nil || !bytes.Equal(after, before) {
		t.Fatal("something was signed", err)
	}
}

// Nothing is lost here: the tables end where the directory outside does. The events
// that come next would be signed on top of what was changed.
func TestAChangedCopyOfATreeIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"of the log of epochs": `UPDATE epochs SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1)
			WHERE number = (SELECT max(number) FROM epochs)`,
		"of the events": `UPDATE tree_steps SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1)
			WHERE position = (SELECT max(position) FROM tree_steps)`,
		"of the events, with a node": `UPDATE tree_nodes SET hash = set_byte(hash, 20, get_byte(hash, 20) # 1) WHERE tree = 'events'`,
		"of a trail": `UPDATE tree_trails k SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1)
			FROM tree_organizations o WHERE o.organization = 0 AND o.trail = k.trail`,
		"of a head": `UPDATE tree_trails k SET root = set_byte(root, 20, get_byte(root, 20) # 1)
			FROM tree_organizations o WHERE o.organization = 0 AND o.trail = k.trail`,
		"of the list of organizations": `DELETE FROM tree_organizations WHERE organization = 0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRefuse(t, sealer.ErrRefused, func(w *world) { w.admin(change) })
		})
	}
}

// The tally is what the trees of a block's trails are loaded by.
func TestALineOfATrailThatItsTallyDoesNotCountIsRefused(t *testing.T) {
	t.Parallel()
	for name, trail := range map[string]string{
		"one that nobody has":  `'user-00000000-0000-4000-8000-000000000000'`,
		"one that others have": `(SELECT trail FROM tree_organizations WHERE organization = 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRefuse(t, eventstore.ErrCorrupt, func(w *world) {
				w.admin(`UPDATE blocks SET leaves = convert_to(replace(convert_from(leaves, 'UTF8'), trail, ` + trail + `), 'UTF8')
					FROM tree_organizations WHERE organization = 0 AND last_position = (SELECT max(last_position) FROM blocks)`)
			})
		})
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.start()
	w.busy()
	first.stop()
	r := w.start(func(c *sealer.Config) {
		c.Verifiers = func(origin string) ([]note.Verifier, error) {
			_, public, err := note.GenerateKey(nil, origin)
			if err != nil {
				return nil, err
			}
			v, err := note.NewVerifier(public)
			return []note.Verifier{v}, err
		}
	})
	if err := w.refusal(r); !errors.Is(err, sealer.ErrRefused) {
		t.Fatal(err)
	}
}

func TestOneSealerAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealers := []running{w.start(), w.start(), w.start()}
	leaders := func() (n int) {
		for _, s := range sealers {
			if s.Status().Leader {
				n++
			}
		}
		return n
	}
	w.busy()
	for range sealers {
		w.await("one leader", func() bool { return leaders() == 1 })
		for i, s := range sealers {
			if s.Status().Leader {
				s.stop()
				sealers = slices.Delete(sealers, i, i+1)
				break
			}
		}
		if len(sealers) > 0 {
			w.use(0, 10)
			w.seal()
		}
	}
	w.consistent()
}

func TestALostConnectionIsMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start()
	w.busy()
	for range 3 {
		w.admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tokenledger-sealer' AND datname = current_database()`)
		w.use(0, 300)
		w.sealWithRetries()
	}
	if err := s.Status().Refused; err != nil {
		t.Fatal(err)
	}
	w.consistent()
}

// sealWithRetries is seal for a reader whose connections were cut, too.
func (w *world) sealWithRetries() {
	w.Helper()
	w.await("an epoch", func() bool {
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
		defer cancel()
		_, err := w.reader.Seal(ctx)
		return err == nil
	})
}

func TestAnEpochIsClosedWhenNothingChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(func(c *sealer.Config) { c.Idle = 5 * time.Millisecond })
	w.await("five epochs of an empty log", func() bool {
		latest, err := w.reader.Latest(t.Context())
		return err == nil && latest.Size() >= 5 && latest.Epoch.Size == 0
	})
}

func TestPublishedIsWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	published := make(chan string, 1000)
	w.start(func(c *sealer.Config) {
		c.Publish = func(_ context.Context, checkpoint []byte) error {
			published <- string(checkpoint)
			return nil
		}
	})
	last := w.busy()[2]
	var all []string
	for len(all) == 0 || all[len(all)-1] != string(last.Checkpoint) {
		select {
		case c := <-published:
			all = append(all, c)
		case <-time.After(time.Minute):
			t.Fatal("not published")
		}
	}
	if stored := w.checkpoints(); !slices.Equal(all, stored[:len(all)]) {
		t.Fatal("published and stored differ")
	}
}
