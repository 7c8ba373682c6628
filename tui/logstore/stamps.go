package logstore

import (
	"sort"
	"time"
)

const (
	// stampEvery is the least time between two stamps.
	stampEvery = time.Second
	// maxStamps bounds the memory for them. When it is reached, every other one
	// goes.
	maxStamps = 64 << 10
)

// stamp says that the bytes from off on came at a time, up to the next stamp.
type stamp struct {
	off int64
	at  int64 // Unix nanoseconds
}

// stamps tell when the bytes of a log arrived, as far as that was seen.
type stamps struct{ all []stamp }

func (s *stamps) add(off int64, at time.Time) {
	now := at.UnixNano()
	if n := len(s.all); n > 0 && (s.all[n-1].off >= off || now-s.all[n-1].at < int64(stampEvery)) {
		return
	}
	if len(s.all) == maxStamps {
		for i := range maxStamps / 2 {
			s.all[i] = s.all[2*i]
		}
		s.all = s.all[:maxStamps/2]
	}
	s.all = append(s.all, stamp{off, now})
}

// stampAt notes that the bytes from off on arrive at a time.
func (s *Store) stampAt(off int64, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stamps.add(off, at)
}

// Arrived returns the first byte that is known to have arrived at a time or
// later.
func (s *Store) Arrived(at time.Time) (int64, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := s.stamps.all
	i := sort.Search(len(all), func(i int) bool { return all[i].at >= at.UnixNano() })
	if i == len(all) {
		return 0, false
	}
	return all[i].off, true
}

// Arrival tells when the byte at off arrived, to about a second. It is not
// known of what was there when the log was opened.
func (s *Store) Arrival(off int64) (time.Time, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := s.stamps.all
	i := sort.Search(len(all), func(i int) bool { return all[i].off > off }) - 1
	if i < 0 {
		return time.Time{}, false
	}
	return time.Unix(0, all[i].at), true
}
