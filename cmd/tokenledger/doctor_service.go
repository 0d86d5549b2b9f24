// What the doctor sees of the service by asking it: readiness, version, clock, certificate, and the token.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
)

// client checks what every user of the service needs.
func (d *doctor) client(ctx context.Context) {
	d.clientFiles()
	c, err := d.target.client("")
	if err != nil {
		d.fail("authorities", "name a PEM file with --ca-file, or none", "%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doctorLimit)
	defer cancel()
	began := time.Now()
	response, body, err := c.get(ctx, "/readyz")
	if err != nil {
		d.unreachable(ctx, err)
		return
	}
	d.running = true
	if inClear(d.target.server) {
		d.warn("TLS", "put TLS in front of the service, and name it as https://…", "tokens travel to %s in clear", d.target.server)
	}
	if response.TLS != nil {
		d.certificate(response.TLS.PeerCertificates[0].NotAfter)
	}
	d.clock("clock of the service", response.Header.Get("Date"), began)
	d.ready(response.StatusCode, body)
	d.token(ctx)
}

// unreachable is no failure where nobody has started the embedded pair yet.
func (d *doctor) unreachable(ctx context.Context, err error) {
	cause := errors.Unwrap(err)
	switch {
	case d.settings.Embedded() && !d.settings.ServerNamed && d.target.context == "":
		d.warn("service", "tokenledger serve", "nothing answers at %s: %v", d.target.server, cause)
		if _, err := databaseURL(d.settings); err != nil {
			d.couldStart(context.WithoutCancel(ctx))
		}
	case strings.Contains(cause.Error(), "x509"), strings.Contains(cause.Error(), "tls:"):
		d.fail("TLS", "renew the certificate, or name the authority that vouches for it with --ca-file", "%s: %v", d.target.server, cause)
	default:
		d.fail("service", "tokenledger serve, on its machine; or name another with --server or tokenledger context use",
			"%s does not answer: %v", d.target.server, cause)
	}
}

func (d *doctor) certificate(until time.Time) {
	const early = 14 * 24 * time.Hour
	left := time.Until(until)
	if left < early {
		d.warn("TLS", "renew the certificate of "+d.target.server, "the certificate ends at %s", until.UTC().Format(time.RFC3339))
		return
	}
	d.ok("TLS", "the certificate is good until %s", until.UTC().Format(time.RFC3339))
}

// skewLimits are what a clock may be off. The log refuses to record beyond the second.
const (
	skewWarn = 2 * time.Second
	skewFail = 5 * time.Second
)

// clock compares a server's clock, told in whole seconds, with this machine's.
func (d *doctor) clock(check, date string, began time.Time) {
	there, err := http.ParseTime(date)
	if err != nil {
		d.warn(check, "", "it tells no time")
		return
	}
	here := began.Truncate(time.Second)
	off := there.Sub(here)
	if late := there.Sub(time.Now().Truncate(time.Second)); late.Abs() < off.Abs() {
		off = late
	}
	d.skew(check, off)
}

func (d *doctor) skew(check string, off time.Duration) {
	const remedy = "timedatectl set-ntp true, on the machine whose clock is wrong"
	off = off.Round(time.Millisecond)
	switch {
	case off.Abs() >= skewFail:
		d.fail(check, remedy, "%v off this machine's; at 5 s the log refuses to record", off)
	case off.Abs() >= skewWarn:
		d.warn(check, remedy, "%v off this machine's", off)
	default:
		d.ok(check, "within %v of this machine's", skewWarn)
	}
}

var lagText = regexp.MustCompile(`lag (\d+)$`)

// ready shows each check of /readyz that fails, or is behind; the others in one line.
func (d *doctor) ready(status int, body []byte) {
	var answer struct{ Checks []httpd.Check }
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Checks) == 0 {
		d.fail("service", "name the service itself with --server", "%s answers %d, and not as a ledger does", d.target.server, status)
		return
	}
	good := 0
	for _, c := range answer.Checks {
		if !c.OK {
			d.fail("service: "+c.Name, remedyOf(c), "%s", c.Detail)
			continue
		}
		good++
		if m := lagText.FindStringSubmatch(c.Detail); m != nil && c.Name == "verifier" {
			lag, _ := strconv.ParseInt(m[1], 10, 64)
			d.lag("verifier", lag, "wait; if it does not shrink, look at the service's log")
		}
	}
	d.ok("service", "%s answers; %d of %d checks are good", d.target.server, good, len(answer.Checks))
}

// remedyOf is what to do about a check of /readyz, as docs/operations.md has it.
func remedyOf(c httpd.Check) string {
	name, of, _ := strings.Cut(c.Name, " ")
	switch name {
	case "postgres":
		return "tokenledger doctor, on the machine of the service"
	case "migrations":
		return "stop every service, and start this program's version: tokenledger serve"
	case "nats":
		return "look whether NATS runs; if the relay has halted, find out why, then tokenledger relay rebuild --yes"
	case "projection":
		return "tokenledger projections rebuild " + of
	case "sealer", "self-audit":
		return "tokenledger audit check; if the database was restored to an earlier point, tokenledger sealer renew --yes"
	}
	return "wait; if it stays, look at the service's log"
}

func (d *doctor) lag(of string, lag int64, remedy string) {
	if lag > d.maxLag {
		d.fail("lag: "+of, remedy, "%d events behind the log", lag)
		return
	}
	d.ok("lag: "+of, "%d events behind the log", lag)
}

// token asks as the token's owner: whether it is good, for how long, and which version answers.
func (d *doctor) token(ctx context.Context) {
	raw, err := os.ReadFile(d.target.tokenFile)
	if err != nil {
		return // said of the file already
	}
	c, err := d.target.client(strings.TrimSpace(string(raw)))
	if err != nil {
		return
	}
	err = c.do(ctx, `{ __typename }`, nil, &struct{}{})
	var refused remoteError
	switch {
	case errors.As(err, &refused) && refused.Extensions.Code == codeUnauthenticated:
		d.fail("token", "tokenledger login", "the service does not take the token in %s, or it has ended", d.target.tokenFile)
		return
	case err != nil:
		d.fail("token", "", "%v", err)
		return
	}
	d.expiry(c.expires)
	switch c.version {
	case "":
		d.warn("versions", "bring both to one version", "the service does not tell its version; this program is %s", service.Version())
	case service.Version():
		d.ok("versions", "service and this program are %s", c.version)
	default:
		d.warn("versions", "bring both to one version", "the service is %s, this program is %s", c.version, service.Version())
	}
}

// expiry warns in time for a rotation.
func (d *doctor) expiry(expires string) {
	const early = 7 * 24 * time.Hour
	until, err := time.Parse(time.RFC3339, expires)
	if err == nil && time.Until(until) < early {
		remedy := "tokenledger token rotate ID --write-to FILE"
		if d.target.context != "" {
			remedy = fmt.Sprintf("tokenledger logout --context %[1]s && tokenledger login --context %[1]s", d.target.context)
		}
		d.warn("token", remedy, "the service takes the token; it ends at %s", expires)
		return
	}
	d.ok("token", "the service takes the token; it ends: %s", expires)
}
