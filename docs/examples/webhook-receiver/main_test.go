// The ledger's signatures, as the library of Standard Webhooks verifies them.
package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// vector is what the ledger's own tests sign, and must sign so.
type vector struct {
	Secret, ID, Body, Signature string
	Timestamp                   int64
}

func readVector(t *testing.T) (v vector) {
	t.Helper()
	content, err := os.ReadFile("../../../cmd/tokenledger/internal/webhooks/testdata/signed.json")
	if err == nil {
		err = json.Unmarshal(content, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (v vector) headers() http.Header {
	h := http.Header{}
	h.Set("webhook-id", v.ID)
	h.Set("webhook-timestamp", strconv.FormatInt(v.Timestamp, 10))
	h.Set("webhook-signature", v.Signature)
	return h
}

func TestTheLibraryVerifiesTheLedgersSignature(t *testing.T) {
	v := readVector(t)
	w, err := standardwebhooks.NewWebhook(v.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.VerifyIgnoringTimestamp([]byte(v.Body), v.headers()); err != nil {
		t.Error(err)
	}
	if err := w.VerifyIgnoringTimestamp([]byte(v.Body+" "), v.headers()); err == nil {
		t.Error("an altered body was verified")
	}
}

func TestReceiver(t *testing.T) {
	v := readVector(t)
	var out bytes.Buffer
	r, err := newReceiver(v.Secret, &out)
	if err != nil {
		t.Fatal(err)
	}
	w, err := standardwebhooks.NewWebhook(v.Secret)
	if err != nil {
		t.Fatal(err)
	}
	send := func(at time.Time, body string) int {
		t.Helper()
		v.Timestamp = at.Unix()
		if v.Signature, err = w.Sign(v.ID, at, []byte(v.Body)); err != nil {
			t.Fatal(err)
		}
		q := httptest.NewRequest(http.MethodPost, "/", bytes.NewBufferString(body))
		q.Header = v.headers()
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, q)
		return answer.Code
	}
	for _, c := range []struct {
		name string
		at   time.Time
		body string
		want int
	}{
		{"a message", time.Now(), v.Body, http.StatusNoContent},
		{"the same again", time.Now(), v.Body, http.StatusNoContent},
		{"one of yesterday", time.Now().Add(-24 * time.Hour), v.Body, http.StatusUnauthorized},
		{"an altered one", time.Now(), v.Body + " ", http.StatusUnauthorized},
	} {
		if got := send(c.at, c.body); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if out.String() != v.Body+"\n" {
		t.Errorf("printed %q", out.String())
	}
}
