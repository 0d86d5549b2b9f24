// The accounts of tenants come and go while the server runs: their files are read when
// a program comes, and looked at as long as the server knows them.

package embedded

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// tenantsLook is how often the server looks whether a tenant's file is still there.
const tenantsLook = time.Second

// tenants resolves the accounts of tenants when a program of theirs comes, so that a
// running server knows those that were made meanwhile.
type tenants struct {
	*server.MemAccResolver
	dir      string // of the server
	ledger   string // account that the log is imported from
	operator nkeys.KeyPair

	mu  sync.Mutex      // guards met
	met map[string]bool // accounts that the server was told of; true: their file was missing at the last look
}

// Fetch implements [server.AccountResolver].
func (r *tenants) Fetch(account string) (string, error) {
	if token, err := r.MemAccResolver.Fetch(account); err == nil {
		return token, nil
	}
	if !nkeys.IsValidPublicAccountKey(account) {
		return "", server.ErrMissingAccount
	}
	f, err := readTenant(r.dir, account)
	if err != nil {
		return "", server.ErrMissingAccount
	}
	claims, err := r.account(f)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	r.met[account] = false
	r.mu.Unlock()
	return claims.Encode(r.operator)
}

// followTenants ends what tenants may do whose files are gone, until the server ends.
func (n *NATS) followTenants(r *tenants) {
	tick := time.NewTicker(tenantsLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-n.done:
			return
		}
		for _, account := range r.gone() {
			n.endTenant(r, account)
		}
	}
}

// gone are the accounts that the server was told of and whose files are no more. What
// else may keep a file from being found ends nothing.
func (r *tenants) gone() (accounts []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for account := range r.met {
		if _, err := os.Stat(tenantPath(r.dir, account)); errors.Is(err, fs.ErrNotExist) {
			accounts = append(accounts, account)
		}
	}
	return accounts
}

// endTenant takes everything from an account and closes its connections. An account
// that has expired is asked for anew when a program comes: without a file it is
// nobody's, and with one that was put back it is what it was.
func (n *NATS) endTenant(r *tenants, account string) {
	known, err := n.server.LookupAccount(account)
	r.mu.Lock()
	missing := r.met[account]
	if r.met[account] = true; err == nil || missing {
		delete(r.met, account)
	}
	r.mu.Unlock()
	if err != nil { // the server was told of it just now, or could make nothing of it: the next look knows
		return
	}
	ended := jwt.NewAccountClaims(account)
	ended.Expires = 1
	ended.Revoke(jwt.All)
	n.server.UpdateAccountClaims(known, ended)
	n.log.Info("the credentials of a program on NATS were ended, since their file is gone", "account", account)
}
