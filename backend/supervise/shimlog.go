//go:build linux

package supervise

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// maxLog bounds a supervisor's own log, in bytes.
const maxLog = 256 << 10

// capped is a file that takes what fits and drops the rest.
type capped struct {
	mu   sync.Mutex
	f    *os.File // nil: drops all
	room int64
}

// openLog opens the supervisor's log, also as standard error, for the traces
// of a crash. A log that cannot be opened drops everything.
func openLog(d jobdir.Dir) io.WriteCloser {
	f, err := os.OpenFile(d.ShimLog(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return &capped{}
	}
	c := &capped{f: f, room: maxLog}
	if info, err := f.Stat(); err == nil {
		c.room -= info.Size()
	}
	if c.room > maxLog/8 {
		_ = unix.Dup3(int(f.Fd()), 2, 0)
	}
	return c
}

// Write never fails: nothing of a job depends on this log.
func (c *capped) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f != nil && int64(len(b)) <= c.room {
		n, _ := c.f.Write(b)
		c.room -= int64(n)
	}
	return len(b), nil
}

// Close closes the file.
func (c *capped) Close() error {
	if c.f == nil {
		return nil
	}
	return c.f.Close()
}
