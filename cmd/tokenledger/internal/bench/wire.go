// A lean HTTP client: one connection, a request as bytes, and as little of the
// answer as it takes to know where it ends. Both sides are measured with it, so
// that a figure is the server's and not the client's.

package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
)

// clientName is how results call it.
const clientName = "HTTP/1.1 by hand over one TCP connection each, no net/http"

// wire is one connection. It is not safe for concurrent use.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	host string
	out  []byte
	body []byte
}

func dial(ctx context.Context, base string) (*wire, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 4<<10), host: u.Host}, nil
}

// ask sends what write appends and reads the answer, which is good until the next one.
func (w *wire) ask(write func(b []byte, host string) []byte) (status int, body []byte, err error) {
	w.out = write(w.out[:0], w.host)
	if _, err := w.conn.Write(w.out); err != nil {
		return 0, nil, err
	}
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, errors.New("no HTTP answer")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("no HTTP answer: %w", err)
	}
	length := 0
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, err
			}
		}
		if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			return 0, nil, errors.New("the answer has no length, which this client needs")
		}
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	_, err = io.ReadFull(w.in, w.body)
	return status, w.body, err
}

// wires are connections, one for each worker.
type wires []*wire

func dialAll(ctx context.Context, base string, n int) (wires, error) {
	var all wires
	for range n {
		w, err := dial(ctx, base)
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

func (all wires) close() {
	for _, w := range all {
		_ = w.conn.Close()
	}
}
