// What each role may do on the embedded NATS server.
//
// The relay and the readers are users of two accounts, not two users of one. The
// difference is the reply subject of a request, which NATS checks against no
// permission: within one account a reader could ask JetStream for a message and
// have the answer sent to the log's own subjects, or an empty one to the request
// that deletes the stream. In an account of their own, readers meet the log only
// through what the ledger exports: its subjects, and the requests that read.

package embedded

import (
	"errors"
	"fmt"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// logSubjects is the subject space of the log.
const logSubjects = "tokenledger.>"

// readRequests are the JetStream requests that readers may make, all of them on
// streams of the ledger. Those marked are answered by more than one message.
var readRequests = []struct {
	subject jwt.Subject
	many    bool
}{
	{subject: "$JS.API.INFO"},
	{subject: "$JS.API.STREAM.NAMES"},
	{subject: "$JS.API.STREAM.LIST"},
	{subject: "$JS.API.STREAM.INFO.*"},
	{subject: "$JS.API.STREAM.MSG.GET.*"},
	{subject: "$JS.API.DIRECT.GET.*", many: true},
	{subject: "$JS.API.DIRECT.GET.*.>", many: true},
	{subject: "$JS.API.CONSUMER.CREATE.*"},
	{subject: "$JS.API.CONSUMER.CREATE.*.>"},
	{subject: "$JS.API.CONSUMER.DURABLE.CREATE.*.*"},
	{subject: "$JS.API.CONSUMER.NAMES.*"},
	{subject: "$JS.API.CONSUMER.LIST.*"},
	{subject: "$JS.API.CONSUMER.INFO.*.*"},
	{subject: "$JS.API.CONSUMER.DELETE.*.*"},
	{subject: "$JS.API.CONSUMER.MSG.NEXT.*.*", many: true},
	{subject: "$JS.ACK.>"},
}

// trust makes what the server needs to know its accounts. The operator and the
// system account live as long as the server: nobody else ever needs their keys. dir is the
// server's, where tenants come and go.
func trust(dir string, keys natsKeys) (*server.Options, error) {
	operatorKey, err := nkeys.CreateOperator()
	if err != nil {
		return nil, fmt.Errorf("make a key of NATS: %w", err)
	}
	operator, err := operatorKey.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("make a key of NATS: %w", err)
	}
	system, _, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return nil, err
	}
	ledger, ledgerErr := ledgerAccount(keys)
	readers, readersErr := readersAccount(keys)
	if err := errors.Join(ledgerErr, readersErr); err != nil {
		return nil, err
	}
	known := &server.MemAccResolver{}
	for _, account := range []*jwt.AccountClaims{jwt.NewAccountClaims(system), ledger, readers} {
		token, err := account.Encode(operatorKey)
		if err == nil {
			err = known.Store(account.Subject, token)
		}
		if err != nil {
			return nil, fmt.Errorf("make the accounts of NATS: %w", err)
		}
	}
	return &server.Options{
		TrustedOperators: []*jwt.OperatorClaims{jwt.NewOperatorClaims(operator)},
		SystemAccount:    system,
		AccountResolver:  &tenants{MemAccResolver: known, dir: dir, ledger: keys.Ledger, operator: operatorKey, met: map[string]bool{}},
	}, nil
}

// ledgerAccount holds the stream. Its users publish the log and manage the stream.
func ledgerAccount(keys natsKeys) (*jwt.AccountClaims, error) {
	account := jwt.NewAccountClaims(keys.Ledger)
	account.Name = "ledger"
	account.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	account.Exports.Add(&jwt.Export{Name: "log", Subject: logSubjects, Type: jwt.Stream})
	for _, r := range readRequests {
		export := &jwt.Export{Name: string(r.subject), Subject: r.subject, Type: jwt.Service, ResponseType: jwt.ResponseTypeSingleton}
		if r.many {
			export.ResponseType = jwt.ResponseTypeStream
		}
		account.Exports.Add(export)
	}
	err := addRole(account, "relay", keys.Relay, jwt.Permissions{
		Pub: jwt.Permission{Allow: jwt.StringList{logSubjects, "$JS.API.>", "$JS.ACK.>", "$JS.FC.>"}},
		Sub: jwt.Permission{Allow: jwt.StringList{logSubjects, "_INBOX.>"}},
	})
	return account, err
}

// readersAccount holds nothing; it sees of the ledger what that exports.
func readersAccount(keys natsKeys) (*jwt.AccountClaims, error) {
	account := jwt.NewAccountClaims(keys.Readers)
	account.Name = "readers"
	account.Imports.Add(&jwt.Import{Name: "log", Subject: logSubjects, Account: keys.Ledger, Type: jwt.Stream})
	var requests jwt.StringList
	for _, r := range readRequests {
		account.Imports.Add(&jwt.Import{Name: string(r.subject), Subject: r.subject, Account: keys.Ledger, Type: jwt.Service})
		requests.Add(string(r.subject))
	}
	err := addRole(account, "reader", keys.Reader, jwt.Permissions{
		Pub: jwt.Permission{Allow: requests},
		Sub: jwt.Permission{Allow: jwt.StringList{logSubjects, "_INBOX.>"}},
	})
	return account, err
}

// addRole binds permissions to the key that signs a role's users.
func addRole(account *jwt.AccountClaims, role, seed string, permissions jwt.Permissions) error {
	_, public, err := signer(seed)
	if err != nil {
		return err
	}
	scope := jwt.NewUserScope()
	scope.Key, scope.Role = public, role
	scope.Template.Permissions = permissions
	account.SigningKeys.AddScopedSigner(scope)
	return nil
}
