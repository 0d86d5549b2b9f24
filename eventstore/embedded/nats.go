// The in-process NATS server: its configuration, start, connections and end.

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// listenEnv is what the service calls the Listen setting.
const listenEnv = "TOKENLEDGER_NATS_LISTEN"

// NATSConfig says where the NATS server lives. Only Dir is required.
type NATSConfig struct {
	// Dir is the data directory of the service. Streams, keys and credentials are in
	// Dir/nats, the lock is Dir/nats.lock.
	Dir string
	// Listen is the address for programs beside the service, as "127.0.0.1:4222";
	// port 0 takes any free one. Empty or "off" listens nowhere: the server is then
	// reachable from this process only.
	Listen string
	// Log gets what the server says. Nil discards it.
	Log *slog.Logger
}

// listensOn splits Listen; port -1 stands for any, in the server's own terms.
func (c NATSConfig) listensOn() (host string, port int, on bool, err error) {
	if c.Listen == "" || c.Listen == "off" {
		return "", 0, false, nil
	}
	host, text, err := net.SplitHostPort(c.Listen)
	number, portErr := strconv.ParseUint(text, 10, 16)
	if err != nil || portErr != nil {
		return "", 0, false, fmt.Errorf("embedded NATS: %q is no address to listen on; "+
			"write host:port as in 127.0.0.1:4222, or off (%s)", c.Listen, listenEnv)
	}
	if number == 0 {
		return host, server.RANDOM_PORT, true, nil
	}
	return host, int(number), true, nil
}

func (c NATSConfig) validate() error {
	var problems []error
	if c.Dir == "" {
		problems = append(problems, errors.New("embedded NATS: Dir is empty; name the data directory"))
	}
	_, _, _, err := c.listensOn()
	return errors.Join(append(problems, err)...)
}

// NATS is a running server. Its owner calls Stop.
type NATS struct {
	server *server.Server
	log    *slog.Logger
	lock   *dirLock
	dir    string
	listen bool
	follow sync.WaitGroup // what ends when done is closed
	done   chan struct{}

	mu      sync.Mutex // guards the fields below
	conns   []*nats.Conn
	stopped bool
}

// StartNATS starts a server on c.Dir, making keys and credentials at the first
// start, and returns once it answers. It takes as long as ctx allows; afterwards
// ctx has no further effect. Refusals wrap [ErrInUse] or [ErrAddressInUse].
func StartNATS(ctx context.Context, c NATSConfig) (*NATS, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	data, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	n := &NATS{log: c.Log, dir: filepath.Join(data, "nats")}
	// Postgres may come later, and must then be able to pass.
	err = openFresh(data)
	if err == nil {
		err = makeAll(data, dataMode())
	}
	if err == nil {
		err = makeAll(n.dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	if n.lock, err = lockServer(data, "nats"); err != nil {
		return nil, err
	}
	if err := n.start(ctx, c); err != nil {
		n.lock.release()
		return nil, err
	}
	return n, nil
}

// start is StartNATS once the directory is this process's own.
func (n *NATS) start(ctx context.Context, c NATSConfig) error {
	opts, err := n.options(c)
	if err != nil {
		return err
	}
	if n.listen {
		if err := tryListen(ctx, c.Listen); err != nil {
			return err
		}
	}
	if n.server, err = server.NewServer(opts); err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	said := &natsLog{log: c.Log}
	n.server.SetLoggerV2(said, false, false, false)
	n.server.Start()
	const look = 20 * time.Millisecond
	for !n.server.ReadyForConnections(look) {
		err := said.failure()
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			n.shutdown()
			return fmt.Errorf("start NATS: %w", err)
		}
	}
	n.done = make(chan struct{})
	n.follow.Go(func() { n.followTenants(opts.AccountResolver.(*tenants)) })
	return nil
}

// options makes keys and credentials where they are missing.
func (n *NATS) options(c NATSConfig) (*server.Options, error) {
	keys, err := loadKeys(filepath.Join(n.dir, "keys.json"))
	if err != nil {
		return nil, err
	}
	opts, err := trust(n.dir, keys)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		issueCreds(n.RelayCreds(), "relay", keys.Ledger, keys.Relay),
		issueCreds(n.ReaderCreds(), "reader", keys.Readers, keys.Reader),
	)
	if err != nil {
		return nil, err
	}
	if opts.Host, opts.Port, n.listen, err = c.listensOn(); err != nil {
		return nil, err
	}
	opts.ServerName = "tokenledger"
	opts.DontListen = !n.listen
	opts.JetStream = true
	opts.StoreDir = filepath.Join(n.dir, "store")
	opts.DisableJetStreamBanner = true
	opts.NoSigs = true // signals are the service's
	opts.NoLog = true  // the log is set beside the options
	return opts, nil
}

// tryListen learns of a taken address while it can still be told from other
// failures; the server itself would only log it.
func tryListen(ctx context.Context, address string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program listens on %s; stop it, or set %s to another address or to off",
			ErrAddressInUse, address, listenEnv)
	}
	if err != nil {
		return fmt.Errorf("NATS cannot listen on %s (%s): %w", address, listenEnv, err)
	}
	return l.Close()
}

// RelayCreds is the path of the credentials that may publish the log and manage
// its stream.
func (n *NATS) RelayCreds() string { return filepath.Join(n.dir, "relay.creds") }

// RelayCreds is where a server on this data directory has them, for programs of the
// same user beside the service.
func RelayCreds(dir string) string { return filepath.Join(dir, "nats", "relay.creds") }

// ReaderCreds is the path of the credentials that may follow the log: listen to
// tokenledger.>, and read the stream by pull consumers or message by message.
func (n *NATS) ReaderCreds() string { return filepath.Join(n.dir, "reader.creds") }

// ClientURL is the address for programs beside the service; empty when the server
// listens nowhere.
func (n *NATS) ClientURL() string {
	if !n.listen {
		return ""
	}
	return n.server.ClientURL()
}

// RelayConn connects with the relay's credentials, without a network. Stop drains
// the connection unless the caller has closed it.
func (n *NATS) RelayConn(ctx context.Context) (*nats.Conn, error) {
	return n.connect(ctx, "relay", n.RelayCreds())
}

// ReaderConn connects with the reader's credentials, without a network. Stop
// drains the connection unless the caller has closed it.
func (n *NATS) ReaderConn(ctx context.Context) (*nats.Conn, error) {
	return n.connect(ctx, "reader", n.ReaderCreds())
}

func (n *NATS) connect(ctx context.Context, role, creds string) (*nats.Conn, error) {
	timeout := nats.DefaultTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline))
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("connect to NATS as the %s: %w", role, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return nil, fmt.Errorf("connect to NATS as the %s: %w", role, server.ErrServerNotRunning)
	}
	conn, err := nats.Connect("", nats.InProcessServer(n.server), nats.UserCredentials(creds),
		nats.Name("tokenledger "+role), nats.Timeout(timeout), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			n.log.WarnContext(ctx, "an error on a connection to NATS", "role", role, "error", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS as the %s: %w", role, err)
	}
	n.conns = append(slices.DeleteFunc(n.conns, (*nats.Conn).IsClosed), conn)
	return conn, nil
}

// Stop drains the connections of RelayConn and ReaderConn, for as long as ctx
// allows, and ends the server. It returns when the server is gone; calling it
// again is harmless.
func (n *NATS) Stop(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return nil
	}
	n.stopped = true
	var problems []error
	for _, conn := range n.conns {
		problems = append(problems, drain(ctx, conn))
	}
	close(n.done)
	n.follow.Wait()
	n.shutdown()
	n.lock.release()
	return errors.Join(problems...)
}

func (n *NATS) shutdown() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// drain lets a connection handle what it has received and send what it has
// buffered, then closes it.
func drain(ctx context.Context, conn *nats.Conn) error {
	defer conn.Close()
	closed := conn.StatusChanged(nats.CLOSED)
	if err := conn.Drain(); err != nil { // closed by its user, or without its server
		return nil // either way there is nothing left to drain
	}
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a connection to NATS was closed before it was drained: %w", context.Cause(ctx))
	}
}
