//go:build linux

package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/supervise/proctree"
	"dray/backend/supervise/pump"
)

// errNotOurs means that there is nothing to do for this process: another
// supervisor lives, or the job has run before.
var errNotOurs = errors.New("not to be supervised by this process")

// The gate: the child reads a line from descriptor 3, marks that it passed,
// without needing space on the disk, and becomes the entrypoint's shell. When
// the supervisor dies before it opened the gate, the read ends and nothing ran.
const (
	gateScript = `IFS= read -r go <&3 || exit 125
printf 1 1<>"$1" || exit 125
exec 3<&-
exec /bin/sh -c "$2"`
	gateFailed = 125
	shell      = "/bin/sh"
	jobUmask   = 0o022 // as Ray's
	oomRaise   = 300   // so that the kernel takes the job before its supervisor
)

// prepare takes the job's lock and opens its state. The error is errNotOurs
// when another supervisor was faster, or the entrypoint ran before.
func (s *supervisor) prepare() (unlock func(), err error) {
	lock, err := os.OpenFile(s.dir.Lock(), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("lock job folder: %w", err)
	}
	unlock = func() { _ = lock.Close() }
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unlock()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errNotOurs
		}
		return nil, fmt.Errorf("lock job folder: %w", err)
	}
	if err := s.load(); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

func (s *supervisor) load() error {
	ran, err := s.dir.HasStarted()
	if err != nil {
		return fmt.Errorf("read mark: %w", err)
	}
	if ran {
		s.log.Error("the job has run before; it is not started again")
		return errNotOurs
	}
	if s.writer, err = s.dir.OpenSlot(); err != nil {
		return err
	}
	self, err := proctree.OpenPID(os.Getpid())
	if err != nil {
		return err
	}
	s.slot.Shim = self.ID()
	self.Close()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become reaper: %w", err)
	}
	launch, err := s.dir.Launch()
	if err != nil {
		s.failure = err.Error()
	}
	s.launch = launch
	s.notify = newNotifier(launch.NotifySocket, s.dir)
	environ, err := s.dir.Environ()
	if err != nil {
		s.failure = err.Error()
	}
	mark, err := proctree.Mark(s.dir)
	if err != nil {
		s.failure = err.Error()
	}
	s.environ = proctree.WithMark(environ, mark)
	return nil
}

// start makes the child, which waits at the gate. An error means that the job
// cannot be started, and says why to its user.
func (s *supervisor) start(ctx context.Context) error {
	if s.failure != "" {
		return errors.New(s.failure)
	}
	if err := truncate(s.dir.Log(), s.launch.LogBase); err != nil {
		return err
	}
	fifo, err := unix.Open(s.dir.FIFO(), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the job's output %s: %w", s.dir.FIFO(), err)
	}
	defer unix.Close(fifo)
	if err := s.startPump(ctx); err != nil {
		return err
	}
	if err := checkLaunch(s.launch); err != nil {
		return err
	}
	s.makeGroup()
	if err := s.spawn(fifo); err != nil {
		return err
	}
	raiseOOMScore(s.leader)
	h, err := proctree.OpenPID(s.leader)
	if err != nil {
		return err
	}
	id := h.ID()
	h.Close()
	s.slot.Phase, s.slot.Leader, s.slot.StartedAt = jobdir.PhaseRunning, &id, time.Now().UnixMilli()
	s.save()
	return nil
}

// truncate drops what an earlier attempt wrote that never ran the entrypoint.
func truncate(log string, base int64) error {
	info, err := os.Stat(log)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	if info.Size() <= base {
		return nil
	}
	if err := os.Truncate(log, base); err != nil {
		return fmt.Errorf("truncate log: %w", err)
	}
	return nil
}

// startPump begins to move output, after the line that Ray writes first. The
// pump's goroutine ends with the tree's output, or with ctx.
func (s *supervisor) startPump(ctx context.Context) error {
	fd, err := pump.OpenFIFO(s.dir)
	if err != nil {
		return fmt.Errorf("open the job's output: %w", err)
	}
	p, err := pump.New(pump.Config{
		FIFO: fd, Log: s.dir.Log(),
		Head:     fmt.Appendf(nil, "Running entrypoint for job %s: %s\n", s.launch.ID, s.launch.Entrypoint),
		Grew:     func(int64) { s.notify.grew() },
		Blocked:  func(reason string) { s.events <- func() { s.blocked(reason) } },
		HeadDone: func() { s.events <- func() { s.headDone = true } },
	})
	if err != nil {
		return err
	}
	s.pump = p
	s.pumpDone = make(chan struct{})
	go func() {
		r, err := p.Run(ctx)
		close(s.pumpDone)
		s.events <- func() { s.pumpEnded(r, err) }
	}()
	return nil
}

func checkLaunch(l jobdir.Launch) error {
	if strings.ContainsRune(l.Entrypoint, 0) {
		return errors.New("the entrypoint contains a NUL character; no command can")
	}
	info, err := os.Stat(l.Dir)
	switch {
	case err == nil && !info.IsDir():
		err = unix.ENOTDIR
	case err == nil:
		err = unix.Access(l.Dir, unix.X_OK)
	}
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return fmt.Errorf("cannot enter the working directory %s: %w", l.Dir, err)
	}
	return nil
}

// spawn makes the gated child, with fifo as its output.
func (s *supervisor) spawn(fifo int) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("start the entrypoint: %w", err)
	}
	defer null.Close()
	gateRead, gateWrite, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start the entrypoint: %w", err)
	}
	defer gateRead.Close()
	command := s.launch.Command
	if command == "" {
		command = s.launch.Entrypoint
	}
	pid, err := s.forkInside(
		[]string{shell, "-c", gateScript, "sh", s.dir.Started(), command},
		&syscall.ProcAttr{
			Dir: s.launch.Dir, Env: s.environ,
			Files: []uintptr{null.Fd(), uintptr(fifo), uintptr(fifo), gateRead.Fd()},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
	if err != nil {
		_ = gateWrite.Close()
		return fmt.Errorf("start the entrypoint: %w", err)
	}
	s.leader, s.gate, s.childless = pid, gateWrite, false
	return nil
}

// forkExec starts the child with no signal blocked: whoever started the
// backend may have blocked some. Not by os/exec, whose Wait would compete with
// ours for all children.
func forkExec(argv []string, attr *syscall.ProcAttr) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var none, before unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &before); err != nil {
		return 0, fmt.Errorf("unblock signals: %w", err)
	}
	own := unix.Umask(jobUmask)
	pid, err := syscall.ForkExec(argv[0], argv, attr)
	unix.Umask(own)
	return pid, errors.Join(err, unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil))
}

func raiseOOMScore(pid int) {
	path := fmt.Sprintf("/proc/%d/oom_score_adj", pid)
	data, err := os.ReadFile(path)
	if err != nil {
		return // a kernel without the file protects nobody
	}
	score, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return
	}
	_ = os.WriteFile(path, strconv.AppendInt(nil, int64(min(score+oomRaise, 1000)), 10), 0)
}

// admit opens the gate when the child is on record, the log has its first
// line, and the backend holds the child or was given the time to.
func (s *supervisor) admit() {
	if s.gate == nil || s.stopping || s.unsaved || !s.headDone || s.slot.Exit != nil || s.failure != "" {
		return
	}
	if s.confirm != nil && !s.asked {
		s.asked = true
		go s.ask()
	}
	if s.confirm != nil && !s.confirmed {
		return
	}
	if _, err := s.gate.WriteString("1\n"); err != nil {
		s.log.Error("open the gate", "err", err) // the child is dead, and will be reaped
	}
	_ = s.gate.Close()
	s.gate = nil
}

// ask waits until the backend says that it holds the child, has gone, or took
// too long.
func (s *supervisor) ask() {
	defer s.confirm.Close()
	if s.confirm.SetDeadline(time.Now().Add(confirmWait)) == nil {
		if _, err := s.confirm.Write([]byte{'?'}); err == nil {
			_, _ = s.confirm.Read(make([]byte, 1))
		}
	}
	s.events <- func() { s.confirmed = true }
}
