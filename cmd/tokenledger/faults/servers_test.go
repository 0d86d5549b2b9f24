// Postgres and NATS as processes that can be killed and come back.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

const (
	startLimit = 60 * time.Second // met only by something that hangs
	retryDelay = 50 * time.Millisecond
)

// postgres is a durable server. It listens on its socket only; the address is a
// bridge to that, since what fails a network fails TCP.
type postgres struct {
	config embedded.PostgresConfig
	bridge net.Listener
	turn   sync.Mutex // held by whoever revives it: two faults may end at once

	mu     sync.Mutex // guards server
	server *embedded.Postgres
	dead   atomic.Bool // it was killed, and nobody has started it since
}

func newPostgres(config embedded.PostgresConfig) (*postgres, error) {
	p := &postgres{config: config}
	if err := p.start(); err != nil {
		return nil, err
	}
	if err := p.listen("127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// listen opens the bridge.
func (p *postgres) listen(address string) (err error) {
	if p.bridge, err = net.Listen("tcp", address); err == nil {
		go p.pass(p.bridge)
	}
	return err
}

func (p *postgres) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	server, err := embedded.StartPostgres(ctx, p.config)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = server
	p.dead.Store(false)
	return nil
}

func (p *postgres) running() *embedded.Postgres {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

// direct is the URL past every fault of the network, for a superuser.
func (p *postgres) direct() string { return p.running().URL() }

// through is the URL for a superuser at another address.
func (p *postgres) through(address string) (string, error) {
	u, err := url.Parse(p.direct())
	if err != nil {
		return "", err
	}
	u.Host, u.RawQuery = address, "sslmode=disable"
	return u.String(), nil
}

// kill ends the postmaster at once; its backends notice in their own time.
func (p *postgres) kill() {
	server := p.running()
	_ = syscall.Kill(server.PID(), syscall.SIGKILL)
	<-server.Done()
}

// killAll ends the postmaster and every backend at once.
func (p *postgres) killAll() {
	p.dead.Store(true)
	server := p.running()
	_ = syscall.Kill(-server.PID(), syscall.SIGKILL) // it leads a process group
	<-server.Done()
}

// killBackend ends a process that works for the service, upon which the postmaster
// ends all the others and recovers.
func (p *postgres) killBackend(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.direct())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var pid int
	err = conn.QueryRow(ctx, `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tokenledger%' AND pid <> pg_backend_pid()
		ORDER BY application_name LIKE '%appender%' DESC, random() LIMIT 1`).Scan(&pid)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// revive starts the server unless it runs.
func (p *postgres) revive() error {
	p.turn.Lock()
	defer p.turn.Unlock()
	select {
	case <-p.running().Done():
		return p.start()
	default:
		return nil
	}
}

func (p *postgres) stop() error {
	if p.bridge != nil {
		_ = p.bridge.Close()
	}
	return p.stopServer()
}

// stopServer leaves the address to the next server.
func (p *postgres) stopServer() error {
	if p.dead.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return p.running().Stop(ctx)
}

// move ends the server, and goes on with another cluster at the same address.
func (p *postgres) move(config embedded.PostgresConfig) error {
	if err := p.stopServer(); err != nil {
		return err
	}
	p.config = config
	return p.start()
}

// program runs one of Postgres' own programs against the server, as its superuser.
func (p *postgres) program(ctx context.Context, name string, args ...string) error {
	u, err := url.Parse(p.direct())
	if err != nil {
		return err
	}
	path, err := exec.LookPath(name)
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); err != nil && len(found) > 0 {
		path, err = found[len(found)-1], nil
	}
	if err != nil {
		return err
	}
	password, _ := u.User.Password()
	c := exec.CommandContext(ctx, path, args...)
	c.Env = append(os.Environ(), "PGHOST="+u.Query().Get("host"), "PGPORT="+u.Query().Get("port"), "PGUSER="+u.User.Username(),
		"PGPASSWORD="+password, "PGDATABASE="+strings.TrimPrefix(u.Path, "/"))
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}

// pass is the bridge.
func (p *postgres) pass(bridge net.Listener) {
	for {
		client, err := bridge.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			u, err := url.Parse(p.direct())
			if err != nil {
				return
			}
			query := u.Query()
			server, err := net.Dial("unix", filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port")))
			if err != nil {
				return
			}
			defer server.Close()
			go func() {
				defer client.Close()
				_, _ = io.Copy(client, server)
			}()
			_, _ = io.Copy(server, client)
		}()
	}
}

// broker is a NATS server in a process of its own.
type broker struct {
	dir, address string
	turn         sync.Mutex // held by whoever starts it again: two faults may end at once

	mu      sync.Mutex // guards process
	process *outside.Process
}

func newBroker(dir string) (*broker, error) {
	b := &broker{dir: dir}
	var err error
	if b.address, err = outside.FreeAddress(); err != nil {
		return nil, err
	}
	return b, b.start()
}

func (b *broker) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := outside.Start(self, []string{natsDirVariable + "=" + b.dir, natsListenVariable + "=" + b.address})
	if err != nil {
		return err
	}
	if !p.Stdout.Await(p, startLimit, func(out string) bool { return strings.Contains(out, natsReady) }) {
		p.Kill()
		return fmt.Errorf("NATS does not start\n%s", p.Output())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.process = p
	return nil
}

func (b *broker) running() *outside.Process {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.process
}

func (b *broker) kill() { b.running().Kill() }

// revive starts the server unless it runs.
func (b *broker) revive() error {
	b.turn.Lock()
	defer b.turn.Unlock()
	if !b.running().Ended() {
		return nil
	}
	return b.start()
}

// restart starts the server anew.
func (b *broker) restart() error {
	b.turn.Lock()
	defer b.turn.Unlock()
	b.kill()
	return b.start()
}

func (b *broker) creds(role string) string { return filepath.Join(b.dir, "nats", role+".creds") }
