// Following the key file: what is rotated in it reaches a ring that is in use.

package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
)

// ErrOtherKeys is returned for a key file that has another key under a name and version
// which the ring knows: what was made with one would be tried with the other.
var ErrOtherKeys = errors.New("the file holds another key than the one in use")

// Follow takes into the ring what others write into the key file, until ctx ends: new
// versions, and which of them are active. A version that is taken out of the file stays
// in the ring. took is called with nil after each change, and with an error, once, where
// the file cannot be taken on: the ring then stays as it was, and Follow looks again.
func (f File) Follow(ctx context.Context, r *Ring, every time.Duration, took func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var seen fs.FileInfo // of the file that the ring is compared with
	for told := ""; ; {
		info, changed, err := f.look(r, seen)
		says := ""
		if err != nil {
			says = err.Error()
		}
		if changed || says != "" && says != told {
			took(err)
		}
		seen, told = info, says
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look takes on a file that is another than the one seen before. One that cannot be read
// is another the next time, too, since what was in the way may go without a trace in the
// file. One that its passphrase does not open is not tried again: that costs 64 MiB.
func (f File) look(r *Ring, seen fs.FileInfo) (now fs.FileInfo, changed bool, err error) {
	now, err = os.Stat(f.Path) // before the content: what is written meanwhile is seen next time
	if err != nil {
		return nil, false, fmt.Errorf("key file: %w", err)
	}
	if unchanged(seen, now) {
		return now, false, nil
	}
	if changed, err = f.refresh(r); err != nil && !errors.Is(err, ErrPassphrase) {
		now = nil
	}
	return now, changed, err
}

func unchanged(a, b fs.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()
}

func (f File) refresh(r *Ring) (changed bool, err error) {
	from, err := f.Load()
	if err == nil {
		changed, err = r.take(from)
	}
	if err != nil {
		return false, fmt.Errorf("key file %s: %w", f.Path, err)
	}
	return changed, nil
}

// take adds the versions of another ring, and makes those active that are active there.
// Only one goroutine may do so at a time.
func (r *Ring) take(from *Ring) (changed bool, err error) {
	keys := maps.Clone(r.keys())
	for name, theirs := range from.keys() {
		ours := keys[name]
		next := versions{Active: theirs.Active, Keys: map[int][]byte{}}
		maps.Copy(next.Keys, ours.Keys)
		for _, n := range slices.Sorted(maps.Keys(theirs.Keys)) {
			if key, ok := ours.Keys[n]; ok && !bytes.Equal(key, theirs.Keys[n]) {
				return false, fmt.Errorf("%s version %d: %w", name, n, ErrOtherKeys)
			}
			next.Keys[n] = theirs.Keys[n]
		}
		changed = changed || next.Active != ours.Active || len(next.Keys) != len(ours.Keys)
		keys[name] = next
	}
	if changed {
		r.current.Store(&keys)
	}
	return changed, nil
}
