// A network between the log and its database that fails on demand.

package eventstore_test

import (
	"bytes"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// proxy passes on what the log and its database say to each other. It knows the
// appender's connection by its name.
type proxy struct {
	tb     testing.TB
	dir    string // of its socket
	target string // the server's socket

	mu       sync.Mutex // guards all below
	listener net.Listener
	closed   bool
	conns    map[net.Conn]bool
	cut      *cut
	group    sync.WaitGroup
}

// cut ends the appender's connection instead of passing on a message.
type cut struct {
	answers bool // of the database, else a request of the appender
	after   int  // messages that are passed on before
	away    bool // the proxy closes with it, so that nobody connects meanwhile
	done    chan struct{}
}

// newProxy gives the URL of a database behind a proxy.
func newProxy(tb testing.TB, database string) (*proxy, string) {
	tb.Helper()
	u, err := url.Parse(database)
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "proxy-")
	if err != nil {
		tb.Fatal(err)
	}
	query := u.Query()
	p := &proxy{tb: tb, dir: dir, target: filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port")), conns: map[net.Conn]bool{}}
	query.Set("host", dir)
	u.RawQuery = query.Encode()
	p.open()
	tb.Cleanup(func() {
		p.close()
		p.group.Wait()
		_ = os.RemoveAll(dir)
	})
	return p, u.String()
}

// open lets connections in.
func (p *proxy) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	listener, err := net.Listen("unix", filepath.Join(p.dir, ".s.PGSQL.5432"))
	if err != nil {
		p.tb.Error(err)
		return
	}
	p.listener, p.closed = listener, false
	p.group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.group.Go(func() { p.serve(client) })
		}
	})
}

// close ends all connections and lets none in.
func (p *proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLocked()
}

func (p *proxy) closeLocked() {
	p.closed = true
	_ = p.listener.Close()
	for c := range p.conns {
		_ = c.Close()
	}
}

// cutOff arranges for the appender's connection to end; done is closed when it has.
func (p *proxy) cutOff(answers bool, after int) (done chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = &cut{answers: answers, after: after, done: make(chan struct{})}
	return p.cut.done
}

// goAway is cutOff, and with the connection goes the database.
func (p *proxy) goAway(answers bool, after int) (done chan struct{}) {
	done = p.cutOff(answers, after)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut.away = true
	return done
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	if p.closed { // the client was let in just before
		p.mu.Unlock()
		return
	}
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	startup := make([]byte, 64<<10)
	n, err := client.Read(startup)
	if err != nil {
		return
	}
	appender := bytes.Contains(startup[:n], []byte("tokenledger-appender"))
	if _, err := server.Write(startup[:n]); err != nil {
		return
	}
	var group sync.WaitGroup
	group.Go(func() { p.pass(client, server, appender, false) })
	group.Go(func() { p.pass(server, client, appender, true) })
	group.Wait()
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}

// pass copies one direction until an end closes or the connection is cut. Small
// requests and answers come in one piece each, since both sides flush them whole.
func (p *proxy) pass(from, to net.Conn, appender, answers bool) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 256<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || (appender && p.cuts(answers)) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) cuts(answers bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == nil || p.cut.answers != answers {
		return false
	}
	if p.cut.after > 0 {
		p.cut.after--
		return false
	}
	if p.cut.away {
		p.closeLocked()
	}
	close(p.cut.done)
	p.cut = nil
	return true
}
