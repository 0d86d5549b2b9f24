// Command hello is an application that stands behind a proxy: it greets whoever the
// ledger says is there, and knows nothing of tokens.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: hello ADDRESS")
	}
	greet := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, token %s of organization %s\n", r.Header.Get("X-Token-ID"), r.Header.Get("X-Token-Organization"))
	})
	server := &http.Server{Addr: os.Args[1], Handler: greet, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
