// Programs of one organization: each is in an account of its own, which sees of the
// log one trail. Within one account the answer to a request of one could be sent to
// the subjects that another listens on, since NATS checks no permission for that.

package embedded

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
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

// ErrNoTenant is wrapped where credentials that are to end are not there.
var ErrNoTenant = errors.New("no program of an organization has this account")

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
// takes them on at once if it runs. The account is what ends them.
func IssueTenant(dir string, t Tenant, credsFile string) (account string, err error) {
	if err := t.check(); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "nats", "keys.json")); err != nil {
		return "", fmt.Errorf("%w: no NATS server has run on %s: %w", ErrTenant, dir, err)
	}
	if _, err := os.Stat(credsFile); !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: %s exists already", ErrTenant, credsFile)
	}
	account, _, err = newKey(nkeys.CreateAccount)
	if err != nil {
		return "", err
	}
	_, signer, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(tenantFile{account, signer, t.Stream, t.Trail, t.Name})
	if err != nil {
		return "", fmt.Errorf("write a tenant's keys: %w", err)
	}
	path := tenantPath(filepath.Join(dir, "nats"), account)
	err = os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = atomicfile.Write(path, append(text, '\n'))
	}
	if err != nil {
		return "", fmt.Errorf("write a tenant's keys: %w", err)
	}
	return account, issueCreds(credsFile, t.Consumer(), account, signer)
}

// Issued is a tenant with credentials on a data directory.
type Issued struct {
	Tenant
	Account string // public key, which tells credentials of the same name apart
	At      time.Time
}

// Tenants are those with credentials on a data directory, the oldest first.
func Tenants(dir string) ([]Issued, error) {
	files, err := os.ReadDir(filepath.Join(dir, "nats", "tenants"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the tenants of NATS: %w", err)
	}
	var all []Issued
	for _, file := range files {
		account, isTenant := strings.CutSuffix(file.Name(), ".json")
		if !isTenant {
			continue
		}
		info, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) { // ended meanwhile
			continue
		}
		var f tenantFile
		if err == nil {
			f, err = readTenant(filepath.Join(dir, "nats"), account)
		}
		if err != nil {
			return nil, fmt.Errorf("list the tenants of NATS: %w", err)
		}
		all = append(all, Issued{f.tenant(), account, info.ModTime()})
	}
	slices.SortFunc(all, func(a, b Issued) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Account, b.Account)) })
	return all, nil
}

// EndTenant ends the credentials of an account. A server that runs on the data directory closes its
// connections with its next look, within a second or two.
func EndTenant(dir, account string) error {
	if !nkeys.IsValidPublicAccountKey(account) {
		return fmt.Errorf("%w: %q is not the public key of an account", ErrNoTenant, account)
	}
	err := os.Remove(tenantPath(filepath.Join(dir, "nats"), account))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoTenant, account)
	}
	if err != nil {
		return fmt.Errorf("end a tenant's credentials: %w", err)
	}
	return nil
}

// readTenant reads what the server remembers of an account.
func readTenant(nats, account string) (tenantFile, error) {
	path := tenantPath(nats, account)
	text, err := os.ReadFile(path)
	if err != nil {
		return tenantFile{}, err
	}
	var f tenantFile
	if err := json.Unmarshal(text, &f); err != nil {
		return tenantFile{}, fmt.Errorf("%s: %w", path, err)
	}
	if f.Account != account {
		return tenantFile{}, fmt.Errorf("%s is of another account", path)
	}
	return f, nil
}

func (f tenantFile) tenant() Tenant { return Tenant{Stream: f.Stream, Trail: f.Trail, Name: f.Name} }

func tenantPath(nats, account string) string { return filepath.Join(nats, "tenants", account+".json") }

func (r *tenants) account(f tenantFile) (*jwt.AccountClaims, error) {
	t := f.tenant()
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
