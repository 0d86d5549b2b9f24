// The contract of an event store, as an interface and as tests of the same names.

package eventstoretest

import (
	"context"
	"iter"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

// Store is what the rest of the ledger relies on. Each sentence is a test of [Run].
//
//   - PositionsHaveNoGap: positions are 1, 2, 3 … in commit order, whoever appends.
//   - TrailPositionsHaveNoGap: so are the positions within each trail.
//   - VersionsHaveNoGap: so are the versions of each stream's decisions; an
//     observation has version 0 and counts in none.
//   - TimeNeverGoesBack: recorded times grow with positions, or stay.
//   - AcknowledgedIsRead: what Append answers stands in the log, at the place and
//     with the hash that the receipt names.
//   - RequestIsAllOrNothing: a request that is refused, for whatever it holds,
//     leaves nothing behind and keeps no other from being recorded.
//   - RequestStandsTogether: the events of a request stand side by side, in its
//     order, over several streams and trails.
//   - RelativePositionsBecomeAbsolute: a negative position in an event names one
//     that stands before it in the log.
//   - NoStreamMeansNone and VersionIsExact: of requests that expect the same state
//     of a stream and change it, one is recorded and the others are refused.
//   - QuietMeansNoDecisionSince: a request that expects a kind of stream to have been
//     quiet since a position is recorded before any later decision of that kind, or not.
//   - OpenMeansExistingAndOpen: a gate that is closed, for good or until a time
//     that has not come, or that does not exist, refuses.
//   - NoUseAfterRevocation: no event that was guarded by a gate stands after the
//     one that closed it.
//   - DeadlineIsKept: a request is recorded by its deadline or not at all.
//   - KeyAnswersOnce: a key's second request gets the first one's receipt, whatever
//     it expects; with another hash it is refused.
//   - ReadStreamGivesDecisions: of one stream, in order, after a version.
//   - ReadAllEndsAtTheHead and SubscribeWaitsAtTheHead.
type Store interface {
	Append(context.Context, events.Request) (events.Receipt, error)
	ReadStream(context.Context, events.StreamID, events.Version) iter.Seq2[events.Recorded, error]
	ReadAll(context.Context, events.Position) iter.Seq2[events.Recorded, error]
	Subscribe(context.Context, events.Position) iter.Seq2[events.Recorded, error]
	Head(context.Context) (events.Position, error)
}

// Run tests that stores keep the contract. open gives a running, empty store.
func Run(t *testing.T, open func(*testing.T) Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"PositionsHaveNoGap", positionsHaveNoGap},
		{"TrailPositionsHaveNoGap", trailPositionsHaveNoGap},
		{"VersionsHaveNoGap", versionsHaveNoGap},
		{"TimeNeverGoesBack", timeNeverGoesBack},
		{"AcknowledgedIsRead", acknowledgedIsRead},
		{"RequestIsAllOrNothing", requestIsAllOrNothing},
		{"RequestStandsTogether", requestStandsTogether},
		{"RelativePositionsBecomeAbsolute", relativePositionsBecomeAbsolute},
		{"NoStreamMeansNone", noStreamMeansNone},
		{"QuietMeansNoDecisionSince", quietMeansNoDecisionSince},
		{"VersionIsExact", versionIsExact},
		{"OpenMeansExistingAndOpen", openMeansExistingAndOpen},
		{"NoUseAfterRevocation", noUseAfterRevocation},
		{"DeadlineIsKept", deadlineIsKept},
		{"KeyAnswersOnce", keyAnswersOnce},
		{"ReadStreamGivesDecisions", readStreamGivesDecisions},
		{"ReadAllEndsAtTheHead", readAllEndsAtTheHead},
		{"SubscribeWaitsAtTheHead", subscribeWaitsAtTheHead},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}
