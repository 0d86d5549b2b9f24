// Three replicas behind nginx with the documented configuration: they are started again
// and upgraded one after the other while clients work, and no request fails.

//go:build faults

package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

const (
	replicas    = 3
	nginxFile   = "../../../docs/integrations/nginx-cluster.conf"
	drainDelay  = 3 * time.Second // more than keepalive_timeout of the file
	readersOf   = 3
	readersPace = 10 * time.Millisecond
)

// front is nginx, and what clients were answered that none should be.
type front struct {
	url      string
	asked    atomic.Int64
	mu       sync.Mutex // guards failures
	failures []string
}

// startFront runs nginx with the documented file, but for its addresses, in front of all
// services.
func (l *ledger) startFront() {
	l.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; syscall.Access(program, 1) != nil {
			l.Skip("nginx is not installed (apt-get install nginx-light): nothing is said here about rolling restarts")
		}
	}
	at, err := outside.FreeAddress()
	l.must(err)
	dir := filepath.Join(l.dir, "nginx")
	l.must(os.Mkdir(dir, 0o755))
	addresses := []string{"listen 8080;", "listen " + at + ";"}
	for i, s := range l.services {
		addresses = append(addresses, fmt.Sprintf("tokenledger-%d:8080", i+1), strings.TrimPrefix(s.url, "http://"))
	}
	file := filepath.Join(dir, "nginx.conf")
	l.must(rewrite(nginxFile, file, addresses...))
	l.must(os.Chmod(file, 0o644))
	p, err := outside.Start(program, nil, "-p", dir, "-c", file, "-g", "daemon off;")
	l.must(err)
	l.ends = append(l.ends, func() error {
		_ = p.Cmd.Process.Signal(syscall.SIGQUIT)
		_, err := p.Wait(startLimit)
		if l.Failed() {
			l.Logf("nginx: %s", p.Output())
		}
		return err
	})
	l.front = &front{url: "http://" + at}
	ctx, cancel := context.WithTimeout(l.Context(), startLimit)
	defer cancel()
	l.must(await(ctx, func() error {
		if p.Ended() {
			l.Fatal(p.Output())
		}
		status, body, err := get(ctx, l.front.url+"/readyz")
		if err == nil && status != http.StatusOK {
			err = errors.New(body)
		}
		return err
	}))
}

// saw notes how one request went. What the ledger itself refuses is no failure; that
// nobody answers, or that somebody cannot, is one.
func (f *front) saw(a outside.Answer, err error) {
	if f == nil {
		return
	}
	f.asked.Add(1)
	if err == nil && a.Status < 500 && a.Code() != "UNAVAILABLE" && a.Code() != "INTERNAL_SERVER_ERROR" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprintf("%v: %v %d %s", time.Now().Format(time.StampMilli), err, a.Status, a.Body))
}

// read lets some clients read lists and ask /auth/check, as browsers and proxies do,
// until stop is closed.
func (l *ledger) read(ctx context.Context, clients *load, stop <-chan struct{}) (over func()) {
	var group sync.WaitGroup
	for range readersOf {
		group.Go(func() {
			for tick := time.NewTicker(readersPace); ; {
				select {
				case <-stop:
					tick.Stop()
					return
				case <-tick.C:
				}
				a, err := outside.Try(ctx, clients.http, l.front.url, l.admin, tokensAfter, nil)
				l.front.saw(a, err)
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.front.url+"/auth/check", nil)
				if err != nil {
					l.front.saw(outside.Answer{}, err)
					continue
				}
				r.Header.Set("Authorization", "Bearer "+l.caller)
				a, err = outside.Exchange(clients.http, r)
				l.front.saw(a, err)
			}
		})
	}
	return group.Wait
}

// roll ends one service after the other, and waits for each to be back. The binary is
// what it is then started from.
func (l *ledger) roll(what, program string) {
	l.Helper()
	stop := make(chan struct{})
	l.work(func() {
		over := l.read(l.Context(), l.newLoad(0), stop)
		defer func() {
			close(stop)
			over()
		}()
		for _, s := range l.services {
			l.report.strike(what)
			s.upgrade(program)
			began := time.Now()
			l.must(s.restart())
			if took := time.Since(began); took < drainDelay {
				l.Errorf("%s ended after %v, before its drain was over", s.name, took)
			}
			ended := time.Now()
			l.recovered(what, ended, s.ready)
		}
	})
	if n := len(l.front.failures); n > 0 {
		l.Errorf("%s: %d of %d requests failed:\n%s", what, n, l.front.asked.Load(), strings.Join(l.front.failures[:min(n, 20)], "\n"))
	}
	l.settled()
}

// newFronted is a ledger of three replicas behind nginx.
func newFronted(t *testing.T, program string) *ledger {
	t.Helper()
	l := newCluster(t, replicas, func(w *world, r *report) error {
		err := w.startServers(r)
		w.program, w.settings = program, []string{"TOKENLEDGER_DRAIN_DELAY=" + drainDelay.String()}
		return err
	})
	l.startFront()
	t.Cleanup(func() {
		t.Logf("%d requests by way of nginx, %d failed\n%s", l.front.asked.Load(), len(l.front.failures), l.report)
	})
	return l
}

func TestRollingRestart(t *testing.T) {
	t.Parallel()
	l := newFronted(t, binary)
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		l.roll("one of three replicas restarted", binary)
	}
}

// TestRollingUpgrade begins with the commit before this one.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the short form restarts without an upgrade")
	}
	before, commit, err := previous(t.TempDir())
	if err != nil {
		t.Skipf("there is no commit before this one to upgrade from: %v", err)
	}
	t.Logf("from %s", commit)
	l := newFronted(t, before)
	l.roll("one of three replicas upgraded", binary)
	l.must(l.replayed(t.Context()))
}

// previous builds the program as it was one commit ago.
func previous(dir string) (program, commit string, err error) {
	top, err := git("", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", "", err
	}
	if commit, err = git(top, "log", "-1", "--format=%h %s", "HEAD~1"); err != nil {
		return "", "", err
	}
	tar := filepath.Join(dir, "previous.tar")
	if _, err = git(top, "archive", "--output="+tar, "HEAD~1"); err != nil {
		return "", "", err
	}
	source := filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o755); err != nil {
		return "", "", err
	}
	program = filepath.Join(dir, "tokenledger-previous")
	for _, c := range []*exec.Cmd{
		exec.Command("tar", "-xf", tar, "-C", source),
		exec.Command("go", "build", "-o", program, "./cmd/tokenledger"),
	} {
		if c.Args[0] == "go" {
			c.Dir = source
		}
		if out, err := c.CombinedOutput(); err != nil {
			return "", "", fmt.Errorf("%v: %w\n%s", c.Args, err, out)
		}
	}
	return program, commit, nil
}

func git(dir string, args ...string) (string, error) {
	c := exec.Command("git", args...)
	c.Dir = dir
	var wrong bytes.Buffer
	c.Stderr = &wrong
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("git %v: %w %s", args, err, wrong.String())
	}
	return strings.TrimSpace(string(out)), nil
}
