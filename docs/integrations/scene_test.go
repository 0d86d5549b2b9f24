// Scenes: a document's commands, run in order in one shell, as its reader would.
//
// A fenced block of the language sh is run as it stands, but for addresses with the
// ports of the documents, which are other ones here. What its info string says besides:
//
//	sh serves ADDRESS   runs beside the rest until the end; it is awaited there
//	sh fails            has to end with a failure
//	sh follows          runs until it has printed what stands behind it, and is then interrupted
//
// A block right below the comment <!-- not run: WHY --> is not run, and the test says why; one below
// <!-- run by FILE, FILE --> is run by those. A block of the language text behind one is what it prints; … stands for
// anything.

package integrations

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

// block is one fenced block of commands.
type block struct {
	line     int
	heading  string   // that it stands under
	info     string   // behind "sh"
	notRun   string   // why it is not run; empty: it is
	runBy    []string // files that run it in place of this test
	commands string
	prints   string // empty: not said
}

// scene is a shell with a directory of its own.
type scene struct {
	t         *testing.T
	name      string // of the document
	dir       string
	shell     *exec.Cmd
	in        io.Writer
	out       *bufio.Reader
	addresses *strings.Replacer // the documents' addresses to those of here
	back      *strings.Replacer // and the other way, in what is printed
	jobs      int
}

// serveLimit is for what serves to be there; only something that hangs meets it.
const serveLimit = time.Minute

// done is printed by the shell when a block has ended.
const done = "--- this block has ended with "

// ports are those that documents name.
var ports = []string{"8080", "9090", "4222", "8081", "9000", "8090"}

// inClone are pages whose commands are given in the repository's directory; all others have an empty one.
var inClone = []string{"README.md", "docs/examples/", "docs/performance.md", "docs/scaling.md", "graphql/"}

// newScene starts the shell for a page. at names addresses that are known already, by port.
func newScene(t *testing.T, name string, at map[string]string, env ...string) *scene {
	t.Helper()
	dir, err := os.MkdirTemp("", "scene-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres may run as another user
		t.Fatal(err)
	}
	s := &scene{t: t, name: name, dir: dir}
	var there, back []string
	for _, port := range ports {
		address := at[port]
		if address == "" {
			address = ledgertest.FreeAddress(t)
		}
		there = append(there, "127.0.0.1:"+port, address, "localhost:"+port, address)
		back = append(back, address, "127.0.0.1:"+port)
	}
	s.addresses, s.back = strings.NewReplacer(there...), strings.NewReplacer(back...)
	s.shell = exec.Command("bash", "--noprofile", "--norc")
	s.shell.Dir = dir
	if slices.ContainsFunc(inClone, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
		s.shell.Dir = ledgertest.Root()
	}
	s.shell.Env = append(os.Environ(), goEnvironment(t)...)
	s.shell.Env = append(s.shell.Env,
		"HOME="+dir, "TOKENLEDGER_DATA="+filepath.Join(dir, "data"), "TOKENLEDGER_LISTEN="+s.addresses.Replace("127.0.0.1:8080"),
		"TOKENLEDGER_ADMIN_LISTEN="+s.addresses.Replace("127.0.0.1:9090"), "TOKENLEDGER_NATS_LISTEN="+s.addresses.Replace("127.0.0.1:4222"))
	s.shell.Env = append(s.shell.Env, env...)
	s.shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := s.shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, write := io.Pipe()
	s.in, s.out = in, bufio.NewReader(out)
	s.shell.Stdout, s.shell.Stderr = write, write
	if err := s.shell.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = write.CloseWithError(errEnded(s.shell.Wait()))
	}()
	t.Cleanup(func() {
		// Each job that serves is a group of its own and drains; the shell waits for all.
		go func() { _, _ = io.Copy(io.Discard, s.out) }()
		_, _ = io.WriteString(s.in, "set +e\nfor job in $(jobs -p); do kill -TERM -- -$job; done\nwait\nexit 0\n")
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			_ = syscall.Kill(-s.shell.Process.Pid, syscall.SIGKILL)
			t.Errorf("%s: what the document started did not end", name)
		}
	})
	s.say("set -m\n") // jobs are groups
	return s
}

// goEnvironment keeps the Go command's caches, which are found by HOME otherwise.
func goEnvironment(t *testing.T) (env []string) {
	t.Helper()
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOFLAGS"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	return env
}

func errEnded(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *scene) say(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, text); err != nil {
		s.t.Fatalf("%s: the shell has ended: %v", s.name, err)
	}
}

// run runs one block and says how long it took.
func (s *scene) run(b block) time.Duration {
	s.t.Helper()
	if b.notRun != "" {
		s.t.Logf("%s:%d is not run: %s", s.name, b.line, b.notRun)
		return 0
	}
	if len(b.runBy) > 0 {
		s.t.Logf("%s:%d is run by %s", s.name, b.line, strings.Join(b.runBy, ", "))
		return 0
	}
	began := time.Now()
	kind, rest, _ := strings.Cut(b.info, " ")
	commands := s.addresses.Replace(b.commands)
	switch kind {
	case "serves":
		s.serve(b, commands, rest)
	case "follows":
		s.follow(b, commands)
	case "", "fails":
		printed, code := s.ask(commands, kind == "fails")
		if (code != 0) != (kind == "fails") {
			s.t.Fatalf("%s:%d ended with %d:\n%s\n%s", s.name, b.line, code, b.commands, printed)
		}
		s.compare(b, printed)
	default:
		s.t.Fatalf("%s:%d: nobody knows what %q means", s.name, b.line, b.info)
	}
	return time.Since(began)
}

// ask gives what commands print and how they end. What they set stays set, but for those
// that are meant to fail, which have a shell of their own.
func (s *scene) ask(commands string, apart bool) (printed string, code int) {
	s.t.Helper()
	file := filepath.Join(s.dir, ".block")
	if err := os.WriteFile(file, []byte("set -e\n"+commands), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if apart {
		s.say("(. '" + file + "') </dev/null; code=$?; echo; echo \"" + done + "$code\"\n")
	} else { // a failure ends the shell, and the trap tells of it
		s.say("trap 'code=$?; echo; echo \"" + done + "$code\"' EXIT\n. '" + file + "' </dev/null\nset +e\ntrap - EXIT\necho; echo '" + done + "0'\n")
	}
	var out strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if text, ended := strings.CutPrefix(line, done); ended {
			code, err = strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				s.t.Fatal(err)
			}
			return strings.TrimSuffix(s.back.Replace(out.String()), "\n"), code
		}
		out.WriteString(line)
		if err != nil {
			s.t.Fatalf("%s: the shell has ended, %v:\n%s\n%s", s.name, err, commands, out.String())
		}
	}
}

// beside starts a block beside the rest, and gives what it has printed so far.
func (s *scene) beside(b block, commands string) (printed func() string) {
	s.t.Helper()
	s.jobs++
	log := filepath.Join(s.dir, fmt.Sprintf(".job-%d", s.jobs))
	if _, code := s.ask("{\n"+commands+"} >'"+log+"' 2>&1 </dev/null &\n", false); code != 0 {
		s.t.Fatalf("%s:%d does not start", s.name, b.line)
	}
	return func() string {
		raw, _ := os.ReadFile(log)
		return s.back.Replace(string(raw))
	}
}

// serve starts a block beside the rest, and awaits the address.
func (s *scene) serve(b block, commands, address string) {
	s.t.Helper()
	printed := s.beside(b, commands)
	up := time.Now().Add(serveLimit)
	for {
		c, err := net.Dial("tcp", s.addresses.Replace(address))
		if err == nil {
			_ = c.Close()
			if b.prints == "" || matches(b.prints, printed()) {
				return
			}
		}
		if time.Now().After(up) {
			s.t.Fatalf("%s:%d does not serve %s: %v\n%s\nwant\n%s", s.name, b.line, address, err, printed(), b.prints)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// follow runs what never ends until it has printed what the document says, and ends it as its reader does.
func (s *scene) follow(b block, commands string) {
	s.t.Helper()
	if b.prints == "" {
		s.t.Fatalf("%s:%d: what does it print? Nobody knows when to end it", s.name, b.line)
	}
	printed := s.beside(b, commands)
	for up := time.Now().Add(serveLimit); !matches(b.prints, printed()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(up) {
			s.t.Fatalf("%s:%d prints\n%s\nand the document says\n%s", s.name, b.line, printed(), b.prints)
		}
	}
	if out, code := s.ask("kill -INT -- -$!\nwait $! || true\n", false); code != 0 {
		s.t.Fatalf("%s:%d was not there any more to be interrupted: %s\n%s", s.name, b.line, out, printed())
	}
}

// compare looks whether a block printed what the document says.
func (s *scene) compare(b block, printed string) {
	s.t.Helper()
	if b.prints != "" && !matches(b.prints, printed) {
		s.t.Errorf("%s:%d prints\n%s\nand the document says\n%s", s.name, b.line, printed, b.prints)
	}
}

// matches compares what is printed with what a document says, spaces at the ends of
// lines apart.
func matches(said, printed string) bool {
	tidy := func(text string) string {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		for i := range lines {
			line := strings.TrimRight(lines[i], " \t\r")
			lines[i] = strings.TrimLeft(line[strings.LastIndexByte(line, '\r')+1:], " ") // what a bar of progress leaves
		}
		return strings.Join(lines, "\n")
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(tidy(said)), "…", `[\s\S]*`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(tidy(printed))
}
