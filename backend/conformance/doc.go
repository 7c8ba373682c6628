// Package conformance is the suite that tells whether a server speaks Ray's
// Jobs API: one table of named checks, run against dray serve and, with the
// build tag ray, against a real Ray head and with Ray's own clients.
//
// It has tests only. A check that is true on one server alone says so.
package conformance
