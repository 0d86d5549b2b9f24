// Package failures limits how fast tokens can be guessed: by the address that
// guesses, and by the token that is guessed at. It counts failures only, and is
// asked after the decision, so that nobody can lock a token whose value is good.
package failures

import (
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// What is let through before failures are answered as too many.
const (
	sourceRate, sourceBurst = rate.Limit(5), 100
	tokenRate, tokenBurst   = rate.Limit(0.5), 30
	// kept bounds each of the two generations of what is remembered.
	kept = 1 << 14
)

// Limits counts failures. It is safe for concurrent use; the nil Limits limits
// nothing.
type Limits struct {
	now     func() time.Time
	sources buckets[netip.Prefix]
	tokens  buckets[uuid.UUID]
}

// New makes limits that go by the clock; nil is the machine's.
func New(now func() time.Time) *Limits {
	if now == nil {
		now = time.Now
	}
	return &Limits{
		now:     now,
		sources: buckets[netip.Prefix]{limit: sourceRate, burst: sourceBurst, kept: kept},
		tokens:  buckets[uuid.UUID]{limit: tokenRate, burst: tokenBurst, kept: kept},
	}
}

// Failed counts a failure with a value, from an address as far as it is known.
// Where there were too many, it says how long to wait before the next one.
func (l *Limits) Failed(address netip.Addr, value string) (wait time.Duration) {
	if l == nil {
		return 0
	}
	now := l.now()
	if address.IsValid() {
		wait = l.sources.take(Network(address), now)
	}
	if v, err := secret.Parse(value); err == nil {
		wait = max(wait, l.tokens.take(uuid.UUID(v.ID()), now))
	}
	return wait
}

// Network is what counts as one source: an IPv4 address, or the network of 64
// bits that an IPv6 subscriber has all to himself.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits)
	return p
}

// Buckets limits events by a key of any sort. Memory is bounded: of what is not
// used again, the older half is forgotten, which lets it begin anew.
type Buckets[K comparable] struct {
	now func() time.Time
	b   buckets[K]
}

// NewBuckets lets burst events through at once for each key, and then every so
// often one. The nil clock is the machine's.
func NewBuckets[K comparable](every time.Duration, burst int, now func() time.Time) *Buckets[K] {
	if now == nil {
		now = time.Now
	}
	return &Buckets[K]{now: now, b: buckets[K]{limit: rate.Every(every), burst: burst, kept: kept}}
}

// Take counts an event, and says how long to wait where it is one too many.
func (b *Buckets[K]) Take(key K) time.Duration { return b.b.take(key, b.now()) }

type buckets[K comparable] struct {
	limit rate.Limit
	burst int
	kept  int

	mu       sync.Mutex // guards both generations
	new, old map[K]*rate.Limiter
}

func (b *buckets[K]) take(key K, now time.Time) time.Duration {
	bucket := b.bucket(key)
	if bucket.AllowN(now, 1) {
		return 0
	}
	return max(time.Second, time.Duration((1-bucket.TokensAt(now))/float64(b.limit)*float64(time.Second)))
}

func (b *buckets[K]) bucket(key K) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket := b.new[key]
	if bucket != nil {
		return bucket
	}
	if bucket = b.old[key]; bucket == nil {
		bucket = rate.NewLimiter(b.limit, b.burst)
	}
	if b.new == nil || len(b.new) >= b.kept {
		b.old, b.new = b.new, make(map[K]*rate.Limiter)
	}
	b.new[key] = bucket
	return bucket
}
