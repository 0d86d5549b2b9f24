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
		s := scanner{stdin: a.in}
		for _, path := range args {
			s.path(path)
		}
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
	files  int
	found  []finding
	unread []error
}

// path searches what one argument names.
func (s *scanner) path(name string) {
	if name == "-" {
		s.read("stdin", s.stdin)
		return
	}
	err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			s.unread = append(s.unread, err)
			return nil
		}
		if entry.Type().IsRegular() || path == name && !entry.IsDir() {
			s.file(path)
		}
		return nil
	})
	if err != nil {
		s.unread = append(s.unread, err)
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
	lines := &lineCounter{r: r}
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
