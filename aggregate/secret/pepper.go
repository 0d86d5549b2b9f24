// What is stored of a value: a MAC under a key, the pepper, that is never stored beside it.

package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// PepperVersion numbers the peppers of an installation, from 1. It is stored beside every MAC.
type PepperVersion uint32

// PepperLength is the least number of bytes of a pepper.
const PepperLength = 32

// macDomain keeps a token's MAC from being any other MAC under the same key.
const macDomain = "tokenledger-token-v1\x00"

// ErrPepper says that a MAC was made with a pepper that this process does not have.
var ErrPepper = errors.New("the key file lacks the pepper that this token's MAC was made with")

// Peppers makes and checks the MACs of values. One version is active and makes new MACs; the
// others still verify. It is safe for concurrent use, and printing it shows no key.
type Peppers struct {
	current atomic.Pointer[pepperSet]
}

// pepperSet is immutable.
type pepperSet struct {
	active   PepperVersion
	versions map[PepperVersion]*pepper
}

// NewPeppers takes every pepper of the key file, and which version makes new MACs. The keys are copied.
func NewPeppers(active PepperVersion, keys map[PepperVersion][]byte) (*Peppers, error) {
	var problems []error
	if _, ok := keys[active]; !ok {
		problems = append(problems, fmt.Errorf("the active pepper, version %d, is missing", active))
	}
	versions := make(map[PepperVersion]*pepper, len(keys))
	for _, version := range slices.Sorted(maps.Keys(keys)) {
		if version == 0 {
			problems = append(problems, errors.New("a pepper has version 0; versions begin with 1"))
		}
		if n := len(keys[version]); n < PepperLength {
			problems = append(problems, fmt.Errorf("pepper %d has %d bytes; it needs at least %d", version, n, PepperLength))
		}
		versions[version] = newPepper(keys[version])
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	p := new(Peppers)
	p.current.Store(&pepperSet{active, versions})
	return p, nil
}

// Become makes these peppers those of another: its versions, and the one that is active there.
// It must have every version that these have.
func (p *Peppers) Become(other *Peppers) { p.current.Store(other.current.Load()) }

// Active is the version that makes new MACs. A MAC of another version is made anew at the next successful use.
func (p *Peppers) Active() PepperVersion { return p.current.Load().active }

// Has says whether MACs of this version can be made and checked.
func (p *Peppers) Has(version PepperVersion) bool { return p.version(version) != nil }

func (p *Peppers) version(version PepperVersion) *pepper { return p.current.Load().versions[version] }

// Sum makes the MAC of a value, or [ErrPepper].
func (p *Peppers) Sum(version PepperVersion, value []byte) ([32]byte, error) {
	key := p.version(version)
	if key == nil {
		return [32]byte{}, fmt.Errorf("version %d: %w", version, ErrPepper)
	}
	work := key.states.Get().(*macState)
	defer key.states.Put(work)
	return *work.sum(value), nil
}

// Verify says whether mac is the MAC of the value, in a time that does not depend on either. It
// does not allocate. Without that pepper it costs the same, and the error is [ErrPepper].
func (p *Peppers) Verify(version PepperVersion, value []byte, mac [32]byte) (bool, error) {
	key := p.version(version)
	if key == nil {
		p.DummyVerify(value)
		return false, ErrPepper
	}
	return key.verify(value, &mac), nil
}

// DummyVerify costs what Verify costs. It runs when no token has the value's id, so that the time
// of a refusal does not tell which ids exist.
func (p *Peppers) DummyVerify(value []byte) {
	var none [32]byte
	now := p.current.Load()
	now.versions[now.active].verify(value, &none)
}

// pepper is one key. Keying a MAC costs two hash blocks and several allocations, so keyed states are pooled.
type pepper struct {
	states sync.Pool // of *macState
}

func newPepper(key []byte) *pepper {
	key = slices.Clone(key)
	return &pepper{states: sync.Pool{New: func() any {
		return &macState{mac: hmac.New(sha256.New, key), input: []byte(macDomain)}
	}}}
}

func (p *pepper) verify(value []byte, mac *[32]byte) bool {
	work := p.states.Get().(*macState)
	defer p.states.Put(work)
	return subtle.ConstantTimeCompare(work.sum(value)[:], mac[:]) == 1
}

// macState is a keyed hash with room for its input and output. The room is part of it because
// whatever is passed through the hash.Hash interface would otherwise move to the heap each time.
type macState struct {
	mac   hash.Hash
	input []byte // the domain, then the value
	out   [32]byte
}

func (s *macState) sum(value []byte) *[32]byte {
	s.input = append(s.input[:len(macDomain)], value...)
	s.mac.Reset()
	s.mac.Write(s.input)
	clear(s.input[len(macDomain):]) // a pooled state outlives the request; the value must not
	s.mac.Sum(s.out[:0])
	return &s.out
}
