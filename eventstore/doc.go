// Package eventstore is the log: the one ordered record of everything, kept in
// Postgres.
//
// Events stand at positions 1, 2, 3 … without a gap, in commit order. All events
// of one group commit share a row, a block. A [Log] has one appender goroutine,
// which takes what callers of [Log.Append] have queued, checks each request's
// guards under a lock that all processes share, and commits what passed:
//
//	Append ─▶ queue ─▶ lock ─▶ catch up ─▶ check and place ─▶ COMMIT ─▶ answer
//	          (a lane   (advisory,          (stage)            │
//	          a trail)  in Postgres)                           ▼
//	                                          tail ─▶ ReadAll, Subscribe, Blocks
//
// The tail is the end of the log in this process's memory: the head, the state
// of streams, the counts of trails and the recent blocks. It grows by own blocks
// after their COMMIT and by those of other processes as the follower reads them;
// both ways are the same method and any of them may come first.
package eventstore
