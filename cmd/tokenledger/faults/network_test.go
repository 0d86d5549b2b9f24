// The network between a service and its servers, which fails on demand.

//go:build faults

package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

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

func (l *link) poison(t toxin) error {
	for _, direction := range t.directions {
		text, err := json.Marshal(map[string]any{
			"name": t.kind + "-" + direction, "type": t.kind, "stream": direction, "toxicity": 1, "attributes": t.attributes,
		})
		if err != nil {
			return err
		}
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
			return fmt.Errorf("%s on %s: %w", t.kind, l.proxy.Name, err)
		}
	}
	return nil
}

func (l *link) heal() { l.proxy.Toxics.ResetToxics(context.Background()) }

func (l *link) close() {
	l.heal()
	l.proxy.Stop()
}
