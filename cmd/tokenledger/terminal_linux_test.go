// What only a terminal shows: bars, and nothing of a secret that is typed.

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// pty is a terminal: what a program writes to its side is collected.
type pty struct {
	person, program *os.File
	mu              sync.Mutex // guards shown
	shown           bytes.Buffer
}

func control(f *os.File, request uintptr, arg unsafe.Pointer) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}

func newPTY(t *testing.T) *pty {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	var unlocked, n int32
	if err := control(person, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked)); err != nil {
		t.Fatal(err)
	}
	if err := control(person, syscall.TIOCGPTN, unsafe.Pointer(&n)); err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	p := &pty{person: person, program: program}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			p.mu.Lock()
			p.shown.Write(b[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = program.Close(); _ = person.Close() })
	return p
}

func (p *pty) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.String()
}

func (p *pty) echoes(t *testing.T) bool {
	t.Helper()
	var state syscall.Termios
	if err := control(p.program, syscall.TCGETS, unsafe.Pointer(&state)); err != nil {
		t.Fatal(err)
	}
	return state.Lflag&syscall.ECHO != 0
}

func await(t *testing.T, what string, good func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !good(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func TestABarTellsHowLongTheRestTakes(t *testing.T) {
	t.Parallel()
	p := newPTY(t)
	var out bytes.Buffer
	code := run(t.Context(), []string{"bench", "decide", "--duration", "4s", "--tokens", "100", "--output", "json"},
		stdio{in: strings.NewReader(""), out: &out, err: p.program, environ: []string{"HOME=" + t.TempDir()}})
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, p.text())
	}
	await(t, "a bar with its rate, and the time that is over and left", func() bool {
		return regexp.MustCompile(`measuring.*%.*/s\).*\[\d+s:\d+s\]`).MatchString(p.text())
	})
	if strings.Contains(out.String(), "measuring") {
		t.Errorf("the bar stands in the data: %s", &out)
	}
}

// What takes as long as it takes shows that it goes on: what is scanned, and a question to the service.
func TestABarShowsThatItGoesOn(t *testing.T) {
	t.Parallel()
	t.Run("scan", func(t *testing.T) {
		t.Parallel()
		p := newPTY(t)
		in, typed := io.Pipe()
		var out bytes.Buffer
		done := make(chan int, 1)
		go func() {
			done <- run(t.Context(), []string{"scan", "-"}, stdio{in: in, out: &out, err: p.program, environ: []string{"HOME=" + t.TempDir()}})
		}()
		bar := regexp.MustCompile(`scanning.*\d [kM]?B.*B/s`)
		await(t, "a bar with what was read, and its rate", func() bool {
			if _, err := typed.Write(bytes.Repeat([]byte("nothing of interest\n"), 1000)); err != nil {
				t.Fatal(err)
			}
			return bar.MatchString(p.text())
		})
		_ = typed.Close()
		if code := <-done; code != 0 || out.Len() > 0 {
			t.Errorf("exit code %d, printed %q", code, &out)
		}
	})
	t.Run("health", func(t *testing.T) { // which has no bar of its own
		t.Parallel()
		p := newPTY(t)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			await(t, "a bar", func() bool { return r.Context().Err() != nil || strings.Contains(p.text(), "waiting for the answer") })
			fmt.Fprint(w, `{"ready":true}`)
		}))
		defer s.Close()
		code := run(t.Context(), []string{"health", "--server", s.URL}, stdio{in: strings.NewReader(""), out: p.program, err: p.program, environ: []string{"HOME=" + t.TempDir()}})
		await(t, "the answer is all that is left on its line", func() bool {
			lines := strings.Split(strings.TrimSpace(p.text()), "\r")
			return code == 0 && strings.HasPrefix(lines[len(lines)-1], `{"ready":true}`)
		})
	})
	t.Run("report", func(t *testing.T) {
		t.Parallel()
		p := newPTY(t)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			await(t, "a bar", func() bool { return strings.Contains(p.text(), "waiting for the answer") })
			fmt.Fprint(w, `{"data":{"report":{"columns":[{"title":"when"}],"rows":[["now"]]}}}`)
		}))
		defer s.Close()
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte(unknownValue), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		code := run(t.Context(), []string{"report", "population", "--server", s.URL, "--token-file", token},
			stdio{in: strings.NewReader(""), out: &out, err: p.program, environ: []string{"HOME=" + t.TempDir()}})
		if code != 0 || !strings.Contains(out.String(), "now") || strings.Contains(out.String(), "waiting") {
			t.Errorf("exit code %d, printed %q, shown %q", code, &out, p.text())
		}
	})
}

func TestBarsAreForPeopleWhoWantThem(t *testing.T) {
	t.Parallel()
	p := newPTY(t)
	for name, c := range map[string]struct {
		err     io.Writer
		environ []string
		args    []string
		want    bool
	}{
		"a terminal":      {p.program, nil, nil, true},
		"a buffer":        {&bytes.Buffer{}, nil, nil, false},
		"CI":              {p.program, []string{"CI=true"}, nil, false},
		"a dumb terminal": {p.program, []string{"TERM=dumb"}, nil, false},
		"--quiet":         {p.program, nil, []string{"--quiet"}, false},
	} {
		s := stdio{in: strings.NewReader(""), out: io.Discard, err: c.err, environ: c.environ}
		root := newRootCommand(s)
		if err := root.PersistentFlags().Parse(c.args); err != nil {
			t.Fatal(err)
		}
		if got := (app{stdio: s, flags: root.PersistentFlags()}).watched(); got != c.want {
			t.Errorf("%s: a bar is shown: %v", name, got)
		}
	}
	for wait, want := range map[time.Duration]int{time.Hour: 0, -time.Second: 3} {
		var out bytes.Buffer
		if n, err := (&later{&out, time.Now().Add(wait)}).Write([]byte("bar")); n != 3 || err != nil || out.Len() != want {
			t.Errorf("%v from now: %d written, %q shown, %v", wait, n, &out, err)
		}
	}
}

// A value of the right shape that no ledger gave out.
const unknownValue = "tola_00000000000000000000010000000000000000000000000000000000004bfMCg"

func TestATypedTokenIsNotShown(t *testing.T) {
	t.Parallel()
	p := newPTY(t)
	done := make(chan int, 1)
	s := stdio{in: p.program, out: io.Discard, err: p.program, environ: []string{"HOME=" + t.TempDir()}}
	go func() { done <- run(t.Context(), []string{"login", "--server", "http://127.0.0.1:1"}, s) }()
	await(t, "the terminal shows no more what is typed", func() bool { return !p.echoes(t) })
	if _, err := p.person.WriteString(unknownValue + "\n"); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	await(t, "the error is shown", func() bool { return strings.Contains(p.text(), "does not answer") })
	if !strings.Contains(p.text(), "Token: ") || strings.Contains(p.text(), "tola_") || !p.echoes(t) {
		t.Errorf("shown: %q, echo %v", p.text(), p.echoes(t))
	}
}

func TestAnInterruptedTerminalShowsAgainWhatIsTyped(t *testing.T) {
	t.Parallel()
	p := newPTY(t)
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan int, 1)
	s := stdio{in: p.program, out: io.Discard, err: p.program, environ: []string{"HOME=" + t.TempDir()}}
	go func() { done <- run(ctx, []string{"login", "--server", "http://127.0.0.1:1"}, s) }()
	await(t, "the terminal shows no more what is typed", func() bool { return !p.echoes(t) })
	interrupt()
	if code := <-done; code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if !p.echoes(t) {
		t.Error("the terminal still hides what is typed")
	}
	_, _ = p.person.WriteString("\n") // ends the reading that is left behind
}
