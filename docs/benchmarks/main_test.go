// Every contestant really writes, and is counted for what it wrote.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// What was answered stands in each contestant's table: an event counted is an event written.
func TestContestantsWriteWhatTheyCount(t *testing.T) {
	ctx := t.Context()
	s, err := startServer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	all, err := contestants(ctx, s, newWorkload(50), func(text string) { t.Log(text) })
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string][2]string{ // database, how to count
		"tokenledger":           {"ledger", `SELECT coalesce(max(last_position), 0) FROM tokenledger.blocks`},
		"raw INSERT":            {"raw_insert", `SELECT count(*) FROM events`},
		"raw unnest ×1,000":     {"raw_unnest", `SELECT count(*) FROM events`},
		"watermill-sql v4 ×1":   {"watermill_1", `SELECT count(*) FROM watermill_token_used`},
		"watermill-sql v4 ×100": {"watermill_100", `SELECT count(*) FROM watermill_token_used`},
		"River ×1":              {"river_1", `SELECT count(*) FROM river_job`},
		"River ×100":            {"river_100", `SELECT count(*) FROM river_job`},
		"Message DB":            {"message_db", `SELECT count(*) FROM message_store.messages`},
	}
	for _, c := range all {
		const calls = 3
		for call := range calls {
			if err := c.write(ctx, 0, call); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if err := c.close(ctx); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		how, ok := counts[c.name]
		if !ok {
			t.Fatalf("nobody counts %s", c.name)
		}
		if got := count(t, s, how); got != calls*c.perCall {
			t.Errorf("%s wrote %d events in %d calls of %d", c.name, got, calls, c.perCall)
		}
	}
}

func count(t *testing.T, s *server, how [2]string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), strings.Replace(s.postgres.URL(), "/postgres?", "/"+how[0]+"?", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), how[1]).Scan(&n); err != nil {
		t.Fatalf("%s: %v", how[0], err)
	}
	return n
}

func TestCommandPrintsAndDraws(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "plot.svg")
	var out, log bytes.Buffer
	args := []string{"append", "--rounds", "3", "--each", "50ms", "--concurrency", "1,4", "--tokens", "20", "--svg", svg, "--output", "json"}
	if err := run(t.Context(), args, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	var table []figures
	if err := json.Unmarshal(out.Bytes(), &table); err != nil {
		t.Fatal(err)
	}
	if len(table) < 14 || table[0].Name != "tokenledger" || table[0].Ratio != 1 || len(table[0].Rates) != 3 {
		t.Fatalf("%+v", table)
	}
	drawn, err := os.ReadFile(svg)
	if err != nil || !bytes.Contains(drawn, []byte("<svg")) || !bytes.Contains(drawn, []byte("Message DB")) && !strings.Contains(log.String(), "npm") {
		t.Errorf("%v: %.100s", err, drawn)
	}
}

// The ledger, as a program, is asked beside the bare handler; every answer is checked, and both are drawn.
func TestVerifyPrintsAndDraws(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "plot.svg")
	var out, log bytes.Buffer
	args := []string{"verify", "--rounds", "2", "--each", "100ms", "--concurrency", "1,4", "--tokens", "20", "--svg", svg, "--output", "json"}
	if err := run(t.Context(), args, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	var table []figures
	if err := json.Unmarshal(out.Bytes(), &table); err != nil {
		t.Fatal(err)
	}
	if len(table) != 4 || table[0].Name != "tokenledger" || table[1].Name != "a bare handler" || table[0].Rate <= 0 || table[3].Concurrency != 4 {
		t.Fatalf("%+v", table)
	}
	drawn, err := os.ReadFile(svg)
	if err != nil || !bytes.Contains(drawn, []byte("verifications per second")) || !bytes.Contains(drawn, []byte("p99")) {
		t.Errorf("%v: %.100s", err, drawn)
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{}, {"list"}, {"append", "--concurrency", "0"}, {"append", "--concurrency", "x"}, {"append", "--no"}} {
		if _, err := parse(args, new(bytes.Buffer)); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

// Medians are what they are called, and a contestant's failure ends the run with its name.
func TestCompare(t *testing.T) {
	if m := middle([]float64{9, 1, 5}); m != 5 {
		t.Errorf("the median of 9, 1 and 5 is %v", m)
	}
	calls := 0
	fine := contestant{name: "fine", perCall: 2, alone: true, write: func(context.Context, int, int) error { calls++; return nil }}
	table, err := compare(t.Context(), []contestant{fine}, 8, 3, time.Millisecond, func(string) {})
	if err != nil || table[0].Concurrency != 1 || table[0].Rate <= 0 || calls == 0 {
		t.Errorf("%+v, %v after %d calls", table, err, calls)
	}
	broken := errors.New("broken")
	bad := contestant{name: "bad", perCall: 1, write: func(context.Context, int, int) error { return broken }}
	if _, err := compare(t.Context(), []contestant{fine, bad}, 2, 1, time.Millisecond, func(string) {}); !errors.Is(err, broken) ||
		!strings.Contains(err.Error(), "bad") {
		t.Errorf("ended with %v", err)
	}
}
