//go:build linux

package logstore

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// missingEvery is how often a file is looked for that is not there yet.
const missingEvery = 100 * time.Millisecond

// watcher waits for a file to be written to.
type watcher struct {
	path    string
	events  *os.File // nil when the system has no watch left
	fd      int      // of events, whose Fd would make it blocking
	watched bool
	buf     [4096]byte
}

func newWatcher(path string) *watcher {
	w := &watcher{path: path}
	if fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
		w.events, w.fd = os.NewFile(uintptr(fd), "inotify"), fd
	}
	w.watch()
	return w
}

// watch watches the file that has the path now.
func (w *watcher) watch() {
	if w.events == nil || w.watched {
		return
	}
	const what = unix.IN_MODIFY | unix.IN_MOVE_SELF | unix.IN_DELETE_SELF
	_, err := unix.InotifyAddWatch(w.fd, w.path, what)
	w.watched = err == nil
}

// wait returns when the file has changed, when most has passed, or with ctx.
func (w *watcher) wait(ctx context.Context, most time.Duration) {
	before := w.watched
	w.watch()
	if w.watched && !before {
		return // what was written until now made no event
	}
	if !w.watched {
		most = min(most, missingEvery)
	}
	if most <= 0 {
		return
	}
	if w.events == nil {
		pause(ctx, most)
		return
	}
	deadline := time.Now().Add(most) //nolint:forbidigo // the poller goes by the real clock
	if w.events.SetReadDeadline(deadline) != nil {
		pause(ctx, most)
		return
	}
	defer context.AfterFunc(ctx, func() { _ = w.events.SetReadDeadline(time.Unix(1, 0)) })()
	n, err := w.events.Read(w.buf[:])
	if err == nil && hasGone(w.buf[:n]) {
		w.watched = false
	}
}

func (w *watcher) close() {
	if w.events != nil {
		w.events.Close()
	}
}

// hasGone reports whether one of the events says that the file has left its
// path.
func hasGone(p []byte) bool {
	for len(p) >= unix.SizeofInotifyEvent {
		mask := uint32(p[4]) | uint32(p[5])<<8 | uint32(p[6])<<16 | uint32(p[7])<<24
		if mask&(unix.IN_MOVE_SELF|unix.IN_DELETE_SELF|unix.IN_IGNORED) != 0 {
			return true
		}
		name := int(p[12]) | int(p[13])<<8
		p = p[min(len(p), unix.SizeofInotifyEvent+name):]
	}
	return false
}

// pause waits for some time, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
