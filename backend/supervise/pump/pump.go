//go:build linux

// Package pump moves what a job prints from its FIFO into its log.
//
// The bytes go by splice, from the pipe to the file inside the kernel: a pump
// that is killed at any instant neither loses nor doubles a byte, and the next
// one goes on at the end of the file. When the file cannot grow the bytes stay
// in the pipe and the job sleeps in its write. Who may pump, one at a time, and
// when the log is complete is decided by packages supervise and runner.
package pump

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// Bounds of the pump's work.
const (
	chunk      = 1 << 20
	smallChunk = 64 << 10 // of the way without splice
	minBackoff = 20 * time.Millisecond
	maxBackoff = time.Second
)

// Config is what a pump works on.
type Config struct {
	FIFO int    // reading end, non-blocking; the pump owns it
	Log  string // path of the log
	Head []byte // goes into the log before anything from the pipe

	// Grew is called with the size of the log after it grew.
	Grew func(size int64)
	// Blocked is called with the reason when the log cannot be written, and
	// with "" when it can be again.
	Blocked func(reason string)
	// HeadDone is called once, when Head is in the log.
	HeadDone func()
}

// Pump is one pump. Run it once.
type Pump struct {
	cfg      Config
	fifo     *os.File
	log      *os.File
	logFD    int
	size     int64
	pending  []byte // read, or the head, and not yet in the log
	noSplice bool
	looks    int    // into the pipe
	stuck    string // why the log cannot be written
	backoff  time.Duration
	finish   atomic.Bool
	sync     *syncer
}

// Result is how a pump ended.
type Result struct {
	Size  int64 // bytes in the log
	EOF   bool  // nobody holds the writing end any more
	Late  bool  // EOF at the first look: nobody held it when the pump began
	Error error // the log could not be made durable
}

// New opens the log of a job and stands at its end. The FIFO is closed when
// New fails.
func New(cfg Config) (*Pump, error) {
	// Never O_APPEND: splice refuses it.
	log, err := os.OpenFile(cfg.Log, os.O_WRONLY, 0)
	if err != nil {
		_ = unix.Close(cfg.FIFO)
		return nil, fmt.Errorf("open log: %w", err)
	}
	info, err := log.Stat()
	if err != nil {
		_ = unix.Close(cfg.FIFO)
		_ = log.Close()
		return nil, fmt.Errorf("open log: %w", err)
	}
	return &Pump{
		cfg: cfg, log: log, logFD: int(log.Fd()), size: info.Size(), pending: cfg.Head,
		fifo: os.NewFile(uintptr(cfg.FIFO), "fifo"),
	}, nil
}

// OpenFIFO opens the reading end of a job's FIFO without waiting for a writer.
func OpenFIFO(d jobdir.Dir) (int, error) {
	fd, err := unix.Open(d.FIFO(), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: d.FIFO(), Err: err}
	}
	return fd, nil
}

// Run pumps until no writer is left, or after Finish until the pipe is empty,
// and makes the log durable then. It ends early, leaving the rest in the pipe,
// when ctx ends; the error is that of ctx.
func (p *Pump) Run(ctx context.Context) (Result, error) {
	defer p.log.Close()
	defer p.fifo.Close()
	p.sync = newSyncer(p.logFD, p.size)
	// A deadline in the past wakes the reader.
	stop := context.AfterFunc(ctx, func() { _ = p.fifo.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	eof, err := p.run(ctx)
	syncErr := p.sync.close()
	if err != nil {
		return Result{Size: p.size}, err
	}
	return Result{Size: p.size, EOF: eof, Late: eof && p.looks == 1, Error: syncErr}, nil
}

// Finish makes Run return as soon as the pipe is empty.
func (p *Pump) Finish() {
	p.finish.Store(true)
	_ = p.fifo.SetReadDeadline(time.Unix(1, 0))
}

func (p *Pump) run(ctx context.Context) (eof bool, err error) {
	if err := p.flush(ctx); err != nil {
		return false, err
	}
	if p.cfg.HeadDone != nil {
		p.cfg.HeadDone()
	}
	raw, err := p.fifo.SyscallConn()
	if err != nil {
		return false, fmt.Errorf("read output: %w", err)
	}
	for ctx.Err() == nil {
		n, err := p.step(raw)
		switch {
		case err == nil && n == 0:
			return true, nil
		case err == nil:
			if err := p.flush(ctx); err != nil {
				return false, err
			}
			p.progress()
		case errors.Is(err, unix.EAGAIN):
			if p.finish.Load() {
				return false, nil
			}
		case errors.Is(err, errPipe):
			return false, err
		default:
			if err := p.wait(ctx, err); err != nil {
				return false, err
			}
		}
	}
	return false, ctx.Err()
}

// errPipe means that the pipe itself cannot be used.
var errPipe = errors.New("read output")

// rawConn is the part of syscall.RawConn that a pump uses.
type rawConn interface {
	Read(f func(fd uintptr) bool) error
	Control(f func(fd uintptr)) error
}

// step waits until there is something in the pipe and moves it. When the pump
// is to finish, or a deadline woke it, it does not wait: EAGAIN.
func (p *Pump) step(raw rawConn) (n int, moveErr error) {
	if !p.finish.Load() {
		err := raw.Read(func(fd uintptr) bool {
			n, moveErr = p.move(int(fd))
			return !errors.Is(moveErr, unix.EAGAIN)
		})
		if err == nil {
			return n, moveErr
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, fmt.Errorf("%w: %w", errPipe, err)
		}
	}
	if err := raw.Control(func(fd uintptr) { n, moveErr = p.move(int(fd)) }); err != nil {
		return 0, fmt.Errorf("%w: %w", errPipe, err)
	}
	return n, moveErr
}

// move takes a piece out of the pipe; 0 without an error is the end. Where
// splice works the piece is in the log then, else in p.pending.
func (p *Pump) move(fd int) (int, error) {
	p.looks++
	for !p.noSplice {
		at := p.size
		n, err := unix.Splice(fd, nil, p.logFD, &at, chunk, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EINVAL):
			// A file system without splice. Weaker: what is in memory when the
			// pump is killed is lost.
			p.noSplice = true
		case err != nil:
			return 0, err
		default:
			p.size = at
			return int(n), nil
		}
	}
	buf := make([]byte, smallChunk)
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, err
		}
		p.pending = buf[:n]
		return n, nil
	}
}

// flush writes what is pending, however long the disk is full.
func (p *Pump) flush(ctx context.Context) error {
	for len(p.pending) > 0 {
		n, err := p.log.WriteAt(p.pending, p.size)
		p.pending = p.pending[n:]
		p.size += int64(n)
		if err == nil {
			p.progress()
			continue
		}
		if err := p.wait(ctx, err); err != nil {
			return err
		}
	}
	return nil
}

// progress tells that the log grew.
func (p *Pump) progress() {
	p.backoff = 0
	if p.stuck != "" {
		p.stuck = ""
		p.cfg.Blocked("")
	}
	p.sync.wrote(p.size)
	p.cfg.Grew(p.size)
}

// wait lets some time pass after the log refused to grow. The job may be
// asleep in its write meanwhile; it loses nothing.
func (p *Pump) wait(ctx context.Context, cause error) error {
	if reason := blockedText(cause); reason != p.stuck {
		p.stuck = reason
		p.cfg.Blocked(reason)
	}
	p.backoff = min(max(2*p.backoff, minBackoff), maxBackoff)
	again := time.NewTimer(p.backoff)
	defer again.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-again.C:
		return nil
	}
}

func blockedText(err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return "the disk is full"
	case errors.Is(err, unix.EDQUOT):
		return "the disk quota is used up"
	case errors.Is(err, unix.EROFS):
		return "the disk is read-only"
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		return "the log cannot be written: " + errno.Error()
	}
	return "the log cannot be written: " + err.Error()
}
