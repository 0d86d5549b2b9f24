// What a document has its reader run: its fenced blocks, and what keeps a new one from being neither run nor left out
// with a reason.

package integrations

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

// fence is one fenced block of a document, of whatever language.
type fence struct {
	line     int
	heading  string // that it stands under
	language string
	info     string // behind the language
	comment  string // right above it
	body     string
	follows  bool // nothing but empty lines stands between it and the fence before
}

// comments say why a block is not run here.
var (
	notRun  = regexp.MustCompile(`^<!-- not run: (.+) -->$`)
	runBy   = regexp.MustCompile(`^<!-- run by (.+) -->$`)
	comment = regexp.MustCompile(`^\s*<!-- (?:not run|run by)`)
)

// fences reads those of a document, and what is wrong with how it has them.
func fences(text string) (all []fence, faults []string) {
	fault := func(line int, what string) { faults = append(faults, fmt.Sprintf("line %d: %s", line, what)) }
	var now fence
	var body strings.Builder
	heading, said, follows := "", "", false
	open := false
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		mark, isFence := strings.CutPrefix(trimmed, "```")
		switch {
		case open && trimmed == "```":
			now.body, open, follows, said = body.String(), false, true, ""
			all = append(all, now)
		case open:
			body.WriteString(line + "\n")
		case strings.HasPrefix(trimmed, "~~~") || isFence && strings.HasPrefix(mark, "`"):
			fault(i+1, "a fence of another form than three backticks")
		case isFence:
			now = fence{line: i + 1, heading: heading, comment: said, follows: follows}
			now.language, now.info, _ = strings.Cut(mark, " ")
			body.Reset()
			open = true
		case trimmed == "":
		default:
			if said != "" {
				fault(i+1, "a comment says why something is not run, and stands on no block")
			}
			follows, said = false, ""
			if strings.HasPrefix(line, "#") {
				heading = strings.TrimLeft(line, "# ")
			}
			if comment.MatchString(line) {
				said = trimmed
			}
			if command.MatchString(line) && strings.HasPrefix(line, "    ") {
				fault(i+1, "a command in a block without a fence")
			}
		}
	}
	if open {
		fault(now.line, "a fence that is never closed")
	}
	return all, faults
}

// languages are those that a fence may have. Commands are sh, what they print is text, and operations are graphql;
// the rest is not for a shell.
var languages = []string{"sh", "text", "graphql", "cedar", "go", "nginx", "sql"}

// command is how a line for a shell begins.
var command = regexp.MustCompile(`^\s*(?:[$%] |(?:sudo |exec )?(?:\./)?(?:tokenledger|curl|go|npm|npx|node|docker|git|psql|nginx|apt-get|python3|kubectl|systemctl) [-a-z./'"])`)

// blockFaults are what would let a command of a document slip past the test that runs it.
func blockFaults(text string) []string {
	all, faults := fences(text)
	for _, f := range all {
		fault := func(what string) { faults = append(faults, fmt.Sprintf("line %d: %s", f.line, what)) }
		if !slices.Contains(languages, f.language) {
			fault(fmt.Sprintf("a fence of the language %q; commands are sh, what they print is text", f.language))
		}
		if f.comment != "" && (f.language != "sh" || !notRun.MatchString(f.comment) && !runBy.MatchString(f.comment)) {
			fault("want <!-- not run: WHY --> or <!-- run by FILE -->, above a fence of sh: " + f.comment)
		}
		for line := range strings.Lines(f.body) {
			if f.language != "sh" && command.MatchString(line) && !strings.HasPrefix(line, banner) {
				fault("a command in a fence of " + f.language + ": " + strings.TrimSpace(line))
			}
		}
	}
	return faults
}

// pages are all documents of the repository, by their paths below its top.
func pages(t *testing.T) (all []string) {
	t.Helper()
	root := ledgertest.Root()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && slices.Contains([]string{"node_modules", ".git", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		name, err := filepath.Rel(root, path)
		all = append(all, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, page string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(ledgertest.Root(), filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// blocks are the commands of a document.
func blocks(t *testing.T, page string) (all []block) {
	t.Helper()
	of, _ := fences(read(t, page))
	for i, f := range of {
		if f.language != "sh" {
			continue
		}
		b := block{line: f.line, heading: f.heading, info: f.info, commands: f.body}
		if m := notRun.FindStringSubmatch(f.comment); m != nil {
			b.notRun = m[1]
		}
		if m := runBy.FindStringSubmatch(f.comment); m != nil {
			b.runBy = strings.Split(m[1], ", ")
		}
		if i+1 < len(of) && of[i+1].language == "text" && of[i+1].follows {
			b.prints = of[i+1].body
		}
		all = append(all, b)
	}
	return all
}

// banner is how the service begins what it prints when it is up.
const banner = "tokenledger is ready."

// usages are pages that show how commands are called, and are written from the program.
var usages = []string{"docs/reference/cli.md"}

func TestNoCommandSlipsThrough(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		if slices.Contains(usages, page) {
			continue
		}
		for _, fault := range blockFaults(read(t, page)) {
			t.Errorf("%s, %s", page, fault)
		}
	}
	for name, text := range map[string]string{
		"another name of sh":    "```bash\nls\n```\n",
		"no language":           "```\ntokenledger serve\n```\n",
		"tildes":                "~~~sh\nls\n~~~\n",
		"four backticks":        "````sh\nls\n````\n",
		"open":                  "```sh\nls\n",
		"a command as text":     "```text\ncurl -s http://127.0.0.1\n```\n",
		"a prompt":              "```text\n$ ls\n```\n",
		"in a list":             "1. so\n\n   ```text\n   go test ./...\n   ```\n",
		"indented":              "so\n\n    tokenledger serve\n",
		"no reason":             "<!-- not run -->\n```sh\nls\n```\n",
		"a reason in the air":   "<!-- not run: so -->\n\nand then\n\n```sh\nls\n```\n",
		"a reason for a result": "<!-- not run: so -->\n```text\n1\n```\n",
	} {
		if len(blockFaults(text)) == 0 {
			t.Errorf("nothing is said against %s", name)
		}
	}
	if faults := blockFaults("# a\n\n<!-- not run: so -->\n```sh\nls\n```\n\n```sh fails\nls /no\n```\n\n```text\n1\n```\n"); faults != nil {
		t.Errorf("against a good page: %v", faults)
	}
}

// A block that something else runs stands there line by line, where only numbers may be others and words more; a
// reason names no test and no file that is not there.
func TestReasonsAreTrue(t *testing.T) {
	t.Parallel()
	left := 0
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			for _, line := range b.elsewhere(t) {
				t.Errorf("%s:%d: no line of %s runs %q", page, b.line, strings.Join(b.runBy, ", "), line)
			}
			if b.notRun != "" {
				left++
			}
			for _, test := range regexp.MustCompile(`\bTest[A-Z]\w*`).FindAllString(b.notRun, -1) {
				if !testExists(t, test) {
					t.Errorf("%s:%d: there is no %s", page, b.line, test)
				}
			}
		}
	}
	if left > 4 {
		t.Errorf("%d blocks are not run: make some of them run", left)
	}
	made := block{runBy: []string{".ci/run"}, commands: "go test ./... && npm ci # as CI does\ngo test -count 77 ./nowhere\n"}
	if got := made.elsewhere(t); len(got) != 1 || got[0] != "go test -count 77 ./nowhere" {
		t.Errorf("what CI does not run: %q", got)
	}
}

// elsewhere gives the commands of a block that none of the files runs which are said to.
func (b block) elsewhere(t *testing.T) (missing []string) {
	t.Helper()
	if len(b.runBy) == 0 {
		return nil
	}
	var lines [][]string
	for _, file := range b.runBy {
		for line := range strings.Lines(read(t, file)) {
			line = strings.TrimSpace(line)
			if strings.HasSuffix(file, "_test.go") { // the arguments of a command, one by one
				line = "tokenledger bench " + strings.NewReplacer(`"`, " ", ",", " ", "(", " ", ")", " ").Replace(line)
			}
			if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") {
				lines = append(lines, strings.Fields(line))
			}
		}
	}
	number := regexp.MustCompile(`^[0-9.]+[a-z]?$`)
	for text := range strings.Lines(b.commands) {
		text, _, _ = strings.Cut(text, " #")
		text, _, _ = strings.Cut(text, " > ") // where a result is to lie
		for command := range strings.SplitSeq(text, "&&") {
			words := slices.DeleteFunc(strings.Fields(command), number.MatchString)
			if len(words) > 0 && !slices.ContainsFunc(lines, func(line []string) bool { return within(words, line) }) {
				missing = append(missing, strings.TrimSpace(command))
			}
		}
	}
	return missing
}

// within reports whether a line has the words, in this order.
func within(words, line []string) bool {
	for _, word := range line {
		if len(words) > 0 && word == words[0] {
			words = words[1:]
		}
	}
	return len(words) == 0
}

func testExists(t *testing.T, name string) (found bool) {
	t.Helper()
	err := filepath.WalkDir(ledgertest.Root(), func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && slices.Contains([]string{"node_modules", ".git"}, d.Name()) {
			return fs.SkipDir
		}
		if err != nil || found || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		found = strings.Contains(string(raw), "\nfunc "+name+"(")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
