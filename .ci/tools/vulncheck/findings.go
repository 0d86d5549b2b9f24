// Reading govulncheck's JSON stream and judging each finding in it.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// reach tells how near a vulnerability is to our code; a larger value includes the smaller ones.
type reach int

const (
	required reach = iota // the module is in the build list
	imported              // a vulnerable package of it is linked in
	called                // a vulnerable function of it can be reached
)

func (r reach) String() string { return [...]string{"required", "imported", "called"}[r] }

// finding is one vulnerability in one module, at its nearest reach.
type finding struct {
	id, summary, module, version, fixed string
	reach                               reach
}

// fails reports whether the finding must be mended before the build may pass. A module that nothing of ours imports
// cannot be attacked through us, and the standard library comes with the machine.
func (f finding) fails() bool { return f.module != "stdlib" && f.reach >= imported }

func (f finding) String() string {
	verdict := "for information"
	if f.fails() {
		verdict = "to mend"
	}
	fixed := "no fix yet"
	if f.fixed != "" {
		fixed = "fixed in " + f.fixed
	}
	return fmt.Sprintf("%s (%s, %s): %s@%s, %s: %s", f.id, f.reach, verdict, f.module, f.version, fixed, f.summary)
}

// message holds the parts of govulncheck's protocol v1 that are needed here.
type message struct {
	OSV *struct {
		ID      string `json:"id"`
		Summary string `json:"summary"`
	} `json:"osv"`
	Finding *struct {
		OSV          string `json:"osv"`
		FixedVersion string `json:"fixed_version"`
		Trace        []struct {
			Module   string `json:"module"`
			Version  string `json:"version"`
			Package  string `json:"package"`
			Function string `json:"function"`
		} `json:"trace"`
	} `json:"finding"`
}

// read takes the stream to its end and returns the findings, the nearest first. The protocol repeats a vulnerability
// for every reach and call path; only its nearest reach in each module is kept.
func read(stream io.Reader) ([]finding, error) {
	summaries := map[string]string{}
	nearest := map[[2]string]finding{}
	for dec := json.NewDecoder(stream); ; {
		var m message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading govulncheck's answer: %w", err)
		}
		if m.OSV != nil {
			summaries[m.OSV.ID] = m.OSV.Summary
		}
		if m.Finding == nil || len(m.Finding.Trace) == 0 {
			continue
		}
		at := m.Finding.Trace[0]
		f := finding{id: m.Finding.OSV, module: at.Module, version: at.Version, fixed: m.Finding.FixedVersion}
		switch {
		case at.Function != "":
			f.reach = called
		case at.Package != "":
			f.reach = imported
		}
		key := [2]string{f.id, f.module}
		if seen, ok := nearest[key]; !ok || f.reach > seen.reach {
			nearest[key] = f
		}
	}
	findings := slices.Collect(maps.Values(nearest))
	for i := range findings {
		findings[i].summary = summaries[findings[i].id]
	}
	slices.SortFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.reach, a.reach), cmp.Compare(a.id, b.id), cmp.Compare(a.module, b.module))
	})
	return findings, nil
}
