// The findings subscriber is an example: it follows the findings of a tokenledger
// on NATS and turns each into a risk, a task, or both, by GraphQL.
//
// It keeps its place in a file and moves on only when a finding is done, so that
// none is passed over whatever ends it; each call has an idempotency key that
// names the finding, so that what is done twice can be known as such.
package main
