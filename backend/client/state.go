package client

import (
	"fmt"
	"time"
)

// Phase is where a Follower stands.
type Phase int

// The phases of following a log.
const (
	Live         Phase = iota
	Reconnecting       // the connection was lost; State.Retry says when the next try is
	Confirming         // the job has ended; the log is compared with the stored one
	Complete           // all of the log was delivered
	Unconfirmed        // the job has ended; whether all was delivered is not known
	Failed             // the log cannot be followed on: State.Err says why
	Closed
)

// State is how a Follower's connection is.
type State struct {
	Phase Phase
	Retry time.Time // of the next try, when Reconnecting
	Err   error     // why the connection was lost, or cannot be had
}

// State tells how the connection is. Any goroutine may ask.
func (f *Follower) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Words says the state in a few words, as of now.
func (s State) Words(now time.Time) string {
	switch s.Phase {
	case Live:
		return "live"
	case Reconnecting:
		if left := s.Retry.Sub(now).Round(time.Second); left >= time.Second {
			return fmt.Sprintf("reconnecting in %d s", int(left.Seconds()))
		}
		return "reconnecting"
	case Confirming:
		return "checking the end"
	case Complete:
		return "complete"
	case Unconfirmed:
		return "ended, tail unconfirmed"
	case Failed:
		return "stopped"
	case Closed:
		return "closed"
	}
	return ""
}
