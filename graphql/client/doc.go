// Package client asks a ledger whether tokens may be used, for Go programs that
// take requests with such tokens.
//
// A [Client] puts the verifications of concurrent requests into one call: while
// calls are under way, what comes meanwhile waits for the next one. No timer is
// involved, so that a lone request is asked about at once. [Client.Middleware]
// guards an http.Handler. The client holds no key and remembers no token and no
// decision: what the ledger allows stands in its log before this package says so,
// and a token that was revoked is refused from then on.
package client
