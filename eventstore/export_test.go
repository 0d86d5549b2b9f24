// What tests outside of the package need to see.

package eventstore

import "context"

// LaneRequests is how many requests of one trail may wait.
const LaneRequests = laneRequests

// Queued is how many requests wait for a block.
func (l *Log) Queued() int { return l.Queue().Requests }

// RewrapSubjects is one round of that chore.
func (l *Log) RewrapSubjects(ctx context.Context) error { return l.rewrapSubjects(ctx) }
