// The keys of the embedded NATS server, and the credentials files made with them.

package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
)

// natsKeys is what the server remembers of its identities. An account is only a
// name, which streams on disk and credentials refer to; what signs is a key a role.
// What a role may do stands in its account's token, which every start makes anew:
// credentials handed out stay valid when the rules change.
type natsKeys struct {
	Ledger  string `json:"ledger"`  // public key of the account that holds the stream
	Readers string `json:"readers"` // public key of the account that follows it
	Relay   string `json:"relay"`   // seed that signs users of the ledger
	Reader  string `json:"reader"`  // seed that signs users of the readers
}

// loadKeys reads the keys, or makes them at the first start.
func loadKeys(path string) (natsKeys, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKeys(path)
	}
	if err != nil {
		return natsKeys{}, fmt.Errorf("read the keys of NATS: %w", err)
	}
	var keys natsKeys
	err = json.Unmarshal(text, &keys)
	if err == nil {
		err = keys.check()
	}
	if err != nil {
		return natsKeys{}, fmt.Errorf("the keys of NATS in %s are damaged; restore them, or move them away, "+
			"and new ones are made (the stream is then filled again from the log): %w", path, err)
	}
	return keys, nil
}

func (k natsKeys) check() error {
	_, relay, err := signer(k.Relay)
	if err != nil {
		return err
	}
	_, reader, err := signer(k.Reader)
	if err != nil {
		return err
	}
	for _, public := range []string{k.Ledger, k.Readers, relay, reader} {
		if !nkeys.IsValidPublicAccountKey(public) {
			return errors.New("one is not the key of an account")
		}
	}
	return nil
}

func makeKeys(path string) (natsKeys, error) {
	var keys natsKeys
	var err error
	for _, account := range []*string{&keys.Ledger, &keys.Readers} {
		if *account, _, err = newKey(nkeys.CreateAccount); err != nil {
			return natsKeys{}, err
		}
	}
	for _, signer := range []*string{&keys.Relay, &keys.Reader} {
		if _, *signer, err = newKey(nkeys.CreateAccount); err != nil {
			return natsKeys{}, err
		}
	}
	text, err := json.Marshal(keys)
	if err != nil {
		return natsKeys{}, fmt.Errorf("write the keys of NATS: %w", err)
	}
	if err := atomicfile.Write(path, append(text, '\n')); err != nil {
		return natsKeys{}, fmt.Errorf("write the keys of NATS: %w", err)
	}
	return keys, nil
}

func newKey(create func() (nkeys.KeyPair, error)) (public, seed string, err error) {
	pair, err := create()
	if err != nil {
		return "", "", fmt.Errorf("make a key of NATS: %w", err)
	}
	defer pair.Wipe()
	public, err = pair.PublicKey()
	if err != nil {
		return "", "", fmt.Errorf("make a key of NATS: %w", err)
	}
	secret, err := pair.Seed()
	if err != nil {
		return "", "", fmt.Errorf("make a key of NATS: %w", err)
	}
	return public, string(secret), nil
}

// signer is the key of a role.
func signer(seed string) (pair nkeys.KeyPair, public string, err error) {
	if pair, err = nkeys.FromSeed([]byte(seed)); err == nil {
		public, err = pair.PublicKey()
	}
	if err != nil {
		return nil, "", fmt.Errorf("read the key of a role: %w", err)
	}
	return pair, public, nil
}

// issueCreds writes a credentials file unless one that the role's key has signed
// is there: so it survives restarts, and replaces what an interruption has left.
func issueCreds(path, name, account, seed string) error {
	pair, public, err := signer(seed)
	if err != nil {
		return err
	}
	if signedBy(path, public) {
		return nil
	}
	user, userSeed, err := newKey(nkeys.CreateUser)
	if err != nil {
		return err
	}
	claims := jwt.NewUserClaims(user)
	claims.Name = name
	claims.IssuerAccount = account
	claims.SetScoped(true) // the permissions are the role's
	token, err := claims.Encode(pair)
	if err != nil {
		return fmt.Errorf("make the credentials %s: %w", path, err)
	}
	creds, err := jwt.FormatUserConfig(token, []byte(userSeed))
	if err != nil {
		return fmt.Errorf("make the credentials %s: %w", path, err)
	}
	if err := atomicfile.Write(path, creds); err != nil {
		return fmt.Errorf("write the credentials %s: %w", path, err)
	}
	return nil
}

func signedBy(path, signer string) bool {
	creds, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	token, err := jwt.ParseDecoratedJWT(creds)
	if err != nil {
		return false
	}
	claims, err := jwt.DecodeUserClaims(token)
	return err == nil && claims.Issuer == signer
}
