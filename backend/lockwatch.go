//go:build linux

package backend

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockWatch tells when the lock may have become free: when its holder, who
// alone writes to the file, has closed it or has died.
type lockWatch struct {
	path    string
	inotify *os.File
	changed chan struct{} // holds one event at the most
	done    chan struct{} // the reader has ended
}

// watchLock begins to watch. Close ends it.
func watchLock(path string) (*lockWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch the backend's lock: %w", err)
	}
	w := &lockWatch{
		path:    path,
		inotify: os.NewFile(uintptr(fd), "inotify"),
		changed: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := w.renew(); err != nil {
		_ = w.inotify.Close()
		return nil, err
	}
	go w.read()
	return w, nil
}

// renew watches the file that has the lock's name now, which may be another
// one than before.
func (w *lockWatch) renew() error {
	raw, err := w.inotify.SyscallConn()
	if err != nil {
		return fmt.Errorf("watch the backend's lock: %w", err)
	}
	var addErr error
	err = raw.Control(func(fd uintptr) {
		_, addErr = unix.InotifyAddWatch(int(fd), w.path, unix.IN_CLOSE_WRITE|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_ATTRIB)
	})
	if err == nil {
		err = addErr
	}
	if err != nil {
		return fmt.Errorf("watch the backend's lock: %w", err)
	}
	return nil
}

// read passes the events on until the watch is closed. What they say does not
// matter: whether the lock is free shows when it is tried.
func (w *lockWatch) read() {
	defer close(w.done)
	buf := make([]byte, 4096)
	for {
		if _, err := w.inotify.Read(buf); err != nil {
			return
		}
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
}

func (w *lockWatch) close() {
	_ = w.inotify.Close() // its reader returns
	<-w.done
}
