// How the package is used.

package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tokenledger/tokenledger/graphql/client"
)

// demo stands for a ledger in the examples.
func demo() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"data":{"verifyTokens":[{"allowed":true,"code":"ALLOWED","subject":"ada","scopes":["evidence:write"],"position":4711}]}}`))
	}))
}

func ExampleClient_Verify() {
	ledger := demo()
	defer ledger.Close()
	c, err := client.New(client.Config{URL: ledger.URL, Token: "tola_of_the_resource_server"})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := c.Verify(context.Background(), client.Use{Token: "tola_of_the_client", Action: "createEvidence", Resource: "evidence/42"})
	switch {
	case errors.Is(err, client.ErrUnavailable):
		fmt.Println("nobody knows; refuse, and try again later")
	case err != nil:
		fmt.Println(err)
	case d.Allowed:
		fmt.Println(d.Subject, "may, recorded at", d.Position)
	case d.Forbidden():
		fmt.Println("may not do this")
	default:
		fmt.Println("the token is no good")
	}
	// Output: ada may, recorded at 4711
}

func ExampleClient_Require() {
	ledger := demo()
	defer ledger.Close()
	c, err := client.New(client.Config{URL: ledger.URL, Token: "tola_of_the_resource_server"})
	if err != nil {
		fmt.Println(err)
		return
	}
	upload := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, _ := client.DecisionOf(r.Context())
		fmt.Fprintln(w, "thank you,", d.Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("POST /evidence", c.Require("evidence:write")(upload))

	r := httptest.NewRequest(http.MethodPost, "/evidence", nil)
	r.Header.Set("Authorization", "Bearer tola_of_the_client")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output: 200 thank you, ada
}

func ExampleClient_Middleware() {
	ledger := demo()
	defer ledger.Close()
	c, err := client.New(client.Config{URL: ledger.URL, Token: "tola_of_the_resource_server"})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := c.Middleware(func(r *http.Request) client.Use {
		return client.Use{Action: "readEvidence", Resource: "evidence/" + r.PathValue("id")}
	})
	mux := http.NewServeMux()
	mux.Handle("GET /evidence/{id}", guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/evidence/42", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer
}
