// Three NATS servers with the configuration of docker-compose.yml, each a process that
// can be killed, lose its disk and come back.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

// natsConfigVariable makes this binary a NATS server with that configuration.
const natsConfigVariable = "FAULTS_NATS_CONFIG"

// serveNode is the process of one of several NATS servers.
func serveNode(path string) error {
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		return err
	}
	options.NoSigs = true
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s.Start()
	if !s.ReadyForConnections(startLimit) {
		return errors.New("NATS does not answer")
	}
	fmt.Println(natsReady)
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

const nodeCount = 3

// nodes is the cluster.
type nodes struct {
	dir       string
	addresses [nodeCount]string
	processes [nodeCount]*outside.Process
	relay     *nats.Conn // of the tests
}

// composeFiles is where the files are that docker-compose.yml mounts.
const composeFiles = "../compose"

// newNodes starts the cluster. It makes passwords with the script of the compose file, and
// changes nothing in the configuration but addresses and directories.
func newNodes(dir string) (*nodes, error) {
	n := &nodes{dir: dir}
	secrets := filepath.Join(dir, "secrets")
	if err := os.MkdirAll(secrets, 0o700); err != nil {
		return nil, err
	}
	var hosts []string
	var here []string // the addresses that stand for those of the compose file
	routes := make([]string, nodeCount)
	for i := range n.addresses {
		var err, err2 error
		n.addresses[i], err = outside.FreeAddress()
		routes[i], err2 = outside.FreeAddress()
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		host := nodeName(i)
		hosts = append(hosts, host)
		here = append(here, host+":4222", n.addresses[i], host+":6222", routes[i])
	}
	script, err := os.ReadFile(filepath.Join(composeFiles, "secrets.sh"))
	if err != nil {
		return nil, err
	}
	// Outside of the container nobody has the user whom the files are for.
	c := exec.Command("sh", "-c", "chown() { :; }\n"+string(script))
	c.Dir, c.Env = secrets, append(os.Environ(), "NATS_HOSTS="+strings.Join(hosts, " "))
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make the secrets: %w\n%s", err, out)
	}
	for _, name := range []string{"routes.conf", "nats_relay_url"} {
		if err := rewrite(filepath.Join(secrets, name), filepath.Join(secrets, name), here...); err != nil {
			return nil, err
		}
	}
	for i := range n.addresses {
		at := n.path(i)
		if err := os.MkdirAll(at, 0o700); err != nil {
			return nil, err
		}
		err := errors.Join(
			os.Symlink(secrets, filepath.Join(at, "secrets")),
			rewrite(filepath.Join(composeFiles, "nats.conf"), filepath.Join(at, "tokenledger.conf"),
				`"0.0.0.0:4222"`, `"`+n.addresses[i]+`"`, `"0.0.0.0:8222"`, `"127.0.0.1:-1"`, `"/data"`, `"`+n.store(i)+`"`),
			rewrite(filepath.Join(composeFiles, "nats-cluster.conf"), n.config(i), `"0.0.0.0:6222"`, `"`+routes[i]+`"`),
			n.start(i),
		)
		if err != nil {
			return n, err
		}
	}
	for i := range n.processes {
		if err := n.started(i); err != nil {
			return n, err
		}
	}
	n.relay, err = n.connect("relay")
	return n, err
}

// rewrite copies a file with some texts in it replaced by others, each of which it has.
func rewrite(from, to string, pairs ...string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	found := 0
	for i := 0; i < len(pairs); i += 2 {
		if strings.Contains(string(text), pairs[i]) {
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("%s has none of %q in it", from, pairs)
	}
	return os.WriteFile(to, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600)
}

func nodeName(i int) string                { return fmt.Sprint("nats-", i+1) }
func (n *nodes) path(i int) string         { return filepath.Join(n.dir, nodeName(i)) }
func (n *nodes) store(i int) string        { return filepath.Join(n.path(i), "data") }
func (n *nodes) config(i int) string       { return filepath.Join(n.path(i), "nats-cluster.conf") }
func (n *nodes) secret(name string) string { return filepath.Join(n.dir, "secrets", name) }

// start does not wait for the server: alone it is no cluster.
func (n *nodes) start(i int) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n.processes[i], err = outside.Start(self, []string{natsConfigVariable + "=" + n.config(i), "NATS_NODE=" + nodeName(i)})
	return err
}

// started returns when a server answers.
func (n *nodes) started(i int) error {
	p := n.processes[i]
	if !p.Stdout.Await(p, startLimit, func(out string) bool { return strings.Contains(out, natsReady) }) {
		return fmt.Errorf("%s does not start\n%s", nodeName(i), p.Output())
	}
	return nil
}

func (n *nodes) kill(i int) { n.processes[i].Kill() }

func (n *nodes) wipe(i int) error { return os.RemoveAll(n.store(i)) }

func (n *nodes) end() error {
	if n.relay != nil {
		n.relay.Close()
	}
	for _, p := range n.processes {
		if p != nil {
			p.Kill()
		}
	}
	return nil
}

// connect is a connection to whichever server is there, as the relay or a reader.
func (n *nodes) connect(user string) (*nats.Conn, error) {
	text, err := os.ReadFile(n.secret("nats_relay_url"))
	if err != nil {
		return nil, err
	}
	urls := string(text)
	if user == "reader" {
		relay, reader, err := n.users()
		if err != nil {
			return nil, err
		}
		urls = strings.ReplaceAll(urls, relay, reader)
	}
	return nats.Connect(urls, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
}

// users are the two of them as they stand in a URL.
func (n *nodes) users() (relay, reader string, err error) {
	for name, to := range map[string]*string{"nats_relay_url": &relay, "nats_reader_url": &reader} {
		text, err := os.ReadFile(n.secret(name))
		if err != nil {
			return "", "", err
		}
		*to, _, _ = strings.Cut(strings.TrimPrefix(string(text), "nats://"), "@")
	}
	return relay, reader, nil
}

// stream is what the cluster says of the log's stream.
func (n *nodes) stream(ctx context.Context, origin string) (*jetstream.StreamInfo, error) {
	js, err := jetstream.New(n.relay)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second) // without a leader nobody answers
	defer cancel()
	s, err := js.Stream(ctx, "TOKENLEDGER_"+origin)
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
}

// holds is nil where a server has all of the stream that there is.
func (n *nodes) holds(ctx context.Context, origin string, i int) error {
	info, err := n.stream(ctx, origin)
	if err != nil {
		return err
	}
	if info.Cluster.Leader == nodeName(i) {
		return nil
	}
	for _, p := range info.Cluster.Replicas {
		if p.Name == nodeName(i) && p.Current && !p.Offline && p.Lag == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s is behind: %+v", nodeName(i), info.Cluster.Replicas)
}

// lead makes a server the leader of the stream, so that it is the one that is read.
func (n *nodes) lead(ctx context.Context, origin string, i int) error {
	return await(ctx, func() error {
		info, err := n.stream(ctx, origin)
		if err != nil || info.Cluster.Leader == nodeName(i) {
			return err
		}
		request := fmt.Sprintf(`{"placement": {"preferred": %q}}`, nodeName(i))
		asking, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		answer, err := n.relay.RequestWithContext(asking, "$JS.API.STREAM.LEADER.STEPDOWN.TOKENLEDGER_"+origin, []byte(request))
		if err != nil {
			return err
		}
		return fmt.Errorf("%s leads, asked to let %s do so: %s", info.Cluster.Leader, nodeName(i), answer.Data)
	})
}
