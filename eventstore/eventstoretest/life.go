// What the tests write about: tokens of an organization and what becomes of them.

package eventstoretest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Token is an organization token that tests let live.
type Token struct {
	Organization, ID uuid.UUID
}

// NewToken names a token of an organization; nothing is recorded yet.
func NewToken(organization uuid.UUID) Token {
	return Token{Organization: organization, ID: uuid.Must(uuid.NewV7())}
}

// Stream is the token's stream.
func (k Token) Stream() events.StreamID { return events.TokenStream(k.ID) }

// Trail is the trail of the token's organization.
func (k Token) Trail() events.TrailID { return events.OrganizationTrail(k.Organization) }

// Batch is some events of the token, by the system.
func (k Token) Batch(e ...events.Event) events.Batch {
	return events.Batch{Stream: k.Stream(), Trail: k.Trail(), Meta: events.Meta{Actor: events.System("test")}, Events: e}
}

// Created begins the token.
func (k Token) Created() events.TokenCreated {
	return events.TokenCreated{
		Kind: events.OrganizationKind, Organization: k.Organization, Name: "build", Fingerprint: k.ID.String(),
	}
}

// Create asks for the beginning of the token, which must not exist.
func (k Token) Create() events.Request {
	return events.Request{
		Guards:  []events.Guard{events.NoStream(k.Stream())},
		Batches: []events.Batch{k.Batch(k.Created())},
	}
}

// Rename asks for another name of the token, which must be at a version.
func (k Token) Rename(at events.Version, name string) events.Request {
	return events.Request{
		Guards:  []events.Guard{events.AtVersion(k.Stream(), at)},
		Batches: []events.Batch{k.Batch(events.TokenRenamed{Name: name})},
	}
}

// Use asks for a use of the token, which must be open to uses.
func (k Token) Use() events.Request {
	return events.Request{
		Guards:  []events.Guard{events.Open(k.Stream())},
		Batches: []events.Batch{k.Batch(events.TokenUsed{Action: "createEvidence", Resource: "evidence/1"})},
	}
}

// Decide asks for any decisions, whatever the token's state.
func (k Token) Decide(e ...events.Event) events.Request {
	return events.Request{Batches: []events.Batch{k.Batch(e...)}}
}

func mustAppend(tb testing.TB, s Store, r events.Request) events.Receipt {
	tb.Helper()
	receipt, err := s.Append(tb.Context(), r)
	if err != nil {
		tb.Fatal(err)
	}
	return receipt
}

func mustRefuse(tb testing.TB, s Store, r events.Request, want error) {
	tb.Helper()
	if receipt, err := s.Append(tb.Context(), r); !errors.Is(err, want) {
		tb.Fatalf("Append answered %v, %v; want %v", receipt, err, want)
	}
}

func readAll(tb testing.TB, s Store, after events.Position) []events.Recorded {
	tb.Helper()
	var all []events.Recorded
	for r, err := range s.ReadAll(tb.Context(), after) {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// busy lets several callers at once do work, each a number of times, and gives
// the receipts of what was recorded. refused are the errors that may come.
func busy(tb testing.TB, s Store, callers, times int, work func(caller, i int) events.Request, refused ...error) []events.Receipt {
	tb.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex // guards receipts
	var receipts []events.Receipt
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for caller := range callers {
		group.Go(func() {
			for i := range times {
				receipt, err := s.Append(ctx, work(caller, i))
				if err != nil && !isOne(err, refused) {
					tb.Errorf("caller %d, request %d: %v", caller, i, err)
					return
				}
				if err == nil {
					mu.Lock()
					receipts = append(receipts, receipt)
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return receipts
}

func isOne(err error, of []error) bool {
	for _, e := range of {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
