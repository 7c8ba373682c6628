//go:build linux

// Package supervise is the process that looks after one job: it starts the
// entrypoint, moves its output into the log, reaps its tree and leaves in the
// job's slot how it ended.
//
// It is the same binary under a hidden verb, in a session of its own, so that
// the backend may be killed at any instant without harm to a job. It talks to
// the backend by files, by a datagram that says "look again", and by one
// descriptor at the start. What the slot means for the job's record, and what
// happens when a supervisor itself is killed, is left to packages jobs and
// runner.
package supervise

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/cgroup"
	"dray/backend/jobdir"
	"dray/backend/supervise/proctree"
	"dray/backend/supervise/pump"
)

// Verb is the hidden verb: the binary is run as "dray __supervise DIR".
const Verb = "__supervise"

// ConfirmFD is the descriptor of a socket on which the supervisor writes one
// byte when the slot names the child, and reads one when the backend holds it.
// It need not be there.
const ConfirmFD = 3

// Times of a supervisor.
const (
	confirmWait  = 100 * time.Millisecond // for the backend, before the gate opens
	killPatience = 10 * time.Second       // before a process is called unkillable
	saveRetry    = 500 * time.Millisecond // of a slot that could not be written
	killSoon     = 5 * time.Millisecond   // between passes of the kill loop
	killLater    = time.Second            // the same, when killing seems in vain
)

// Main supervises the job whose folder is dir and returns the exit code of
// this process. SIGTERM means: stop the job.
func Main(dir string) int {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(20)
	confirm := inherited() // before anything else can get that number
	closeInherited()
	d := jobdir.Open(dir)
	logFile := openLog(d)
	defer logFile.Close()
	s := &supervisor{
		dir: d, log: slog.New(slog.NewTextHandler(logFile, nil)),
		signals: make(chan os.Signal, 64),
		events:  make(chan func(), 16),
		timer:   time.NewTimer(0),
		confirm: confirm,
	}
	catchSignals(s.signals)
	defer signal.Stop(s.signals)
	unlock, err := s.prepare()
	switch {
	case errors.Is(err, errNotOurs):
		return 0
	case err != nil:
		s.log.Error("cannot supervise", "err", err)
		return 1
	}
	defer unlock()
	s.run()
	return 0
}

// catchSignals takes every signal that can be taken. None is ever ignored: an
// ignored one would be ignored in the job too. Those that were ignored before
// us become default in the job by being caught here.
func catchSignals(c chan os.Signal) {
	for n := unix.Signal(1); n <= 31; n++ {
		switch n {
		case unix.SIGKILL, unix.SIGSTOP, // cannot be caught
			unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, // our own crash
			unix.SIGURG, unix.SIGPROF: // the Go runtime's
		default:
			signal.Notify(c, n)
		}
	}
}

// inherited is the socket at ConfirmFD, or nil.
func inherited() *os.File {
	var st unix.Stat_t
	if unix.Fstat(ConfirmFD, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil
	}
	unix.CloseOnExec(ConfirmFD)
	if unix.SetNonblock(ConfirmFD, true) != nil {
		return nil
	}
	return os.NewFile(ConfirmFD, "confirm")
}

// closeInherited closes what whoever started the backend left open without
// saying so; a job must not hold it. Our own descriptors close on exec.
func closeInherited() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
}

// supervisor is the state of the one goroutine that runs; events are handed
// to it as functions.
type supervisor struct {
	dir     jobdir.Dir
	launch  jobdir.Launch
	environ []string
	log     *slog.Logger
	notify  *notifier
	signals chan os.Signal
	events  chan func()
	timer   *time.Timer

	writer  *jobdir.SlotWriter
	slot    jobdir.Slot
	unsaved bool // the slot on disk is older than s.slot
	saveAt  time.Time

	group     cgroup.Group // without a path: there is none
	leader    int          // pid of the child; 0 before it is made
	gate      *os.File     // nil once it is open
	confirm   *os.File     // nil when nobody is to be asked
	asked     bool
	confirmed bool
	childless bool // no descendant is left

	pump     *pump.Pump
	stopPump context.CancelFunc
	pumpDone chan struct{}
	pumped   *pump.Result // nil while it runs
	headDone bool

	failure  string // why the job could not be started
	stopping bool
	stopRule jobdir.StopRule
	killAt   time.Time // when the rest of the tree is killed; zero: not yet
	killFrom time.Time // when killing began
	finished bool      // the pump was told to finish
	over     bool      // sealed or failed, and saved
}

// run makes the child and serves events until the job is over.
func (s *supervisor) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.stopPump = cancel
	s.slot.Phase = jobdir.PhaseStarting
	s.save()
	if err := s.start(ctx); err != nil {
		s.fail(err.Error())
	}
	defer s.writer.Close()
	for !s.advance(time.Now()) {
		select {
		case sig := <-s.signals:
			if sig == unix.SIGTERM {
				s.stop()
			}
		case f := <-s.events:
			f()
		case <-s.timer.C:
		}
	}
	s.dropGroup()
	s.notify.close()
}

// advance does all that the present state asks for, sets the timer for what
// will be due later, and reports whether nothing is left to do.
func (s *supervisor) advance(now time.Time) (done bool) {
	s.reap()
	if s.unsaved && !now.Before(s.saveAt) {
		s.save()
	}
	s.admit()
	if s.slot.Exit != nil || s.failure != "" {
		s.windUp(now)
	}
	if !s.killAt.IsZero() && !now.Before(s.killAt) && !s.childless {
		s.kill(now)
	}
	s.seal()
	if s.over && !s.unsaved && s.childless {
		return true
	}
	s.arm(now)
	return false
}

// arm sets the timer for the earliest thing that is due.
func (s *supervisor) arm(now time.Time) {
	var next time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if s.unsaved {
		consider(s.saveAt)
	}
	if !s.childless {
		consider(s.killAt)
	}
	if next.IsZero() {
		s.timer.Stop()
		return
	}
	s.timer.Reset(max(next.Sub(now), 0))
}

// save writes the slot; when that fails it is tried again later.
func (s *supervisor) save() {
	err := s.writer.Write(s.slot)
	s.unsaved = err != nil
	if err != nil {
		s.log.Error("save state", "phase", s.slot.Phase, "err", err)
		s.saveAt = time.Now().Add(saveRetry)
		return
	}
	s.notify.slot()
}

// reap collects the dead of the tree. Without children there are no
// descendants either: orphans become our children.
func (s *supervisor) reap() {
	for {
		var status unix.WaitStatus
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &usage)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			s.childless = true
			return
		case err != nil || pid == 0:
			s.childless = false
			return
		}
		if pid == s.leader && s.slot.Exit == nil {
			s.exited(status, usage)
		}
	}
}

// exited records the end of the entrypoint at once: whatever happens now, the
// exit code is known.
func (s *supervisor) exited(status unix.WaitStatus, usage unix.Rusage) {
	exit := ExitOf(status)
	exit.UserMS, exit.SystemMS = unix.TimevalToNsec(usage.Utime)/1e6, unix.TimevalToNsec(usage.Stime)/1e6
	exit.MaxRSSKiB = usage.Maxrss
	s.slot.Exit = &exit
	s.noteOOM()
	switch {
	case s.stopping:
	case s.gate != nil:
		s.slot.Exit = nil
		s.fail("the process died before it could be started")
		return
	case exit.Code == gateFailed:
		if ran, err := s.dir.HasStarted(); err != nil || !ran {
			s.slot.Exit = nil
			s.fail("the start could not be recorded in the job's folder")
			return
		}
	}
	s.slot.Phase = jobdir.PhaseExited
	s.save()
}

// ExitOf says how a process ended, as of now.
func ExitOf(status unix.WaitStatus) jobdir.Exit {
	e := jobdir.Exit{Code: status.ExitStatus(), At: time.Now().UnixMilli()}
	if status.Signaled() {
		e.Signal = int(status.Signal())
		e.Code, e.CoreDumped = -e.Signal, status.CoreDump()
	}
	return e
}

// members are the processes of the job's tree; the dead ones too.
func (s *supervisor) members() []proctree.Stat {
	all, err := proctree.Snapshot()
	if err != nil {
		s.log.Error("look for the job's processes", "err", err)
		return nil
	}
	self := os.Getpid()
	return proctree.Descendants(all, func(p proctree.Stat) bool { return p.PPID == self })
}
