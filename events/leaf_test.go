package events

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestSmoke(t *testing.T) {
	id := uuid.MustParse("01985d2e-0000-7000-8000-000000000001")
	d, err := NewDraft(TokenStream(id), OrganizationTrail(id), Meta{Actor: OrganizationToken(id)}, TokenUsed{Source: -1, Action: "createEvidence", Resource: "evidence/1"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.AppendLeaf(nil, Place{7, 3, 0, time.Now()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(string(b), len(b), d.Size())
	r, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r.Event)
}

func BenchmarkDecode(b *testing.B) {
	id := uuid.MustParse("01985d2e-0000-7000-8000-000000000001")
	d, _ := NewDraft(TokenStream(id), OrganizationTrail(id), Meta{Actor: OrganizationToken(id)}, TokenUsed{Source: 1, Action: "createEvidence", Resource: "evidence/1"})
	leaf, _ := d.AppendLeaf(nil, Place{7, 3, 0, time.Now()}, nil)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Decode(leaf)
		}
	})
	b.Run("draft", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			NewDraft(TokenStream(id), OrganizationTrail(id), Meta{Actor: OrganizationToken(id)}, TokenUsed{Source: 1, Action: "createEvidence", Resource: "evidence/1"})
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			leaf, _ = d.AppendLeaf(leaf[:0], Place{7, 3, 0, time.Now()}, nil)
		}
	})
}
