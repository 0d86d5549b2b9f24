// Package evidence answers what auditors ask of the log: what there was at any
// instant, the reports of an audit, and the pack that proves them.
//
// Everything here is a fold over events in their order, so the same events give
// the same bytes, whether they come from the read model of a trail or from the
// log itself.
package evidence
