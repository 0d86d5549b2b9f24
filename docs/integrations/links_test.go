// Links between documents lead somewhere: to a file that is there, to a heading that it has; and from the README every
// page is found.

package integrations

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

var (
	link       = regexp.MustCompile(`\]\(([^()\s]+)\)|^\[[^\]]+\]: (\S+)`)
	codeInLine = regexp.MustCompile("`[^`]*`")
	linkInText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// prose calls do for each line of a page that stands in no fence.
func prose(text string, do func(line int, text string)) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inside = !inside
		} else if !inside {
			do(i+1, line)
		}
	}
}

// anchors are the names of a page's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	prose(text, func(_ int, line string) {
		heading, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !is || !strings.HasPrefix(line, "#") {
			return
		}
		heading = linkInText.ReplaceAllString(strings.TrimSpace(heading), "$1")
		name := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, heading)
		for n, again := 1, name; ; n++ { // a heading that comes again is numbered
			if !names[again] {
				names[again] = true
				return
			}
			again = fmt.Sprint(name, "-", n)
		}
	})
	return names
}

// links are where those of a page lead, below the repository's top; others are left out.
func links(page, text string, wrong func(line int, target, why string)) (to []string) {
	prose(text, func(line int, words string) {
		for _, m := range link.FindAllStringSubmatch(codeInLine.ReplaceAllString(words, "`code`"), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			name := page
			if file != "" {
				name = path.Join(path.Dir(page), file)
			}
			raw, err := os.ReadFile(filepath.Join(ledgertest.Root(), filepath.FromSlash(name)))
			if _, missing := os.Stat(filepath.Join(ledgertest.Root(), filepath.FromSlash(name))); missing != nil || strings.HasPrefix(name, "..") {
				wrong(line, target, "there is nothing")
				continue
			}
			if anchor != "" && (err != nil || !anchors(string(raw))[anchor]) {
				wrong(line, target, "that page has no such heading")
			}
			to = append(to, name)
		}
	})
	return to
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	leads, all := map[string][]string{}, pages(t)
	for _, page := range all {
		leads[page] = links(page, read(t, page), func(line int, target, why string) {
			t.Errorf("%s:%d: %s: %s", page, line, target, why)
		})
	}
	found := map[string]bool{}
	for next := []string{"README.md"}; len(next) > 0; next = next[1:] {
		name := next[0]
		if found[name] {
			continue
		}
		found[name] = true
		next = append(next, leads[name]...)
		if path.Ext(name) == "" { // a directory, which shows what is in it
			for _, page := range all {
				if path.Dir(page) == name {
					next = append(next, page)
				}
			}
		}
	}
	for _, page := range all {
		if !found[page] {
			t.Errorf("no link from the README on leads to %s", page)
		}
	}

	var wrong []string
	links("docs/a.md", "[a](none.md) [b](../README.md#none)\n`[c](none)`\n```sh\n[d](none)\n```\n[e](../README.md#what-it-does) [f](https://x.y)\n[g](../../x)\n",
		func(line int, target, _ string) { wrong = append(wrong, fmt.Sprint(line, " ", target)) })
	if !slices.Equal(wrong, []string{"1 none.md", "1 ../README.md#none", "7 ../../x"}) {
		t.Errorf("of a page with three wrong links: %q", wrong)
	}
}
