// Package hydra pins Ory Hydra, which ../ measures beside the ledger. Its module has a
// replacement of its own that has to be copied, and so is kept apart:
//
//	cd docs/benchmarks/hydra && go build -o hydra github.com/ory/hydra/v2
//
// takes about two minutes on two cores, which a test run need not pay.
package hydra
