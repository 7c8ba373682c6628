// Package rayapi holds the wire types of the Ray Jobs REST API, the rules that
// a submit request must meet, and the fixed message texts of a job's life.
//
// It imports nothing of ours and does no I/O: how the types travel is the
// business of packages client and server.
package rayapi
