// Package faults breaks the ledger and looks at what is left: services, Postgres and
// NATS run as processes of their own, are killed, cut off, starved of disk and given
// wrong clocks while clients use them, and after each round the log, the stream on
// JetStream, the read models and the trees are compared with what was answered.
//
// Beside the rounds there are restores, and clusters: three NATS servers, a primary and its
// standby, replicas behind nginx that are restarted and upgraded.
//
// Its tests take minutes and have the build tag faults:
//
//	go test -tags faults -v ./cmd/tokenledger/faults
//
// With -short it is over in a minute or two. The schedule of faults follows from a seed,
// which is printed; FAULTS_SEED sets it, FAULTS_MINUTES the time that the rounds take,
// and FAULTS_ONLY (a part of its name) the one kind.
package faults
