// tokenledger scan: find token values in files, offline, by pattern and checksum.

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// errFound is how a scan that finds something ends.
var errFound = errors.New("token values were found; revoke what is live: tokenledger token revoke ID --reason '…'")

// finding is one value in one file. Nothing of the value stands in it that may not be shown.
type finding struct {
	path   string
	line   int64
	offset int64 // in bytes, from the file's beginning
	id     string
	token  string // masked
}

func (f finding) record() record {
	return record{{"path", f.path}, {"line", f.line}, {"offset", detail{f.offset}}, {"token", f.token}, {"id", f.id}}
}

func (a app) scanCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "scan PATH…", Short: "Find token values in files and directories; exit code 3 when there are any",
		Long: `Find token values in files and directories, by their pattern and checksum. Nothing is sent anywhere.

Directories are searched wholly, hidden files included; symbolic links are not followed; - is standard input.
The exit code is 0 when nothing was found, 3 when something was, and 1 when a file could not be read.`,
		Args: cobra.MinimumNArgs(1),
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		s := scanner{stdin: a.in, bar: a.progress("scanning", "bytes")}
		for _, path := range args {
			s.path(path)
		}
		s.scan()
		if err := printList(a, s.found, *out, "", finding.record); err != nil {
			return err
		}
		if len(s.unread) > 0 {
			return errors.Join(s.unread...)
		}
		if len(s.found) > 0 {
			return errFound
		}
		if *out == "table" {
			fmt.Fprintf(a.err, "No token values in %d files.\n", s.files)
		}
		return nil
	}
	return c
}

type scanner struct {
	stdin  io.Reader
	bar    *progress
	named  []string // what is to be read, in order
	total  int64    // bytes of that; 0: nobody knows, since the standard input is among it
	done   int64    // bytes that were read
	files  int      // that were read
	found  []finding
	unread []error
}

const scanStdin = "-"

// path notes what one argument names.
func (s *scanner) path(name string) {
	if name == scanStdin {
		s.named = append(s.named, name)
		return
	}
	err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			s.unread = append(s.unread, err)
			return nil
		}
		if entry.Type().IsRegular() || path == name && !entry.IsDir() {
			s.named = append(s.named, path)
			if info, err := entry.Info(); err == nil { // else it tells when it is opened
				s.total += info.Size()
			}
		}
		return nil
	})
	if err != nil {
		s.unread = append(s.unread, err)
	}
}

// scan reads all that was noted.
func (s *scanner) scan() {
	defer s.bar.end()
	if slices.Contains(s.named, scanStdin) {
		s.total = 0
	}
	for _, name := range s.named {
		if name == scanStdin {
			s.read("stdin", s.stdin)
		} else {
			s.file(name)
		}
	}
}

func (s *scanner) file(path string) {
	f, err := os.Open(path)
	if err != nil {
		s.unread = append(s.unread, err)
		return
	}
	defer f.Close()
	s.read(path, f)
}

func (s *scanner) read(name string, r io.Reader) {
	s.files++
	lines := &lineCounter{r: &counted{Reader: r, done: s.done, at: func(done int64) {
		s.done = done
		s.bar.at(done, s.total)
	}}}
	for m, err := range secret.Scan(lines) {
		if err != nil {
			s.unread = append(s.unread, fmt.Errorf("read %s: %w", name, err))
			return
		}
		s.found = append(s.found, finding{
			path: name, line: lines.at(m.Offset), offset: m.Offset, id: m.ID.String(), token: m.Masked,
		})
	}
}

// lineCounter remembers where the lines begin that were read lately, which is where a match just found can be.
type lineCounter struct {
	r       io.Reader
	read    int64
	dropped int64   // lines that ended before those in ends
	ends    []int64 // offsets of line feeds
}

func (c *lineCounter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	for i, x := range b[:n] {
		if x == '\n' {
			c.ends = append(c.ends, c.read+int64(i))
		}
	}
	c.read += int64(n)
	return n, err
}

// at gives the line of an offset, from 1 on. Offsets must not go back.
func (c *lineCounter) at(offset int64) int64 {
	before, _ := slices.BinarySearch(c.ends, offset)
	c.dropped += int64(before)
	c.ends = c.ends[before:]
	return c.dropped + 1
}
