// Looking at what is kept outside of the database, without touching it.

package sealer

import (
	"iter"
	"path/filepath"
)

// KeptEpochs are the epochs that were kept outside of the database when somebody looked,
// of the newest log of epochs there.
type KeptEpochs struct {
	Log  int // the log's number; 0: nothing is kept
	Size int64
	o    outside
}

// Kept looks into the directory where a sealer of the log with this origin keeps its
// checkpoints. A line that has no end yet does not count.
func Kept(dir, origin string) (KeptEpochs, error) {
	first := Origin(origin, 1)
	number, err := newestOutside(dir, first)
	if err != nil {
		return KeptEpochs{}, err
	}
	for ; number > 0; number-- { // of the newest there may be no more than an epoch that was about to be stored
		k := KeptEpochs{Log: number, o: outside{dir: filepath.Join(dir, directoryName(first)), log: number}}
		files, err := k.o.files()
		if err != nil {
			return KeptEpochs{}, err
		}
		if len(files) > 0 {
			last := files[len(files)-1]
			lines, _, _, err := wholeLines(filepath.Join(k.o.dir, last.name))
			k.Size = last.from + lines
			return k, err
		}
	}
	return KeptEpochs{}, nil
}

// All gives them in order.
func (k KeptEpochs) All() iter.Seq2[Sealed, error] {
	return func(yield func(Sealed, error) bool) {
		if k.Size == 0 {
			return
		}
		for s, err := range k.o.after(0) {
			if !yield(s, err) || err != nil || s.Epoch.Number+1 == k.Size {
				return
			}
		}
	}
}
