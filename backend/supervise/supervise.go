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
	"fmt"
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
	exitSync     = 50 * time.Millisecond  // until an exit is made durable without its seal
	tidyAfter    = time.Second            // of a supervisor whose job is not a short one
	logPatience  = 2 * time.Second        // of a stopped job with output that the disk does not take
)

// Main supervises the job whose folder is dir and returns the exit code of
// this process. SIGTERM means: stop the job.
func Main(dir string) int {
	runtime.GOMAXPROCS(1)
	// Most jobs are over before there is anything to collect.
	debug.SetGCPercent(-1)
	tidy := time.AfterFunc(tidyAfter, func() { debug.SetGCPercent(20); debug.FreeOSMemory() })
	defer tidy.Stop()
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

// catchSignals takes every signal that would end or stop us, or that whoever
// started the backend may have had ignored. None is ever ignored: an ignored one
// would be ignored in the job too; by being caught here it becomes default
// there. The Go runtime catches the others by itself.
func catchSignals(c chan os.Signal) {
	signal.Notify(c, unix.SIGTERM, unix.SIGCHLD, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE,
		unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT, unix.SIGSYS, unix.SIGSTKFLT)
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
	syncAt  time.Time // when a slot that was written must be made durable; zero: it is

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

	failure   string // why the job could not be started
	abandoned bool   // the child never ran, and the job is to be started again
	stopping  bool
	stopRule  jobdir.StopRule
	killAt    time.Time // when the rest of the tree is killed; zero: not yet
	killFrom  time.Time // when killing began
	finished  bool      // the pump was told to finish
	dropAt    time.Time // when output that the disk does not take is given up; zero: never
	over      bool      // sealed or failed, and saved
}

// run makes the child and serves events until the job is over.
func (s *supervisor) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.stopPump = cancel
	s.slot.Phase = jobdir.PhaseStarting
	s.put()
	s.syncAt = time.Time{} // after a power cut it means no more than none
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
	if s.reap(); s.abandoned {
		return true
	}
	if due := !s.syncAt.IsZero() && !now.Before(s.syncAt); due || s.unsaved && !now.Before(s.saveAt) {
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
	consider(s.dropAt)
	consider(s.syncAt)
	if next.IsZero() {
		s.timer.Stop()
		return
	}
	s.timer.Reset(max(next.Sub(now), 0))
}

// save makes the slot durable; when that fails it is tried again later.
func (s *supervisor) save() { s.wrote(s.writer.Write(s.slot)) }

// put writes the slot so that it outlives us. It is made durable by the next
// save, which is due soon.
func (s *supervisor) put() {
	s.wrote(s.writer.Put(s.slot))
	s.syncAt = time.Now().Add(exitSync)
}

func (s *supervisor) wrote(err error) {
	s.unsaved, s.syncAt = err != nil, time.Time{}
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
	if !s.stopping && s.neverRan(exit) {
		s.slot.Exit = nil
		return
	}
	s.slot.Phase = jobdir.PhaseExited
	s.put()
}

// neverRan reports whether the child ended before it became the entrypoint,
// and decides what then becomes of the job. A child that was killed there, by
// the kernel for want of memory or by a stranger, is no fault of the job: this
// process ends as if it had been killed itself, and whoever finds that the mark
// is missing starts the job again.
func (s *supervisor) neverRan(exit jobdir.Exit) bool {
	ran, err := s.dir.HasStarted()
	switch {
	case ran || err != nil && exit.Code != gateFailed:
		return false
	case s.failure != "":
	case exit.Signal != 0:
		s.log.Error("the child was killed before it became the entrypoint", "signal", exit.Signal)
		s.abandoned = true
		s.stopPump()
	case exit.Code == gateFailed && s.gate == nil:
		s.fail("the start could not be recorded in the job's folder")
	default:
		s.fail(fmt.Sprintf("the shell ended with code %d before the entrypoint could be started", exit.Code))
	}
	return true
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
