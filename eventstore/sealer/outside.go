// The directory outside of the database: every epoch that was signed, in the order
// of signing, a line of JSON each, synced before anyone sees it. The one that is about
// to be stored stands in a file of its own: another process may be the one to store
// that epoch, and then nobody sees this one.

package sealer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// fileEpochs is how many epochs stand in one file.
const fileEpochs = 100_000

// kept is one line.
type kept struct {
	Record     string `json:"record"`
	Checkpoint string `json:"checkpoint"`
}

func keptLine(c Sealed) ([]byte, error) {
	line, err := json.Marshal(kept{string(c.Record), string(c.Checkpoint)})
	return append(line, '\n'), err
}

// outside appends to the files of one log of epochs. Their names are
// <log>-<first epoch>.jsonl below a directory named after the log's origin.
type outside struct {
	dir  string
	log  int
	file *os.File
	from int64 // first epoch that belongs into file
	next int64 // epoch that is appended next
	size int64 // of file, up to that epoch
}

// openOutside finds the end of what is kept of a log of epochs. A last line that
// has no end was never relied on: it is cut off.
func openOutside(dir, origin string, log int) (*outside, error) {
	o := &outside{dir: filepath.Join(dir, directoryName(origin)), log: log}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, fmt.Errorf("the directory of checkpoints: %w", err)
	}
	files, err := o.files()
	if err != nil || len(files) == 0 {
		return o, err
	}
	last := files[len(files)-1]
	name := filepath.Join(o.dir, last.name)
	lines, _, rest, err := wholeLines(name)
	if err == nil && rest > 0 {
		lines, err = trim(name)
	}
	if err != nil {
		return nil, err
	}
	o.next = last.from + lines
	return o, nil
}

// trim cuts off a last line that has no end, unless a process is about to write it.
func trim(name string) (lines int64, err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("checkpoints outside of the database: %w", err)
	}
	defer f.Close() // and with it the lock
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return 0, fmt.Errorf("checkpoints outside of the database: %w", err)
	}
	lines, size, _, err := wholeLines(name)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		return 0, fmt.Errorf("cut off half a line: %w", err)
	}
	return lines, nil
}

// wholeLines counts the lines of a file that have an end, their bytes, and the bytes of
// one that has none.
func wholeLines(name string) (lines, size, rest int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("checkpoints outside of the database: %w", err)
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; lines++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return lines, size, int64(len(line)), nil
		}
		if err != nil {
			return 0, 0, 0, fmt.Errorf("checkpoints outside of the database: %w", err)
		}
		size += int64(len(line))
	}
}

// directoryName makes a name for files of the origin of the first log.
func directoryName(origin string) string { return strings.ReplaceAll(origin, "/", "_") }

// newestOutside is the number of the newest log of epochs that is kept, 0 for none. An epoch that was
// about to be stored counts: it may be the first of its log, and may have been seen.
func newestOutside(dir, origin string) (newest int, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, directoryName(origin)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("the directory of checkpoints: %w", err)
	}
	for _, e := range entries {
		var log int
		if n, _ := fmt.Sscanf(e.Name(), "%d-", &log); n == 1 && (strings.HasSuffix(e.Name(), ".jsonl") || e.Name() == nextName(log)) {
			newest = max(newest, log)
		}
	}
	return newest, nil
}

type outsideFile struct {
	name string
	from int64
}

func (o *outside) name(from int64) string { return fmt.Sprintf("%d-%012d.jsonl", o.log, from) }

// files are those of this log, in order and without a gap.
func (o *outside) files() ([]outsideFile, error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the directory of checkpoints: %w", err)
	}
	var found []outsideFile
	for _, e := range entries {
		var f outsideFile
		var log int
		if n, _ := fmt.Sscanf(e.Name(), "%d-%d.jsonl", &log, &f.from); n != 2 || log != o.log || e.Name() != o.name(f.from) {
			continue
		}
		f.name = e.Name()
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b outsideFile) int { return int(a.from - b.from) })
	for i, f := range found {
		if f.from != int64(i)*fileEpochs {
			return nil, fmt.Errorf("%w: of the checkpoints outside of the database, the file %s is missing", ErrRefused, o.name(int64(i)*fileEpochs))
		}
	}
	return found, nil
}

// append adds an epoch, which must be the next, and syncs it. Processes that share the
// directory may come with the same one; the second finds it there.
func (o *outside) append(c Sealed) error {
	if c.Epoch.Number != o.next {
		return fmt.Errorf("%w: outside of the database epoch %d is next, not %d", ErrRefused, o.next, c.Epoch.Number)
	}
	line, err := keptLine(c)
	if err != nil {
		return err
	}
	if err := o.open(); err != nil {
		return fmt.Errorf("keep a checkpoint outside of the database: %w", err)
	}
	if err := syscall.Flock(int(o.file.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("keep a checkpoint outside of the database: %w", err)
	}
	defer syscall.Flock(int(o.file.Fd()), syscall.LOCK_UN)
	length, err := o.has(c)
	if err == nil && length == 0 {
		length = len(line)
		_, err = o.file.WriteAt(line, o.size)
		err = errors.Join(err, o.file.Sync())
	}
	if err != nil {
		return fmt.Errorf("keep a checkpoint outside of the database: %w", err)
	}
	o.size += int64(length)
	o.next++
	return nil
}

// has gives the length of the line of this epoch where another process has added it
// meanwhile, else 0. The caller holds the lock.
func (o *outside) has(c Sealed) (length int, err error) {
	line, err := bufio.NewReader(io.NewSectionReader(o.file, o.size, 1<<20)).ReadBytes('\n')
	if errors.Is(err, io.EOF) { // half a line was never relied on, and is written over
		return 0, o.file.Truncate(o.size)
	}
	if err != nil {
		return 0, err
	}
	other, err := o.parse(line)
	if err == nil && !bytes.Equal(other.Record, c.Record) {
		err = fmt.Errorf("%w: another epoch %d stands there", ErrRefused, c.Epoch.Number)
	}
	return len(line), err
}

func (o *outside) intention() string { return filepath.Join(o.dir, nextName(o.log)) }

func nextName(log int) string { return fmt.Sprintf("%d-next.json", log) }

// intend keeps an epoch that is going to be stored, synced.
func (o *outside) intend(c Sealed) error {
	line, err := keptLine(c)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(o.intention(), line); err != nil {
		return fmt.Errorf("keep a checkpoint outside of the database: %w", err)
	}
	return nil
}

// intended is the epoch that was about to be stored when a process ended, and nil for
// none.
func (o *outside) intended() (*Sealed, error) {
	line, err := os.ReadFile(o.intention())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoints outside of the database: %w", err)
	}
	c, err := o.parse(line)
	if err != nil {
		return nil, fmt.Errorf("%w: checkpoints outside of the database: %s: %w", ErrRefused, o.intention(), err)
	}
	if c.Epoch.Number < o.next {
		return nil, nil // it stands in its place already
	}
	return &c, nil
}

// open makes sure of the file that the next epoch belongs into.
func (o *outside) open() error {
	from := o.next / fileEpochs * fileEpochs
	if o.file != nil && o.from == from {
		return nil
	}
	if err := o.close(); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(o.dir, o.name(from)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	o.file, o.from = f, from
	if o.size, err = sizeOf(f, o.next-from); err != nil {
		return err
	}
	return atomicfile.SyncDir(o.dir) // the file itself must not vanish
}

// sizeOf is how long a file is up to a number of lines, which it has.
func sizeOf(f io.Reader, lines int64) (size int64, err error) {
	for r := bufio.NewReader(f); lines > 0; lines-- {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		size += int64(len(line))
	}
	return size, nil
}

func (o *outside) close() error {
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return err
}

// after gives the epochs from a number on.
func (o *outside) after(number int64) iter.Seq2[Sealed, error] {
	return func(yield func(Sealed, error) bool) {
		files, err := o.files()
		if err != nil {
			yield(Sealed{}, err)
			return
		}
		for _, f := range files {
			if f.from+fileEpochs <= number {
				continue
			}
			if !o.read(f, number, yield) {
				return
			}
		}
	}
}

func (o *outside) read(f outsideFile, number int64, yield func(Sealed, error) bool) (more bool) {
	file, err := os.Open(filepath.Join(o.dir, f.name))
	if err != nil {
		return yield(Sealed{}, fmt.Errorf("checkpoints outside of the database: %w", err))
	}
	defer file.Close()
	r := bufio.NewReader(file)
	for n := f.from; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return true
		}
		if err == nil && n < number {
			continue
		}
		var c Sealed
		if err == nil {
			c, err = o.parse(line)
		}
		if err == nil && c.Epoch.Number != n {
			err = fmt.Errorf("it holds epoch %d", c.Epoch.Number)
		}
		if err != nil {
			yield(Sealed{}, fmt.Errorf("%w: checkpoints outside of the database: %s, line %d: %w", ErrRefused, f.name, n-f.from+1, err))
			return false
		}
		if !yield(c, nil) {
			return false
		}
	}
}

func (o *outside) parse(line []byte) (Sealed, error) {
	var k kept
	if err := json.Unmarshal(line, &k); err != nil {
		return Sealed{}, err
	}
	e, err := merkle.ParseEpoch([]byte(k.Record))
	return Sealed{Log: o.log, Epoch: e, Record: []byte(k.Record), Checkpoint: []byte(k.Checkpoint)}, err
}

// Origins are the names of the logs of epochs that have checkpoints in a directory
// outside of the database, the newest of each log last.
func Origins(dir string) ([]string, error) {
	logs, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the directory of checkpoints: %w", err)
	}
	var origins []string
	for _, l := range logs {
		log, ok := strings.CutPrefix(l.Name(), directoryName(Origin("", 1)))
		if !ok {
			continue
		}
		newest, err := newestOutside(dir, Origin(log, 1))
		if err != nil {
			return nil, err
		}
		for number := range newest {
			origins = append(origins, Origin(log, number+1))
		}
	}
	return origins, nil
}
