// Too many connections, and clients that send or read too slowly to keep one.

package httpd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestConnectionsAreBoundedBySource(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := guard(l, 6)
	taken := make(chan net.Conn)
	go func() {
		defer close(taken)
		for {
			conn, err := g.Accept()
			if err != nil {
				return
			}
			taken <- conn
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	var held []net.Conn
	for range 4 { // two thirds
		dial()
		held = append(held, <-taken)
	}
	if _, err := dial().Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one too many is not closed: %v", err)
	}
	if !g.room.Enter(netip.MustParsePrefix("192.0.2.1/32")) {
		t.Error("another source finds no place")
	}
	_ = held[0].Close()
	_ = held[0].Close() // a place is given back once
	dial()
	<-taken
	if s := g.room.State(); s.Inside != 5 {
		t.Errorf("%+v", s)
	}
}

// slow serves with little patience until the test ends.
func slow(t *testing.T, p patience, h http.Handler) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l, h, slog.New(slog.DiscardHandler), p) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// A client that sends a byte now and then is cut off, in the header and in the
// body, while another one is served.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	address := slow(t, patience{header: 300 * time.Millisecond, request: 600 * time.Millisecond, idle: time.Minute},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); r.ContentLength > 0 {
				read <- err
			}
			w.WriteHeader(http.StatusNoContent)
		}))
	for name, begin := range map[string]string{
		"header": "GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
		"body":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
		cut := make(chan struct{})
		go func() { // a byte at a time, for as long as that is taken
			defer close(cut)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := io.WriteString(conn, "a"); err != nil {
					return
				}
			}
		}()
		resp, err := http.Get("http://" + address)
		if err != nil || resp.StatusCode != http.StatusNoContent {
			t.Fatalf("another client, meanwhile: %v, %v", resp, err)
		}
		_ = resp.Body.Close()
		_, _ = io.Copy(io.Discard, bufio.NewReader(conn)) // until it is closed
		<-cut
		if name == "body" {
			if err := <-read; err == nil {
				t.Error("half a body is taken for a whole one")
			}
		}
	}
}

// A client that does not read what it asked for is cut off.
func TestClientsThatDoNotReadAreCutOff(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	address := slow(t, patience{header: time.Minute, request: time.Minute, idle: time.Minute},
		hurriedBy(200*time.Millisecond, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			defer close(ended)
			for part := make([]byte, 1<<20); ; {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		})))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-ended
}
