// How a program makes an event's leaf, and how it reads one.

package events_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// The log drafts events before it takes its lock and writes their leaves when
// it knows their places.
func ExampleNewDraft() {
	token := uuid.MustParse("01985d2e-0000-7000-8000-000000000001")
	organization := uuid.MustParse("01985d2e-0000-7000-8000-000000000002")
	draft, err := events.NewDraft(
		events.TokenStream(token), events.OrganizationTrail(organization),
		events.Meta{Actor: events.OrganizationToken(token)},
		events.TokenUsed{Source: -1, Action: "createEvidence"}, // the source stands right before
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	leaf, err := draft.AppendLeaf(nil, events.Place{
		Position: 42, TrailPosition: 7, RecordedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", leaf)
	// Output:
	// {"format":1,"position":42,"trail":"01985d2e-0000-7000-8000-000000000002","trail_position":7,"stream":"token-01985d2e-0000-7000-8000-000000000001","version":0,"recorded_at":"2026-01-02T03:04:05.000000Z","type":"token.used","actor":{"kind":"organization_token","id":"01985d2e-0000-7000-8000-000000000001"},"data":{"source":41,"action":"createEvidence"}}
}

// Decode understands the events of this program's catalogue and keeps others.
func ExampleDecode() {
	leaf := []byte(`{"format":1,"position":43,"trail":"operator","trail_position":9,` +
		`"stream":"installation-00000000-0000-0000-0000-000000000000","version":0,` +
		`"recorded_at":"2026-01-02T03:04:05.000000Z","type":"installation.unknown_refused",` +
		`"actor":{"kind":"system","id":"bearer"},"data":{"count":12}}`)
	recorded, err := events.Decode(leaf)
	if err != nil {
		fmt.Println(err)
		return
	}
	switch e := recorded.Event.(type) {
	case events.InstallationUnknownRefused:
		fmt.Println(recorded.Position, recorded.Meta.Actor.Name(), e.Count)
	case events.Unknown:
		fmt.Println("an event of a newer program:", e.Name)
	}
	// Output: 43 bearer 12
}

func ExampleSubjectFilter() {
	organization := uuid.MustParse("01985d2e-0000-7000-8000-000000000002")
	fmt.Println(events.SubjectFilter(events.OrganizationTrail(organization), "token.revoked"))
	fmt.Println(events.SubjectFilter("", "grant"))
	// Output:
	// tokenledger.events.01985d2e-0000-7000-8000-000000000002.token.revoked
	// tokenledger.events.*.grant.*
}
