// Two machines, of which one seals: the other keeps what was signed, too.

package sealer_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// keptIn is what a directory of checkpoints holds of the first file of epochs.
func keptIn(dir string) []byte {
	files, _ := filepath.Glob(filepath.Join(dir, "*", "1-000000000000.jsonl"))
	if len(files) != 1 {
		return nil
	}
	content, _ := os.ReadFile(files[0])
	return content
}

func TestWhoWaitsForTheLeaseKeepsWhatIsSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	first := w.start()
	w.seal()
	elsewhere := t.TempDir()
	second := w.start(func(c *sealer.Config) { c.Outside = elsewhere })
	w.use(0, 3)
	w.seal()
	w.await("both machines keep the same", func() bool {
		return !second.Status().Leader && len(keptIn(elsewhere)) > 0 && bytes.Equal(keptIn(elsewhere), keptIn(w.config.Outside))
	})
	// The log loses its end, and the machine that had sealed it is gone.
	first.stop()
	second.stop()
	w.endLog()
	w.admin("DELETE FROM epochs WHERE number = (SELECT max(number) FROM epochs)", "DELETE FROM blocks WHERE last_position = (SELECT max(last_position) FROM blocks)")
	again := w.reopened()
	third := again.start(func(c *sealer.Config) { c.Outside = elsewhere })
	if err := again.refusal(third); !errors.Is(err, sealer.ErrRefused) {
		t.Fatalf("it goes on: %v", err)
	}
}

func TestWhoWaitsForTheLeaseRefusesAnotherHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	first := w.start()
	w.seal()
	elsewhere := t.TempDir()
	if err := os.CopyFS(elsewhere, os.DirFS(w.config.Outside)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(elsewhere, "*", "1-000000000000.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	// As if this machine had sealed that epoch a while later.
	content := keptIn(elsewhere)
	content = bytes.ReplaceAll(content, []byte(time.Now().UTC().Format("2006-")), []byte("2999-"))
	if err := os.WriteFile(files[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	second := w.start(func(c *sealer.Config) { c.Outside = elsewhere })
	if err := w.refusal(second); !errors.Is(err, sealer.ErrRefused) {
		t.Fatalf("it goes on: %v", err)
	}
	if first.Status().Refused != nil {
		t.Errorf("who seals refuses: %v", first.Status().Refused)
	}
}
