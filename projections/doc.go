// Package projections answers: it folds the log into tables that can be asked,
// and asks them.
//
// A [Projection] is one read model: tokens, directory, usage, trails. The
// [Runner] reads the log once and hands every event to each of them exactly
// once, however many processes run one; a batch of events and the checkpoint
// behind it are one transaction. Nothing here is truth: every table can be
// dropped and is made again from the log, beside the old one, which answers
// until the new one takes its place.
//
// [Views] is the other half: filters, order, pages and look-ups over those
// tables, with the caller's [Visibility] as a condition of the query itself.
package projections
