//go:build linux

package supervise

import (
	"errors"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// What a datagram to the backend can say after the folder's name and a NUL.
const (
	NotifySlot = "slot" // the slot was written
	NotifyLog  = "log"  // the log grew
)

// Times of the datagrams.
const (
	growthPause = 10 * time.Millisecond // between two that tell of growth
	fullPause   = 20 * time.Millisecond // after the backend's queue was full
)

// notifier tells the backend to look again. Nothing depends on it but speed:
// without a backend the datagrams are dropped.
type notifier struct {
	fd   int // -1: nobody to tell
	to   *unix.SockaddrUnix
	name string

	mu     sync.Mutex
	slots  bool // to be told
	growth bool
	last   time.Time   // of the last datagram about growth
	timer  *time.Timer // runs while something is to be told later
}

func newNotifier(socket string, d jobdir.Dir) *notifier {
	n := &notifier{fd: -1, to: &unix.SockaddrUnix{Name: socket}, name: filepath.Base(d.Path())}
	if socket == "" {
		return n
	}
	if fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err == nil {
		n.fd = fd
	}
	return n
}

// slot tells at once that the slot changed.
func (n *notifier) slot() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.slots = true
	n.send()
}

// grew tells that the log grew, unless it did so a moment ago: then later.
func (n *notifier) grew() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.growth = true
	n.send()
}

// send tells what can be told now and sets the timer for the rest.
func (n *notifier) send() {
	if n.fd < 0 {
		return
	}
	if n.slots {
		if n.slots = !n.datagram(NotifySlot); n.slots {
			n.later(fullPause)
		}
	}
	if !n.growth {
		return
	}
	if wait := growthPause - time.Since(n.last); wait > 0 {
		n.later(wait)
		return
	}
	if n.growth = !n.datagram(NotifyLog); n.growth {
		n.later(fullPause)
		return
	}
	n.last = time.Now()
}

// later sends again after d. The timer's goroutine ends by itself.
func (n *notifier) later(d time.Duration) {
	if n.timer != nil {
		return
	}
	n.timer = time.AfterFunc(d, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.timer = nil
		n.send()
	})
}

// datagram reports false when the backend's queue is full.
func (n *notifier) datagram(kind string) bool {
	msg := append(append([]byte(n.name), 0), kind...)
	err := unix.Sendto(n.fd, msg, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, n.to)
	return !errors.Is(err, unix.EAGAIN)
}

// close drops what was not told yet: the backend sees that we end.
func (n *notifier) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.timer != nil {
		n.timer.Stop()
	}
	if n.fd >= 0 {
		_ = unix.Close(n.fd)
		n.fd = -1
	}
}
