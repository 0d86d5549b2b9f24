// Rotation: a new version of a key becomes the active one, the old ones stay.

package keyring

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrNoRotation is returned for a key that cannot be rotated.
var ErrNoRotation = errors.New("this key cannot be rotated")

// Rotatable are the keys that [File.Rotate] knows, as people call them.
var Rotatable = []string{Signing, Pepper, KeyEncryption}

// Rotate makes a new version of a key and makes it the active one. With prepare it
// becomes known but not active: the processes of a cluster must all know a version
// before one of them uses it. A later Rotate without prepare then makes that version
// active. What was made with older versions still opens and verifies.
func (f File) Rotate(name string, prepare bool) (version int, err error) {
	if !slices.Contains(Rotatable, name) {
		return 0, fmt.Errorf("%q: %w; want one of %v", name, ErrNoRotation, Rotatable)
	}
	_, err = f.change(func(r *Ring) (*Ring, error) {
		if err := r.validate(); err != nil {
			return nil, err // there is no file yet
		}
		after := maps.Clone(r.completed().keys())
		after[name], version = after[name].rotated(prepare)
		return ringOf(after), nil
	})
	if err != nil {
		return 0, fmt.Errorf("key file %s: %w", f.Path, err)
	}
	return version, nil
}

func (v versions) rotated(prepare bool) (versions, int) {
	newest := slices.Max(slices.Collect(maps.Keys(v.Keys)))
	next := versions{Active: v.Active, Keys: maps.Clone(v.Keys)}
	if newest <= v.Active {
		newest++
		next.Keys[newest] = random(keySize)
	}
	if !prepare {
		next.Active = newest
	}
	return next, newest
}

// Listed is a key as lists show it, without its value.
type Listed struct {
	Name    string
	Version int
	Active  bool
}

// List names all keys of the ring by name and version.
func (r *Ring) List() []Listed {
	var all []Listed
	keys := r.keys()
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		for _, n := range slices.Sorted(maps.Keys(keys[name].Keys)) {
			all = append(all, Listed{name, n, n == keys[name].Active})
		}
	}
	return all
}
