// One message to a webhook: what it says, how it is signed, and what the answer means.

package webhooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outbound"
)

// Secret is a webhook's secret as its receiver keeps it.
func Secret(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// message is what is sent. The id is the same with every try.
type message struct {
	id   string
	body []byte
}

// sign is the signature of Standard Webhooks, version 1.
func (m message) sign(key []byte, at time.Time) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", m.id, at.Unix())
	mac.Write(m.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// failure says why a message was not taken, in words that may be shown to the
// organization: no address, and nothing of the answer but its status.
type failure struct {
	reason   string
	rejected bool          // the receiver is there and does not want this one
	after    time.Duration // it asks not to be called before
}

func (f *failure) Error() string { return f.reason }

// maxAnswer is how much of an answer is read, so that its connection can be used again.
const maxAnswer = 64 << 10

// send makes one try. The error is a *failure or that of ctx.
func (m message) send(ctx context.Context, client *http.Client, target string, key []byte, now time.Time) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(m.body))
	if err != nil {
		return &failure{reason: "the URL cannot be called", rejected: true}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "tokenledger-webhook/1")
	request.Header.Set("webhook-id", m.id)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	request.Header.Set("webhook-signature", m.sign(key, now))
	response, err := client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &failure{reason: reasonOf(err)}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return judge(response)
}

// judge tells what a status means. A redirect is a failure: whoever can make the
// receiver answer one must not choose where events go.
func judge(r *http.Response) error {
	f := &failure{reason: "the receiver answered " + strconv.Itoa(r.StatusCode)}
	switch code := r.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds > 0 {
			f.after = time.Duration(seconds) * time.Second
		}
	case code >= 300 && code < 400:
		f.reason += ", a redirect, which is not followed"
		f.rejected = true
	default:
		f.rejected = true
	}
	return f
}

// reasonOf leaves out what an error says of addresses: a tenant must not learn
// from it what stands where in the network of the service.
func reasonOf(err error) string {
	var u *url.Error
	switch {
	case errors.Is(err, outbound.ErrRefused):
		return outbound.ErrRefused.Error()
	case errors.As(err, &u) && u.Timeout():
		return "the receiver did not answer in time"
	}
	return "the receiver cannot be reached"
}
