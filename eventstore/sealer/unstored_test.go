// An epoch that was signed on one machine and could not be stored.

package sealer_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// unstored leaves a signed epoch on the machine of w that the tables do not have, and
// gives what is kept of it.
func (w *world) unstored() []byte {
	w.Helper()
	first := w.start()
	w.busy()
	ctx := w.Context()
	conn, err := pgx.Connect(ctx, w.url)
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{"BEGIN", "LOCK TABLE tokenledger.epochs IN SHARE MODE"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			w.Fatal(err)
		}
	}
	before := w.intention()
	w.use(0, 3)
	w.await("an epoch is signed", func() bool { return !bytes.Equal(w.intention(), before) })
	first.stop()
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		w.Fatal(err)
	}
	return w.intention()
}

func (w *world) intention() []byte {
	w.Helper()
	files, err := filepath.Glob(filepath.Join(w.config.Outside, "*", "1-next.json"))
	if err != nil || len(files) != 1 {
		w.Fatalf("%v, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		w.Fatal(err)
	}
	return content
}

func TestASignedEpochThatWasNotStoredIsStoredByTheNextSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := w.unstored()
	stored := len(w.checkpoints())
	w.start()
	w.use(1, 3)
	w.seal()
	w.consistent()
	if lines := w.outside(); len(lines) <= stored || lines[stored] != string(kept) {
		t.Fatalf("epoch %d is another than the one that was signed", stored)
	}
}

func TestASignedEpochGivesWayToOneThatAnotherMachineStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := w.unstored()
	elsewhere := w.start(func(c *sealer.Config) { c.Outside = t.TempDir() })
	w.use(1, 3)
	w.seal()
	elsewhere.stop()

	again := w.start()
	w.use(2, 3)
	w.await("the sealer goes on", func() bool {
		if refused := again.Status().Refused; refused != nil {
			t.Fatal(refused)
		}
		return again.Status().Position == w.events()[len(w.events())-1].Position
	})
	w.consistent()
	if slices.Contains(w.outside(), string(kept)) {
		t.Fatal("an epoch that nobody saw is kept beside the one in its place")
	}
}

// It may have been seen, though the tables never had it or lost it in the restore.
func TestANewLogCitesTheSignedEpochThatWasNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unstored()
	stored := len(w.checkpoints())
	w.restore()
	begun, _ := w.renew()
	if cited := begun.Epoch.Continues; cited == nil || cited.Size != int64(stored)+1 {
		t.Fatalf("%+v is cited after %d epochs that were stored", cited, stored)
	}
}
