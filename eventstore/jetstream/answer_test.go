// What the relay makes of a server's answers.

package jetstream

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// emptyLog has a name and nothing else.
type emptyLog string

func (l emptyLog) Origin() string { return string(l) }

func (emptyLog) First(context.Context) (events.Position, error) { return 1, nil }

func (emptyLog) Blocks(context.Context, events.Position, bool) iter.Seq2[*eventstore.Block, error] {
	return func(func(*eventstore.Block, error) bool) {}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header nats.Header
		data   string
		want   error
	}{
		"taken":                        {data: `{"stream":"TOKENLEDGER_o","seq":7}`},
		"taken, with a domain":         {data: `{"stream":"TOKENLEDGER_o","domain":"d","seq":7}`},
		"another relay was first":      {data: `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 7"},"stream":"TOKENLEDGER_o","seq":0}`, want: errOvertaken},
		"the same in a cluster":        {data: `{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"},"stream":"TOKENLEDGER_o","seq":0}`, want: errOvertaken},
		"no room":                      {data: `{"error":{"code":503,"err_code":10047,"description":"insufficient storage"},"stream":"TOKENLEDGER_o","seq":0}`, want: errRefused},
		"nobody listens":               {header: nats.Header{"Status": {"503"}}, want: errRefused},
		"what is no JSON":              {data: `+OK`, want: errRefused},
		"for what was not asked":       {data: `{"stream":"TOKENLEDGER_o","seq":6}`, want: errRefused},
		"for what was not sent":        {data: `{"stream":"TOKENLEDGER_o","seq":8}`, want: errRefused},
		"by another stream":            {data: `{"stream":"THEIRS","seq":7}`, want: ErrDiverged},
		"by another log's":             {data: `{"stream":"TOKENLEDGER_p","seq":7}`, want: ErrDiverged},
		"by another, about a sequence": {data: `{"error":{"code":400,"err_code":10071},"stream":"THEIRS","seq":0}`, want: errOvertaken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := NewRelay(RelayConfig{Log: emptyLog("o")})
			p := publisher{relay: r, flight: flight{sent: 4, landed: 4}}
			p.flight.send(100, false)
			p.flight.send(100, false)
			p.flight.send(100, true)
			p.flight.land(5)
			err := p.answered(t.Context(), &nats.Msg{Header: tt.header, Data: []byte(tt.data)})
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if landed := p.flight.empty(); landed != (tt.want == nil) {
				t.Errorf("landed %v after %v", landed, err)
			}
			if reached := r.Status().Position == 7; reached != (tt.want == nil) {
				t.Errorf("status %+v after %v", r.Status(), err)
			}
		})
	}
}

// What is wrong for long is told once, and so is its end.
func TestInterruptionsAreNoted(t *testing.T) {
	t.Parallel()
	var said logged
	r := NewRelay(RelayConfig{Log: emptyLog("o"), Logger: said.logger()})
	for range 3 {
		r.failed(t.Context(), errRefused)
		r.failed(t.Context(), errDisconnected)
		if s := r.Status(); !errors.Is(s.Interrupted, errDisconnected) || s.Halted != nil {
			t.Fatalf("status %+v", s)
		}
	}
	r.failed(t.Context(), errOvertaken)
	r.reached(t.Context(), 5)
	r.reached(t.Context(), 6)
	if s := r.Status(); s.Interrupted != nil || s.Position != 6 {
		t.Fatalf("status %+v", s)
	}
	r.failed(t.Context(), errOvertaken)
	if s := r.Status(); s.Interrupted != nil {
		t.Fatalf("being overtaken is noted: %+v", s)
	}
	for range 3 {
		r.failed(t.Context(), ErrDiverged)
		if s := r.Status(); !errors.Is(s.Halted, ErrDiverged) {
			t.Fatalf("status %+v", s)
		}
	}
	r.reached(t.Context(), 6)
	if s := r.Status(); s.Halted != nil {
		t.Fatalf("status %+v", s)
	}
	if want := []string{"the relay is interrupted", "the relay goes on", "the relay has halted; events wait in the log", "the relay goes on"}; !slices.Equal(said.messages, want) {
		t.Errorf("said %q, want %q", said.messages, want)
	}
}

// logged keeps the messages of a logger.
type logged struct {
	slog.Handler
	messages []string
}

func (l *logged) logger() *slog.Logger {
	l.Handler = slog.DiscardHandler
	return slog.New(l)
}

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	l.messages = append(l.messages, r.Message)
	return nil
}
