// The personal values of one subject in one block, in one box.

package keyring

import (
	"encoding/json"
	"fmt"
	"strconv"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/tokenledger/tokenledger/events"
)

// Box says where a box of personal values belongs; it opens nowhere else.
type Box struct {
	Origin  string // of the log
	Subject events.SubjectID
	First   events.Position // of the block
}

func (b Box) bound() []byte {
	return bind("values", b.Origin, string(b.Subject), strconv.FormatInt(int64(b.First), 10))
}

// Seal encrypts the values of one subject, by the position of their event and
// the name of their field. Inside stands JSON with sorted keys,
// {"position":{"field":"value"}}.
func (b Box) Seal(key events.SubjectKey, values map[events.Position]events.Sealed) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("encode the values of %s: %w", b.Subject, err)
	}
	return seal(aead, plain, b.bound()), nil
}

// Open is the reverse of Seal. The error wraps [ErrOpen].
func (b Box) Open(key events.SubjectKey, box []byte) (map[events.Position]events.Sealed, error) {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, err
	}
	plain, err := open(aead, box, b.bound())
	if err != nil {
		return nil, fmt.Errorf("the values of %s in the block from %d: %w", b.Subject, b.First, err)
	}
	var values map[events.Position]events.Sealed
	if err := json.Unmarshal(plain, &values); err != nil {
		return nil, fmt.Errorf("the values of %s in the block from %d: %w", b.Subject, b.First, err)
	}
	return values, nil
}
