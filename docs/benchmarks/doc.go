// Command benchmarks measures the ledger side by side with what one might take
// instead, on one private Postgres and in one run.
//
//	go run . append --rounds 5 --each 3s --concurrency 1,8,64,512 --svg append.svg
//	go run . verify --rounds 5 --each 3s --concurrency 1,8,64,256 --tokens 1000 --svg verify.svg --hydra ./hydra/hydra
//	go test ./...        # a short run of every contestant that needs no long build
//
// Every contestant writes the same event durably, a transaction being on disk
// before it is answered. They take turns within each round, so that what else
// the machine does falls on all of them; the figures are medians over the rounds.
// In verify, one question in five is about a token that does not exist, and one
// client of net/http asks everybody.
// What each of them promises beside durability stands in its Guarantees.
package main
