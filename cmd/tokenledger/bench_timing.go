// tokenledger bench timing: whether the time of a refusal tells its reason.

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
)

func (a app) benchTimingCommand() *cobra.Command {
	var o bench.TimingOptions
	c := &cobra.Command{
		Use: "timing", Short: "How long a refusal takes: of an unknown id, of a wrong secret and of a revoked token",
	}
	countFlag(c, &o.Tokens, "tokens", 100, "how many tokens are there, and how many are revoked")
	countFlag(c, &o.Tries, "tries", 5000, "how often each is tried, in turn")
	return a.figures(c, func(ctx context.Context) (all []bench.Figure, err error) {
		err = a.withService(ctx, func(ctx context.Context, s scratchService) error {
			fmt.Fprintf(a.err, "Trying values, %d of each kind …\n", o.Tries)
			all, err = bench.Timing(ctx, s.asked(), o)
			return err
		})
		return all, err
	})
}
