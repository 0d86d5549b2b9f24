// A map that forgets what was not used of late.

package eventstore

// recent holds between half and twice half of the entries used last, in two
// generations: an entry that is used moves to the younger, and a trim that finds
// the younger full drops the older.
type recent[K comparable, V any] struct {
	young, old map[K]V
	half       int
}

func newRecent[K comparable, V any](half int) recent[K, V] {
	return recent[K, V]{young: map[K]V{}, old: map[K]V{}, half: half}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	if ok {
		r.young[k] = v
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) { r.young[k] = v }

func (r *recent[K, V]) forget(k K) {
	delete(r.young, k)
	delete(r.old, k)
}

func (r *recent[K, V]) trim() {
	if len(r.young) >= r.half {
		r.young, r.old = map[K]V{}, r.young
	}
}
