// Troubles, and what looks like trouble and is none, as the series of a service show them minute by minute.

package monitoring

import "fmt"

// never is the minute at which an alert does not fire.
const never = -1

// alertCase is what one or more processes tell, and the minute at which the alert fires.
type alertCase struct {
	of     string
	series []string
	fires  int
}

// latencies are a histogram's buckets that grow by so many calls a minute, the slow ones above half a second.
func latencies(name, labels string, fast, slow int) []string {
	line := func(le string, n int) string {
		return fmt.Sprintf(`%s_bucket{%s,le="%s"} 0+%dx30`, name, labels, le, n)
	}
	return []string{line("0.1", fast), line("0.5", fast), line("1", fast+slow), line("+Inf", fast+slow)}
}

const (
	appendSeconds  = "tokenledger_append_duration_seconds"
	requestSeconds = "tokenledger_http_request_duration_seconds"
)

var alertCases = map[string][]alertCase{
	"TokenledgerDown": {
		{"one of two goes away in the fifth minute", []string{`up{instance="a"} 1x30`, `up{instance="b"} 1x4 0x25`}, 7},
		{"restarts of one minute", []string{`up 1x4 0 1x4 0 1x4`}, never},
	},
	"TokenledgerCannotAppend": {
		{"Postgres refuses from the fifth minute on", []string{`tokenledger_commit_errors_total 0x4 1+3x20`}, 9},
		{"one block is refused, as when a standby takes over", []string{`tokenledger_commit_errors_total 0x4 1x20`}, never},
		{"errors long ago", []string{`tokenledger_commit_errors_total 7x30`}, never},
		{"a process starts", []string{`tokenledger_commit_errors_total _x9 0x20`}, never},
	},
	"TokenledgerSheds": {
		{"requests are refused all the time", []string{`tokenledger_places_refused{of="requests"} 0x4 10+10x20`, `tokenledger_places_refused{of="appends"} 0x30`}, 10},
		{"one burst", []string{`tokenledger_places_refused{of="requests"} 0x4 500x20`}, never},
		{"nothing is refused", []string{`tokenledger_places_refused{of="requests"} 4x30`, `tokenledger_places_refused{of="appends"} 0x30`}, never},
	},
	"TokenledgerAppendsSlow": {
		{"five in a hundred are slow", latencies(appendSeconds, `result="ok"`, 95, 5), 11},
		{"five in a thousand are slow", latencies(appendSeconds, `result="ok"`, 995, 5), never},
		{"those that are refused are slow", append(latencies(appendSeconds, `result="ok"`, 100, 0), latencies(appendSeconds, `result="unavailable"`, 0, 50)...), never},
	},
	"TokenledgerNearlyFull": {
		{"appends are full, requests are not", []string{
			`tokenledger_places_taken{of="appends"} 10x4 95x20`, `tokenledger_places_limit{of="appends"} 100x30`,
			`tokenledger_places_taken{of="requests"} 10x30`, `tokenledger_places_limit{of="requests"} 100x30`,
		}, 10},
		{"full now and then", []string{`tokenledger_places_taken{of="appends"} 95x2 10 95x2 10 95x2 10x20`, `tokenledger_places_limit{of="appends"} 100x30`}, never},
	},
	"TokenledgerFails": {
		{"two in a hundred fail", []string{
			requestSeconds + `_count{route="/query",status="2xx"} 0+98x30`, requestSeconds + `_count{route="/query",status="5xx"} 0+2x30`,
		}, 6},
		{"one in a thousand fails", []string{
			requestSeconds + `_count{route="/query",status="2xx"} 0+999x30`, requestSeconds + `_count{route="/query",status="5xx"} 0+1x30`,
		}, never},
		{"a process that starts is not ready", []string{
			requestSeconds + `_count{route="/query",status="2xx"} 0+10x30`, requestSeconds + `_count{route="/readyz",status="5xx"} 0+60x30`,
		}, never},
		{"clients are wrong", []string{
			requestSeconds + `_count{route="/query",status="2xx"} 0+10x30`, requestSeconds + `_count{route="/query",status="4xx"} 0+60x30`,
		}, never},
	},
	"TokenledgerVerificationsSlow": {
		{"introspection is slow", latencies(requestSeconds, `route="/oauth2/introspect",status="2xx"`, 90, 10), 11},
		{"a proxy's checks are slow", latencies(requestSeconds, `route="/auth/check",status="2xx"`, 90, 10), 11},
		{"reports are slow", append(latencies(requestSeconds, `route="/oauth2/introspect",status="2xx"`, 100, 0),
			latencies(requestSeconds, `route="/query",status="2xx"`, 0, 100)...), never},
	},
	"TokenledgerVerifierNotReady": {
		{"it does not get ready", []string{`tokenledger_verifier_ready 0x30`}, 10},
		{"a start of five minutes", []string{`tokenledger_verifier_ready 0x5 1x20`}, never},
	},
	"TokenledgerVerifierBehind": {
		{"it does not keep up", []string{`tokenledger_verifier_lag_events 0+4000x30`}, 8},
		{"it is a block behind", []string{`tokenledger_verifier_lag_events 250x30`}, never},
	},
	"TokenledgerNATSAway": {
		{"NATS is away", []string{`tokenledger_nats_connected 1x4 0x20`}, 10},
		{"NATS starts again", []string{`tokenledger_nats_connected 1x4 0x3 1x20`}, never},
	},
	"TokenledgerRelayHalted": {
		{"the stream differs", []string{`tokenledger_relay_halted 0x4 1x20`}, 6},
		{"all is well", []string{`tokenledger_relay_halted 0x30`}, never},
	},
	"TokenledgerRelayBehind": {
		{"no process publishes", []string{`tokenledger_relay_lag_events{instance="a"} 20000x30`, `tokenledger_relay_lag_events{instance="b"} 30000x30`}, 10},
		{"one does, the other is not told of it", []string{`tokenledger_relay_lag_events{instance="a"} 20000x30`, `tokenledger_relay_lag_events{instance="b"} 3x30`}, never},
	},
	"TokenledgerProjectionStopped": {
		{"one of two cannot go on", []string{`tokenledger_projection_stopped{projection="tokens"} 0x30`, `tokenledger_projection_stopped{projection="usage"} 0x4 1x20`}, 10},
		{"a fault that passes", []string{`tokenledger_projection_stopped{projection="tokens"} 1x3 0x20`}, never},
	},
	"TokenledgerProjectionBehind": {
		{"one is rebuilt, in no process is it further", []string{
			`tokenledger_projection_lag_events{projection="usage",instance="a"} 90000x30`, `tokenledger_projection_lag_events{projection="usage",instance="b"} 80000x30`,
			`tokenledger_projection_lag_events{projection="tokens",instance="a"} 0x30`,
		}, 10},
		{"only one process thinks so", []string{
			`tokenledger_projection_lag_events{projection="usage",instance="a"} 90000x30`, `tokenledger_projection_lag_events{projection="usage",instance="b"} 10x30`,
		}, never},
	},
	"TokenledgerSealerRefuses": {
		{"the log contradicts", []string{`tokenledger_sealer_refused{instance="a"} 0x4 1x20`, `tokenledger_sealer_refused{instance="b"} 0x30`}, 6},
		{"all is well", []string{`tokenledger_sealer_refused 0x30`}, never},
	},
	"TokenledgerCheckpointOld": {
		{"nobody signs after the second minute", []string{`tokenledger_sealer_epoch_timestamp_seconds 1800000000 1800000060 1800000120x30`}, 18},
		{"another one signs", []string{`tokenledger_sealer_epoch_timestamp_seconds{instance="a"} 1800000000x30`, `tokenledger_sealer_epoch_timestamp_seconds{instance="b"} 1800000000+60x30`}, never},
	},
	"TokenledgerCheckpointUnpublished": {
		{"NATS takes none", []string{`tokenledger_sealer_unpublished 0x4 1x30`}, 20},
		{"it takes one again", []string{`tokenledger_sealer_unpublished 1x10 0 1x10`}, never},
	},
	"TokenledgerWitnessMissing": {
		{"a witness is away", []string{`tokenledger_checkpoint_uncosigned 0x4 1x80`}, 65},
		{"it comes back", []string{`tokenledger_checkpoint_uncosigned 1x50 0 1x50`}, never},
	},
	"TokenledgerAuditMismatch": {
		{"something was altered", []string{`tokenledger_audit_mismatch 0x4 1x3`}, 5},
		{"nothing was", []string{`tokenledger_audit_mismatch 0x30`}, never},
	},
	"TokenledgerAuditOld": {
		{"none for two weeks", []string{`tokenledger_audit_finished_timestamp_seconds 1798790430x90`}, 61},
		{"none yet, or in this process", []string{`tokenledger_audit_finished_timestamp_seconds{instance="a"} 0x90`, `tokenledger_audit_finished_timestamp_seconds{instance="b"} 1799990000x90`}, never},
		{"none yet at all", []string{`tokenledger_audit_finished_timestamp_seconds 0x90`}, never},
	},
	"TokenledgerWebhookDeadLetters": {
		{"a message is given up", []string{`tokenledger_webhook_dead_letters 0x4 1x20`}, 15},
		{"none is", []string{`tokenledger_webhook_dead_letters 0x30`}, never},
	},
	"TokenledgerFindingsOpen": {
		{"a rotated value is used", []string{`tokenledger_findings_open{rule="rotated_value_used"} 0x4 1x30`, `tokenledger_findings_open{rule="unused_scopes"} 9x40`}, 20},
		{"findings of order", []string{`tokenledger_findings_open{rule="rotated_value_used"} 0x40`, `tokenledger_findings_open{rule="unused_scopes"} 9x40`}, never},
	},
	"TokenledgerKeysDiffer": {
		{"one process has the new key", []string{
			`tokenledger_key_active_version{key="pepper",instance="a"} 1x4 2x30`, `tokenledger_key_active_version{key="pepper",instance="b"} 1x40`,
		}, 20},
		{"keys are not compared with each other", []string{
			`tokenledger_key_active_version{key="pepper",instance="a"} 2x40`, `tokenledger_key_active_version{key="pepper",instance="b"} 2x40`,
			`tokenledger_key_active_version{key="signing",instance="a"} 1x40`, `tokenledger_key_active_version{key="signing",instance="b"} 1x40`,
		}, never},
	},
	"TokenledgerCertificateEnds": {
		{"in ten days", []string{`tokenledger_tls_certificate_expiry_seconds 1800864000x80`}, 60},
		{"in three weeks", []string{`tokenledger_tls_certificate_expiry_seconds 1801814400x80`}, never},
	},
	"TokenledgerCertificateKeptOut": {
		{"the new pair is wrong", []string{`tokenledger_tls_certificate_kept_out 0x4 1x20`}, 10},
		{"key and certificate came one after the other", []string{`tokenledger_tls_certificate_kept_out 1x2 0x20`}, never},
	},
	"TokenledgerFilesShort": {
		{"nine in ten are open", []string{`process_open_fds 900x30`, `process_max_fds 1000x30`}, 10},
		{"half of them are", []string{`process_open_fds 500x30`, `process_max_fds 1000x30`}, never},
	},
	"TokenledgerMemoryShort": {
		{"all is taken", []string{`process_resident_memory_bytes 1000000000x30`, `go_gc_gomemlimit_bytes 1000000000x30`}, 15},
		{"there is no limit", []string{`process_resident_memory_bytes 1000000000x30`, `go_gc_gomemlimit_bytes 9223372036854775807x30`}, never},
	},
}
