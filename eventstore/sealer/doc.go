// Package sealer closes epochs over the log and proves from them. One [Sealer]
// at a time, by a lease, follows the log, pushes every leaf into the events tree
// and into the tree of its trail, and signs what they are, once a second where
// something changed. A [Reader] answers from what was sealed: epochs, heads,
// frontiers, proofs, tiles.
//
// What is signed is written to a directory outside of the database before anyone
// sees it. A sealer goes on only from there: a database that went back behind
// what was signed, or differs from it, is refused, loudly, and nothing is signed
// until a person has looked. Tables that were lost are made again from the log and
// that directory, with the same roots or not at all.
package sealer
