module github.com/tokenledger/tokenledger/docs/oracles

go 1.26.0

replace github.com/tokenledger/tokenledger => ../..

require (
	github.com/tokenledger/tokenledger v0.0.0-00010101000000-000000000000
	github.com/transparency-dev/merkle v0.0.2
	pgregory.net/rapid v1.3.0
)

require golang.org/x/mod v0.43.0 // indirect
