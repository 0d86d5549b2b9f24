// A server in operator mode, as nsc and a configuration file make one: it trusts an
// operator's key and is told of accounts by tokens that this key has signed. And how the
// credentials of one organization's program end, on every kind of server.

package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// operated is an operator with its accounts.
type operated struct {
	t      *testing.T
	key    nkeys.KeyPair
	public string
	tokens map[string]string // by account
}

func newOperated(t *testing.T) *operated {
	t.Helper()
	key, err := nkeys.CreateOperator()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return &operated{t, key, public, map[string]string{}}
}

func (o *operated) add(account *jwt.AccountClaims, err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	if o.tokens[account.Subject], err = account.Encode(o.key); err != nil {
		o.t.Fatal(err)
	}
}

// user makes the credentials of a user that a key of its account has signed.
func (o *operated) user(name, account, seed string) nats.Option {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), name+".creds")
	if err := issueCreds(file, name, account, seed); err != nil {
		o.t.Fatal(err)
	}
	return nats.UserCredentials(file)
}

// config is the server's configuration.
func (o *operated) config(system string) string {
	o.t.Helper()
	operator, err := jwt.NewOperatorClaims(o.public).Encode(o.key)
	if err != nil {
		o.t.Fatal(err)
	}
	var preload strings.Builder
	for account, token := range o.tokens {
		fmt.Fprintf(&preload, "  %s: %s\n", account, token)
	}
	return fmt.Sprintf(`listen: "127.0.0.1:-1"
jetstream { store_dir: %q }
operator: %s
system_account: %s
resolver: { type: full, dir: %q, allow_delete: true }
resolver_preload: {
%s}
`, o.t.TempDir(), operator, system, o.t.TempDir(), preload.String())
}

// operatorBroker is a server in operator mode with the accounts of the ledger, its
// readers and two tenants.
func operatorBroker(t *testing.T) *broker {
	b, o := &broker{}, newOperated(t)
	b.one, b.two = tenantsOf(t)
	keys, err := makeKeys(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	o.add(ledgerAccount(keys))
	o.add(readersAccount(keys))
	system, systemSeed, err := newKey(nkeys.CreateAccount)
	if err != nil {
		t.Fatal(err)
	}
	o.add(jwt.NewAccountClaims(system), nil)
	accounts, users := map[Tenant]string{}, map[Tenant]nats.Option{}
	for _, tenant := range []Tenant{b.one, b.two} {
		account, _, err := newKey(nkeys.CreateAccount)
		if err != nil {
			t.Fatal(err)
		}
		_, signer, err := newKey(nkeys.CreateAccount)
		if err != nil {
			t.Fatal(err)
		}
		o.add((&tenants{ledger: keys.Ledger}).account(tenantFile{account, signer, tenant.Stream, tenant.Trail, tenant.Name}))
		accounts[tenant], users[tenant] = account, o.user(tenant.Consumer(), account, signer)
	}
	s, _ := serveConfig(t, o.config(system))
	b.url = s.ClientURL()
	b.relay = jetStream(t, dialNATS(t, b.url, o.user("relay", keys.Ledger, keys.Relay)), nil)
	b.fill(t)
	b.dial = func(who Tenant, options ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(b.url, append(options, users[who])...)
	}
	b.end = func(who Tenant) error { return o.delete(b.url, o.systemUser(systemSeed), accounts[who]) }
	return b
}

// systemUser is a user of the system account, which its own key signs.
func (o *operated) systemUser(seed string) nats.Option {
	o.t.Helper()
	key, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		o.t.Fatal(err)
	}
	public, userSeed, err := newKey(nkeys.CreateUser)
	if err != nil {
		o.t.Fatal(err)
	}
	claims := jwt.NewUserClaims(public)
	token, err := claims.Encode(key)
	if err != nil {
		o.t.Fatal(err)
	}
	return nats.UserJWTAndSeed(token, userSeed)
}

// delete asks the server to forget an account, as `nsc push --prune` does.
func (o *operated) delete(url string, system nats.Option, account string) error {
	conn, err := nats.Connect(url, system)
	if err != nil {
		return err
	}
	defer conn.Close()
	claims := jwt.NewGenericClaims(o.public)
	claims.Data["accounts"] = []string{account}
	token, err := claims.Encode(o.key)
	if err != nil {
		return err
	}
	msg, err := conn.RequestWithContext(o.t.Context(), "$SYS.REQ.CLAIMS.DELETE", []byte(token))
	if err != nil {
		return err
	}
	var answer struct{ Error json.RawMessage }
	if err := json.Unmarshal(msg.Data, &answer); err != nil || answer.Error != nil {
		return fmt.Errorf("%s, %w", msg.Data, err)
	}
	return nil
}

// TestATenantsCredentialsEnd: without a restart, for whoever is connected, too, and for
// nobody else.
func TestATenantsCredentialsEnd(t *testing.T) {
	onBrokers(t, func(t *testing.T, b *broker) {
		closed := make(chan struct{})
		b.connectAs(t, b.one, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
		again := b.connectAs(t, b.one, nats.MaxReconnects(-1))
		other := b.connectAs(t, b.two, nats.NoReconnect())
		live, err := other.SubscribeSync(b.two.Subjects())
		if err == nil {
			err = other.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := b.end(b.one); err != nil {
			t.Fatal(err)
		}
		await(t, "the connection to be closed", func() bool {
			select {
			case <-closed:
				return true
			default:
				return false
			}
		})
		await(t, "whoever connects again to give up", again.IsClosed) // after two refusals
		for range 3 {
			if conn, err := b.dial(b.one); !errors.Is(err, nats.ErrAuthorization) && !errors.Is(err, nats.ErrAccountAuthExpired) {
				conn.Close()
				t.Errorf("let in: %v", err)
			}
		}
		b.publish(t, b.two, "still there")
		if msg, err := live.NextMsgWithContext(t.Context()); err != nil || string(msg.Data) != "still there" {
			t.Errorf("the other one: %v, %v", msg, err)
		}
	})
}

// TestATenantsFileThatIsPutBack lets the program in as before.
func TestATenantsFileThatIsPutBack(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{Listen: "127.0.0.1:0"})
	data, creds := filepath.Dir(n.dir), filepath.Join(t.TempDir(), "creds")
	account, err := IssueTenant(data, Tenant{stream, "o", "n"}, creds)
	if err != nil {
		t.Fatal(err)
	}
	file := tenantPath(n.dir, account)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	conn := dialNATS(t, n.ClientURL(), nats.UserCredentials(creds), nats.NoReconnect())
	if err := EndTenant(data, account); err != nil {
		t.Fatal(err)
	}
	await(t, "the connection to be closed", conn.IsClosed)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var heard *nats.Subscription
	await(t, "to be let in", func() bool {
		conn, err := nats.Connect(n.ClientURL(), nats.UserCredentials(creds))
		if err != nil {
			return false
		}
		t.Cleanup(conn.Close)
		heard, err = conn.SubscribeSync("tokenledger.events.o.>")
		return err == nil && conn.Flush() == nil
	})
	js := relay(t, n)
	makeLog(t, js, 1)
	if msg, err := heard.NextMsgWithContext(t.Context()); err != nil || !slices.Equal(msg.Data, []byte("1")) {
		t.Errorf("heard %v, %v", msg, err)
	}
}
