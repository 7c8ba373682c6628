//go:build linux

package pump

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// How much of a log a power cut can cost.
const (
	syncAfter = 5 * time.Second
	syncBytes = 8 << 20
)

// syncer makes a log durable beside the pump, so that a slow disk does not
// hold up the job. It sleeps while nothing is written.
type syncer struct {
	fd     int
	size   atomic.Int64
	synced atomic.Int64
	dirty  chan struct{} // the first bytes after a sync
	much   chan struct{} // syncBytes of them
	quit   chan struct{}
	done   chan struct{}
	failed error // the first error: the kernel tells it only once
}

// newSyncer starts the syncer's goroutine; close ends it.
func newSyncer(fd int, size int64) *syncer {
	s := &syncer{
		fd:    fd,
		dirty: make(chan struct{}, 1), much: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	s.synced.Store(size)
	go s.loop()
	return s
}

// wrote says how long the log is.
func (s *syncer) wrote(size int64) {
	s.size.Store(size)
	poke(s.dirty)
	if size-s.synced.Load() >= syncBytes {
		poke(s.much)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *syncer) loop() {
	defer close(s.done)
	for {
		select {
		case <-s.quit:
			return
		case <-s.dirty:
		}
		timer := time.NewTimer(syncAfter)
		select {
		case <-s.quit:
			timer.Stop()
			return
		case <-s.much:
		case <-timer.C:
		}
		timer.Stop()
		size := s.size.Load()
		s.sync()
		s.synced.Store(size)
	}
}

func (s *syncer) sync() {
	for {
		err := unix.Fdatasync(s.fd)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil && s.failed == nil {
			s.failed = fmt.Errorf("sync log: %w", err)
		}
		return
	}
}

// close ends the goroutine and makes all of the log durable.
func (s *syncer) close() error {
	close(s.quit)
	<-s.done
	s.sync()
	return s.failed
}
