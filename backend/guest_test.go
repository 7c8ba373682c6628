//go:build linux

package backend

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// An event makes a guest look at once and for a while; a failure makes it wait
// longer and longer.
func TestLooking(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := looking{events: true}
	want := func(at time.Duration, err error, pauses ...time.Duration) {
		t.Helper()
		for _, p := range pauses {
			if got := l.pause(now.Add(at), err); got != p {
				t.Errorf("at %v, err %v: pause %v, want %v", at, err, got, p)
			}
		}
	}
	const ms = time.Millisecond
	want(0, nil, lookEvery, lookEvery)
	l.changed(now)
	want(0, nil, 1*ms, 2*ms, 4*ms, 8*ms, 16*ms, 32*ms, 64*ms, 100*ms, 100*ms)
	want(lookAfter, nil, lookEvery)
	failed := errors.New("no")
	l.last = 0
	want(0, failed, 100*ms, 200*ms, 400*ms, 800*ms, 1600*ms, 3200*ms, lookFailed, lookFailed)
	l.events = false
	want(lookAfter, nil, lookSoon, lookSoon)
}

// The end of the holder is an event; those who only try the lock make none,
// or guests would wake each other.
func TestLockWatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	holder := newLockFile(path)
	take(t, holder, true)
	w, err := watchLock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for range 3 {
		take(t, newLockFile(path), false)
	}
	if _, err := holder.read(); err == nil {
		t.Error("nothing was announced, and it was read")
	}
	if pending, err := unread(w); err != nil || pending != 0 || len(w.changed) != 0 {
		t.Errorf("%d bytes of events, %d events, %v: trying the lock is no event", pending, len(w.changed), err)
	}
	if err := holder.release(); err != nil {
		t.Fatal(err)
	}
	event(t, w, "the holder released the lock")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	event(t, w, "the file was removed")
	if err := w.renew(); !errors.Is(err, unix.ENOENT) {
		t.Errorf("watch a file that is not there: %v", err)
	}
	take(t, holder, true) // makes another file
	if err := w.renew(); err != nil {
		t.Fatal(err)
	}
	for len(w.changed) > 0 {
		<-w.changed
	}
	if err := holder.release(); err != nil {
		t.Fatal(err)
	}
	event(t, w, "the holder of the new file released it")
}

func take(t *testing.T, l *lockFile, want bool) {
	t.Helper()
	if got, err := l.try(); err != nil || got != want {
		t.Fatalf("took the lock: %t, %v, want %t", got, err, want)
	}
}

// unread is how many bytes of events the kernel has for w.
func unread(w *lockWatch) (n int, err error) {
	raw, err := w.inotify.SyscallConn()
	if err != nil {
		return 0, err
	}
	var ioctlErr error
	if err := raw.Control(func(fd uintptr) { n, ioctlErr = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); err != nil {
		return 0, err
	}
	return n, ioctlErr
}

func event(t *testing.T, w *lockWatch, cause string) {
	t.Helper()
	select {
	case <-w.changed:
	case <-time.After(10 * time.Second):
		t.Fatalf("no event: %s", cause)
	}
}
