// The network between a service and its servers, which fails on demand.

//go:build faults

package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// link is the way of one service to one server.
type link struct{ proxy *toxiproxy.Proxy }

func newLink(name, upstream string) (*link, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := &link{toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	return l, l.proxy.Start()
}

func (l *link) address() string { return l.proxy.Listen }

// toxin is something bad in one direction or in both.
type toxin struct {
	kind       string
	attributes map[string]int
	directions []string
}

const (
	requests = "upstream"
	answers  = "downstream"
)

// The ways in which a network fails. Half-open: requests arrive, answers do not,
// and nobody is told. Partition: nothing arrives anywhere, and nobody is told.
var (
	latency   = toxin{"latency", map[string]int{"latency": 120, "jitter": 80}, []string{requests, answers}}
	reset     = toxin{"reset_peer", map[string]int{"timeout": 0}, []string{answers}}
	halfOpen  = toxin{"timeout", map[string]int{"timeout": 0}, []string{answers}}
	partition = toxin{"timeout", map[string]int{"timeout": 0}, []string{requests, answers}}
)

// poison makes the way bad, and gives what makes it good again. One way may be bad in
// several ways at once.
func (l *link) poison(t toxin) (heal func(), err error) {
	var names []string
	heal = func() {
		for _, name := range names {
			_ = l.proxy.Toxics.RemoveToxic(context.Background(), name) // only an unknown name is an error
		}
	}
	for _, direction := range t.directions {
		name := fmt.Sprint(t.kind, "-", direction, "-", toxins.Add(1))
		text, err := json.Marshal(map[string]any{
			"name": name, "type": t.kind, "stream": direction, "toxicity": 1, "attributes": t.attributes,
		})
		if err != nil {
			return heal, err
		}
		if _, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(text)); err != nil {
			return heal, fmt.Errorf("%s on %s: %w", t.kind, l.proxy.Name, err)
		}
		names = append(names, name)
	}
	return heal, nil
}

// toxins numbers them, since each needs a name of its own.
var toxins atomic.Int64

func (l *link) close() {
	l.proxy.Toxics.ResetToxics(context.Background())
	l.proxy.Stop()
}
