// Package jetstream carries the log to NATS JetStream and back out of it.
//
// A [Relay] publishes every event of a log to one stream, in which an event's
// sequence is its position. It keeps no state of its own: where to go on is what
// the stream's last sequence says, and each message is accepted only right after
// its predecessor, so relays of several processes do no harm to each other.
//
//	log ─▶ Relay ─▶ stream TOKENLEDGER_<origin> ─▶ Subscribe ─▶ a downstream program
//
// [Subscribe] is for programs that want the ledger's events. It checks that
// nothing is missing, that every message carries the leaf that it claims, and
// that the stream is still that of the log it began with; where it has got to is
// kept in the subscriber's own [PositionStore].
//
// Postgres stays the only truth: a stream that is behind is filled up, one that
// is gone is made again, and one that tells another story than the log is left
// alone until a person has looked at it ([ErrDiverged], [Relay.Rebuild]).
package jetstream
