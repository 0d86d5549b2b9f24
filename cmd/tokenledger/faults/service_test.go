// A service that is started again whenever it has ended, as systemd does.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

// service is one of those that serve a log, with links of its own.
type service struct {
	name           string
	url, admin     string
	env            []string // of commands that go past every fault
	faulty         []string // of the service itself
	postgres, nats *link    // nil where nothing is between that can fail

	stopped chan struct{} // closed: it is not started again
	over    chan struct{} // closed by the supervisor

	mu      sync.Mutex // guards all below
	program string     // the binary
	process *outside.Process
	doomed  bool     // the end of the process was ordered
	starts  int      // of processes
	unasked []string // ends that nobody ordered, with what was said
}

func (w *world) newService(name string) (*service, error) {
	s := &service{name: name, program: w.program, stopped: make(chan struct{}), over: make(chan struct{})}
	listen, err := outside.FreeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := outside.FreeAddress()
	if err != nil {
		return nil, err
	}
	direct, faulty, err := w.ways(s)
	if err != nil {
		return nil, err
	}
	s.url, s.admin = "http://"+listen, "http://"+admin
	common := []string{
		"TOKENLEDGER_DATA=" + filepath.Join(w.dir, name), "TOKENLEDGER_KEY_FILE=" + filepath.Join(w.dir, "keys.json"),
		"TOKENLEDGER_LISTEN=" + listen, "TOKENLEDGER_ADMIN_LISTEN=" + admin, "TOKENLEDGER_NATS_LISTEN=off",
		"TOKENLEDGER_SERVER=" + s.url,
		"TOKENLEDGER_TOKEN_FILE=" + filepath.Join(w.dir, "s0", "admin.token"),
	}
	s.env = append(common[:len(common):len(common)], direct...)
	s.faulty = append(append(common[:len(common):len(common)], faulty...), w.settings...)
	return s, nil
}

// ways says where a service finds its servers: settings for commands, which go past every
// fault and are told of the database when they start, and for the service itself.
type ways func(s *service) (direct, faulty []string, err error)

// singly gives a service links of its own to the one Postgres and the one NATS server.
func (w *world) singly(s *service) (direct, faulty []string, err error) {
	if s.postgres, err = newLink("postgres-"+s.name, w.postgres.bridge.Addr().String()); err != nil {
		return nil, nil, err
	}
	if s.nats, err = newLink("nats-"+s.name, w.nats.address); err != nil {
		return nil, nil, err
	}
	database, err := w.postgres.through(s.postgres.address())
	creds := "TOKENLEDGER_NATS_CREDS=" + w.nats.creds("relay")
	return []string{creds, "TOKENLEDGER_NATS_URL=nats://" + w.nats.address},
		[]string{creds, "TOKENLEDGER_NATS_URL=nats://" + s.nats.address(), "TOKENLEDGER_DATABASE_URL=" + database}, err
}

// supervise starts the service, and again whenever it has ended.
func (s *service) supervise() {
	defer close(s.over)
	for {
		p, err := outside.Start(s.binary(), s.faulty, "serve")
		if err == nil {
			s.mu.Lock()
			s.process, s.doomed = p, false
			s.starts++
			s.mu.Unlock()
			<-p.Done()
			s.ended(p)
		}
		select {
		case <-s.stopped:
			return
		case <-time.After(retryDelay):
		}
	}
}

func (s *service) binary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.program
}

// upgrade makes the next start one of another binary.
func (s *service) upgrade(program string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.program = program
}

// ended notes the end of a process that was ready and was not told to end. One that
// cannot start while its servers are away says so and ends, which is right.
func (s *service) ended(p *outside.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ready := outside.ReadBanner(p.Stdout.String()); ready && !s.doomed {
		s.unasked = append(s.unasked, fmt.Sprintf("%s ended unasked with exit code %d\n%s", s.name, p.Code(), p.Output()))
	}
}

// condemned is the process of the service, whose end is ordered with this.
func (s *service) condemned() *outside.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doomed = true
	return s.process
}

// kill ends the process at once; the supervisor starts another.
func (s *service) kill() {
	if p := s.condemned(); p != nil {
		p.Kill()
	}
}

// restart lets the process end by itself; the supervisor starts another.
func (s *service) restart() error {
	p := s.condemned()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil && !p.Ended() {
		return err
	}
	_, err := p.Wait(startLimit)
	return err
}

// stop ends the service for good, by itself if it can. Another time it does nothing.
func (s *service) stop() error {
	select {
	case <-s.stopped:
		return nil
	default:
		close(s.stopped)
	}
	err := s.restart()
	<-s.over
	for _, l := range []*link{s.postgres, s.nats} {
		if l != nil {
			l.close()
		}
	}
	return err
}

func (s *service) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return s.name + " was never started"
	}
	return s.name + "\n" + s.process.Output()
}

// admins asks the admin and health interfaces; a service that answers does so at once.
var admins = &http.Client{Timeout: 5 * time.Second}

func get(ctx context.Context, url string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := admins.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// ready asks /readyz.
func (s *service) ready(ctx context.Context) error {
	status, body, err := get(ctx, s.url+"/readyz")
	if err == nil && status != http.StatusOK {
		err = errors.New(body)
	}
	return err
}

// metrics gives the gauges by name, with labels as they are written.
func (s *service) metrics(ctx context.Context) (map[string]float64, error) {
	_, body, err := get(ctx, s.admin+"/metrics")
	if err != nil {
		return nil, err
	}
	gauges := map[string]float64{}
	for line := range strings.Lines(body) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "tokenledger_") {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				gauges[name] = v
			}
		}
	}
	return gauges, nil
}

// command runs a command of the program past every fault, to its end.
func (w *world) command(s *service, args ...string) (*outside.Process, error) {
	p, err := outside.Start(binary, append(s.env[:len(s.env):len(s.env)], "TOKENLEDGER_DATABASE_URL="+w.postgres.direct()), args...)
	if err != nil {
		return nil, err
	}
	if _, err := p.Wait(2 * time.Minute); err != nil {
		return nil, err
	}
	return p, nil
}
