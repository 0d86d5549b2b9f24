// The webhook receiver is an example: it takes the messages of a tokenledger's
// webhook, verifies them with the library of Standard Webhooks, and prints each
// once.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8099", "address to listen on")
	file := flag.String("secret-file", "", "file with the webhook's secret, whsec_…")
	flag.Parse()
	secret, err := os.ReadFile(*file)
	if err != nil {
		log.Fatalf("--secret-file: %v", err)
	}
	r, err := newReceiver(strings.TrimSpace(string(secret)), os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *listen, Handler: r, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// receiver is one webhook's receiver.
type receiver struct {
	verifier *standardwebhooks.Webhook
	out      io.Writer

	mu   sync.Mutex // guards seen and writes to out
	seen map[string]bool
}

func newReceiver(secret string, out io.Writer) (*receiver, error) {
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, errors.New("this is no secret of a webhook; it begins with whsec_")
	}
	return &receiver{verifier: v, out: out, seen: map[string]bool{}}, nil
}

// maxBody is more than the largest event.
const maxBody = 1 << 20

// ServeHTTP answers first and does the work afterwards, if there is much of it;
// printing is not.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxBody))
	if err != nil {
		http.Error(w, "the message is too long", http.StatusRequestEntityTooLarge)
		return
	}
	if err := r.verifier.Verify(body, q.Header); err != nil { // the time is checked, too
		http.Error(w, "the signature does not fit", http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := q.Header.Get("webhook-id"); !r.seen[id] { // a message may come again
		r.seen[id] = true
		fmt.Fprintf(r.out, "%s\n", body)
	}
	w.WriteHeader(http.StatusNoContent)
}
