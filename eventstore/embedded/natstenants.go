// Programs of one organization: each is in an account of its own, which sees of the
// log one trail. Within one account the answer to a request of one could be sent to
// the subjects that another listens on, since NATS checks no permission for that.

package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
)

// Tenant is a program that follows one trail: live by the trail's subjects, and from any
// event on by one consumer of the stream, which has a fixed name. A name of its own is
// what keeps others from reading, changing or removing that consumer.
type Tenant struct {
	Stream string // that carries the log
	Trail  string // for example an organization's id
	Name   string // of the program among those of the trail
}

// ErrTenant is wrapped where a tenant's credentials cannot be made.
var ErrTenant = errors.New("no credentials can be made for this")

var oneToken = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (t Tenant) check() error {
	for what, text := range map[string]string{"the stream": t.Stream, "the trail": t.Trail, "the program's name": t.Name} {
		if !oneToken.MatchString(text) {
			return fmt.Errorf("%w: %s %q is not of letters, digits, - and _", ErrTenant, what, text)
		}
	}
	return nil
}

// Consumer is the name of the tenant's consumer.
func (t Tenant) Consumer() string { return "tenant-" + t.Trail + "-" + t.Name }

// Subjects are what the tenant may listen to.
func (t Tenant) Subjects() string { return "tokenledger.events." + t.Trail + ".>" }

// Requests are the JetStream requests that the tenant may make. The filter of a
// consumer is a part of the subject that it is made by, and the server sees to it that
// the request says the same.
func (t Tenant) Requests() []string {
	consumer := t.Stream + "." + t.Consumer()
	return []string{
		"$JS.API.STREAM.NAMES",
		"$JS.API.CONSUMER.CREATE." + consumer + "." + t.Subjects(),
		"$JS.API.CONSUMER.INFO." + consumer,
		"$JS.API.CONSUMER.DELETE." + consumer,
		"$JS.API.CONSUMER.MSG.NEXT." + consumer,
		"$JS.ACK." + consumer + ".>",
	}
}

// imports are the requests that the tenant's account knows. An account that does not
// import the first has those of all accounts without a JetStream of their own, which
// answer in the ledger's place; its users may not make it.
func (t Tenant) imports() []string { return append([]string{"$JS.API.INFO"}, t.Requests()...) }

// Config is the tenant's account as a server's configuration has it, beside that of the
// ledger; the password is for whoever runs the server to set.
func (t Tenant) Config() (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	quoted := func(texts ...string) string { return `["` + strings.Join(texts, `", "`) + `"]` } // nothing in them needs more
	var b strings.Builder
	fmt.Fprintf(&b, "%s {\n  users: [\n    {\n      user: %q\n      password: $tenant_password\n", t.Consumer(), t.Consumer())
	fmt.Fprintf(&b, "      permissions {\n        publish: %s\n        subscribe: %s\n      }\n    }\n  ]\n  imports: [\n",
		quoted(t.Requests()...), quoted(t.Subjects(), "_INBOX.>"))
	fmt.Fprintf(&b, "    {stream: {account: ledger, subject: %q}}\n", t.Subjects())
	for _, subject := range t.imports() {
		fmt.Fprintf(&b, "    {service: {account: ledger, subject: %q}}\n", subject)
	}
	b.WriteString("  ]\n}\n")
	return b.String(), nil
}

// tenantFile is what the server remembers of a tenant's account. What it may do is made
// anew at each start.
type tenantFile struct {
	Account string `json:"account"` // public key
	Signer  string `json:"signer"`  // seed that signs its users
	Stream  string `json:"stream"`
	Trail   string `json:"trail"`
	Name    string `json:"name"`
}

// IssueTenant writes credentials of a tenant, for the server on a data directory, which
// takes them on at once if it runs.
func IssueTenant(dir string, t Tenant, credsFile string) error {
	if err := t.check(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "nats", "keys.json")); err != nil {
		return fmt.Errorf("%w: no NATS server has run on %s: %w", ErrTenant, dir, err)
	}
	if _, err := os.Stat(credsFile); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s exists already", ErrTenant, credsFile)
	}
	account, _, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return err
	}
	_, signer, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return err
	}
	text, err := json.Marshal(tenantFile{account, signer, t.Stream, t.Trail, t.Name})
	if err != nil {
		return fmt.Errorf("write a tenant's keys: %w", err)
	}
	path := tenantPath(filepath.Join(dir, "nats"), account)
	err = os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = atomicfile.Write(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write a tenant's keys: %w", err)
	}
	return issueCreds(credsFile, t.Consumer(), account, signer)
}

func tenantPath(nats, account string) string { return filepath.Join(nats, "tenants", account+".json") }

// tenants resolves the accounts of tenants when a program of theirs comes, so that a
// running server knows those that were made meanwhile.
type tenants struct {
	*server.MemAccResolver
	dir      string // of the server
	ledger   string // account that the log is imported from
	operator nkeys.KeyPair
}

// Fetch implements [server.AccountResolver].
func (r tenants) Fetch(account string) (string, error) {
	if token, err := r.MemAccResolver.Fetch(account); err == nil {
		return token, nil
	}
	if !nkeys.IsValidPublicAccountKey(account) {
		return "", server.ErrMissingAccount
	}
	text, err := os.ReadFile(tenantPath(r.dir, account))
	if err != nil {
		return "", server.ErrMissingAccount
	}
	var f tenantFile
	if err := json.Unmarshal(text, &f); err != nil || f.Account != account {
		return "", server.ErrMissingAccount
	}
	claims, err := r.account(f)
	if err != nil {
		return "", err
	}
	return claims.Encode(r.operator)
}

func (r tenants) account(f tenantFile) (*jwt.AccountClaims, error) {
	t := Tenant{Stream: f.Stream, Trail: f.Trail, Name: f.Name}
	if err := t.check(); err != nil {
		return nil, err
	}
	account := jwt.NewAccountClaims(f.Account)
	account.Name = t.Consumer()
	account.Imports.Add(&jwt.Import{Name: "trail", Subject: jwt.Subject(t.Subjects()), Account: r.ledger, Type: jwt.Stream})
	for _, subject := range t.imports() {
		account.Imports.Add(&jwt.Import{Name: subject, Subject: jwt.Subject(subject), Account: r.ledger, Type: jwt.Service})
	}
	err := addRole(account, "tenant", f.Signer, jwt.Permissions{
		Pub: jwt.Permission{Allow: t.Requests()},
		Sub: jwt.Permission{Allow: jwt.StringList{t.Subjects(), "_INBOX.>"}},
	})
	return account, err
}
