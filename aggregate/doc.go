// Package aggregate is the rules of the ledger: what may happen to tokens,
// grants, organizations, users, memberships and the installation, who may do
// it, and what is recorded of it.
//
// A [Decider] is pure: from a state, a command and an instant it decides
// events, and from a state and an event it makes the next state. Six of them
// hold every rule about one stream. The use cases that touch several streams
// are the methods of [Tokens] and [Directory]; each runs as one [Decision]
// through a [Handler]. Whatever a decision reads is guarded by its version and
// whatever it decides is appended with those guards, all or nothing: so the
// caller's own rights, too, are those at the instant of the append.
//
// Who may do what is text, the Cedar policies below policies; [Authorize] asks
// them, and what none of them permits is denied.
//
// Nothing here does I/O but Handler, which reads and appends through [Log].
package aggregate

//go:generate go run ./internal/permissions ../docs/permissions.md
