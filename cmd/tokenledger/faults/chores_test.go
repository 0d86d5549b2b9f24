// What goes on while things break, beside the clients: work that takes a while and may
// be interrupted in its middle.

//go:build faults

package faults_test

import "context"

// chore is one kind. It returns when its work is done, however often it took.
type chore struct {
	name string
	run  func(ctx context.Context, n *round) error
}

func chores() []chore {
	return []chore{
		{"appends, relays, projections and seals", func(context.Context, *round) error { return nil }},
	}
}
