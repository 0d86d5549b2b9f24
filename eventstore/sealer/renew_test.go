// After a restore to an earlier point a person begins another log, which says so.

package sealer_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// restore takes the database back to epoch 1.
func (w *world) restore() {
	w.Helper()
	w.endLog()
	w.admin(`DELETE FROM epochs WHERE number > 1`, dropTrees, `DELETE FROM blocks WHERE first_position > (SELECT max(position) FROM epochs)`,
		`DELETE FROM decisions WHERE position > (SELECT max(position) FROM epochs)`)
	w.startLog()
	w.config.Log = w.log
}

// renew begins log 2 and seals in it; the first and the last of its epochs are given.
func (w *world) renew() (begun, sealed sealer.Sealed) {
	w.Helper()
	origin, err := sealer.Renew(w.Context(), w.config)
	if err != nil || origin != sealer.Origin(w.log.Origin(), 2) {
		w.Fatal(origin, err)
	}
	w.start()
	reader, err := sealer.OpenReader(w.Context(), sealer.ReaderConfig{Log: w.log, URL: w.url, Blinding: w.config.Blinding, Verifiers: w.config.Verifiers})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(reader.Close)
	w.reader = reader
	w.use(0, 30)
	sealed = w.seal()
	if begun, err = w.reader.Epoch(w.Context(), 0); err != nil || sealed.Log != 2 {
		w.Fatalf("%+v, %v", sealed, err)
	}
	return begun, sealed
}

func TestARestoredLogIsSealedUnderAnotherName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.start()
	last := w.busy()[2]
	const tile = "/tile/entries/000.p/1"
	url := w.site()
	_, header, before := fetch(t, url+tile)
	if _, err := sealer.Renew(t.Context(), w.config); err == nil {
		t.Fatal("renewed while a sealer is at work")
	}
	first.stop()
	w.restore()
	refusing := w.start()
	_ = w.refusal(refusing)
	refusing.stop()

	begun, sealed := w.renew()
	if _, _, after := fetch(t, url+tile); bytes.Equal(after, before) || strings.Contains(header.Get("Cache-Control"), "immutable") {
		t.Fatalf("%q is another tile after the restore, and was served with %q", tile, header.Get("Cache-Control"))
	}
	keys, err := w.config.Verifiers(sealer.Origin(w.log.Origin(), 1))
	if err != nil {
		t.Fatal(err)
	}
	want, err := merkle.OpenCheckpoint(last.Checkpoint, keys...)
	if err != nil || begun.Epoch.Continues == nil || begun.Epoch.Continues.Origin != want.Origin || begun.Epoch.Continues.Size < want.Size {
		t.Fatalf("%+v continues %+v, want %+v, %v", begun.Epoch, begun.Epoch.Continues, want, err)
	}
	if _, err := w.reader.Consistency(t.Context(), last, sealed); !errors.Is(err, sealer.ErrOtherLog) {
		t.Fatal(err)
	}
	if old, err := w.reader.InLog(1).Epoch(t.Context(), 0); err != nil || old.Log != 1 {
		t.Fatalf("%+v, %v", old, err)
	}
}
