// A cluster of three: replicas, elections, and refusals that are worded otherwise.

package jetstream_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// cluster is three servers, without the accounts of the embedded one.
type cluster struct {
	t       *testing.T
	servers [3]*server.Server
	urls    string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	var routes []*url.URL
	var addresses [3]string
	for i := range addresses {
		addresses[i] = eventstoretest.FreeAddress(t)
		routes = append(routes, &url.URL{Scheme: "nats", Host: addresses[i]})
	}
	for i := range c.servers {
		address, err := netip.ParseAddrPort(addresses[i])
		if err != nil {
			t.Fatal(err)
		}
		c.servers[i], err = server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("node-%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
			JetStream: true, StoreDir: t.TempDir(), Routes: routes,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: int(address.Port())},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.servers[i].Start()
		t.Cleanup(func() { c.kill(i) })
	}
	for i, s := range c.servers {
		if !s.ReadyForConnections(patience) {
			t.Fatalf("node %d does not start", i)
		}
		c.urls += s.ClientURL() + ","
	}
	await(t, "a leader", func() bool {
		for _, s := range c.servers {
			if s.JetStreamIsLeader() {
				return true
			}
		}
		return false
	})
	return c
}

func (c *cluster) kill(i int) {
	c.servers[i].Shutdown()
	c.servers[i].WaitForShutdown()
}

func (c *cluster) connect() *nats.Conn {
	c.t.Helper()
	conn, err := nats.Connect(c.urls[:len(c.urls)-1], nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return conn
}

// killLeader ends the server that leads the stream.
func (c *cluster) killLeader(stream js.Stream) {
	c.t.Helper()
	info, err := stream.Info(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for i, s := range c.servers {
		if s.Name() == info.Cluster.Leader {
			c.kill(i)
			return
		}
	}
	c.t.Fatalf("no leader in %+v", info.Cluster)
}

func TestRelaysInACluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a cluster of three takes ten seconds")
	}
	l, c := newLedger(t), newCluster(t)
	first := runRelay(t, jetstream.RelayConfig{Log: l, Conn: c.connect()}) // a cluster says by itself what it is
	second := runRelay(t, jetstream.RelayConfig{Log: l, Conn: c.connect()})
	both := func() {
		await(t, "all events", func() bool {
			return max(first.Status().Position, second.Status().Position) == l.head()
		})
	}
	l.use(300)
	both()
	_, stream := openStream(t, c.connect(), l.Origin())
	if n := stream.CachedInfo().Config.Replicas; n != 3 {
		t.Errorf("%d replicas", n)
	}
	c.killLeader(stream)
	l.use(300)
	both()
	mustEqual(t, c.connect(), l, 1)
	got := take(t, c.connect(), jetstream.Config{}, int(l.head()))
	all, _ := l.all()
	mustBe(t, l, got, all)
	first.end()
	second.end()
}
