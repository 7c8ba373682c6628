//go:build linux

package proctree

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// pidfsMagic is the type of the file system whose inodes name processes for
// good (Linux ≥ 6.9); before it all pidfds share one inode.
const pidfsMagic = 0x50494446

// BootID is the kernel's name for the time since the machine was started.
func BootID() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// Handle is a process held by a pidfd: it never means another process, also
// after this one has ended. Close it.
type Handle struct {
	fd   int
	id   jobdir.Process
	once sync.Once
}

// OpenPID holds the process that has this pid now.
func OpenPID(pid int) (*Handle, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		if errors.Is(err, unix.ESRCH) {
			err = ErrGone
		}
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	h, err := Take(pid, fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return h, nil
}

// Take makes a Handle of a pidfd of the process pid; on success the Handle
// owns it.
func Take(pid, pidfd int) (*Handle, error) {
	boot, err := BootID()
	if err != nil {
		return nil, err
	}
	s, err := ReadStat(pid)
	if err != nil {
		return nil, err
	}
	// The pid may have changed hands between the opening and the read: then
	// the process behind the pidfd has been reaped, and knows no signals.
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); errors.Is(err, unix.ESRCH) {
		return nil, fmt.Errorf("open process %d: %w", pid, ErrGone)
	}
	return &Handle{fd: pidfd, id: jobdir.Process{PID: pid, StartTicks: s.StartTicks, PidfsInode: pidfsInode(pidfd), BootID: boot}}, nil
}

// Open holds the process p; the error wraps ErrGone when it does not exist
// any more, also when another one has its pid now.
func Open(p jobdir.Process) (*Handle, error) {
	if p.PID <= 0 {
		return nil, fmt.Errorf("open process %d: %w", p.PID, ErrGone)
	}
	h, err := OpenPID(p.PID)
	if err != nil {
		return nil, err
	}
	if !Same(h.id, p) {
		h.Close()
		return nil, fmt.Errorf("open process %d: another one has this pid: %w", p.PID, ErrGone)
	}
	return h, nil
}

// OpenStat holds the process that was seen as s.
func OpenStat(s Stat) (*Handle, error) {
	h, err := OpenPID(s.PID)
	if err != nil {
		return nil, err
	}
	if h.id.StartTicks != s.StartTicks {
		h.Close()
		return nil, fmt.Errorf("open process %d: another one has this pid: %w", s.PID, ErrGone)
	}
	return h, nil
}

// Same reports whether a and b are one process. The inode decides where both
// have one: two processes can start within one tick.
func Same(a, b jobdir.Process) bool {
	if a.PidfsInode != 0 && b.PidfsInode != 0 && a.PidfsInode != b.PidfsInode {
		return false
	}
	return a.PID == b.PID && a.StartTicks == b.StartTicks && a.BootID == b.BootID
}

func pidfsInode(fd int) uint64 {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != pidfsMagic || unix.Fstat(fd, &st) != nil {
		return 0
	}
	return st.Ino
}

// ID is the identity of the process.
func (h *Handle) ID() jobdir.Process { return h.id }

// Signal sends sig; the error wraps ErrGone when the process was reaped.
func (h *Handle) Signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(h.fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		err = ErrGone
	}
	if err != nil {
		return fmt.Errorf("signal process %d: %w", h.id.PID, err)
	}
	return nil
}

// Ended reports whether the process has ended, reaped or not.
func (h *Handle) Ended() bool { return ended(h.fd) }

func ended(pidfd int) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return n > 0 && fds[0].Revents != 0
	}
}

// Watch calls call when the process has ended. It returns a function that
// gives up and waits until call has returned or cannot be made any more.
func (h *Handle) Watch(call func()) (cancel func(), err error) {
	fd, err := unix.FcntlInt(uintptr(h.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("watch process %d: %w", h.id.PID, err)
	}
	// A non-blocking descriptor joins the runtime's poller: no thread waits.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("watch process %d: %w", h.id.PID, err)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	raw, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("watch process %d: %w", h.id.PID, err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		if raw.Read(func(fd uintptr) bool { return ended(int(fd)) }) == nil {
			call()
		}
	})
	return func() {
		_ = f.Close()
		done.Wait()
	}, nil
}

// ExitStatus asks the kernel how the process ended, as wait4 would say it. It
// works for a process that was reaped by others (Linux ≥ 6.15) and for a
// zombie; ok is false while the kernel does not tell.
func (h *Handle) ExitStatus() (status unix.WaitStatus, ok bool) {
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	if unix.IoctlPidfdInfo(h.fd, &info) == nil && info.Mask&unix.PIDFD_INFO_EXIT != 0 {
		return unix.WaitStatus(info.Exit_code), true
	}
	s, err := ReadStat(h.id.PID)
	if err != nil || !s.Dead() || s.StartTicks != h.id.StartTicks {
		return 0, false
	}
	// Zero is also what is shown to somebody who may not see it; only the
	// owner of a process, or root, can be sure.
	if s.WaitStatus == 0 && !mayInspect(h.id.PID) {
		return 0, false
	}
	return unix.WaitStatus(s.WaitStatus), true
}

// mayInspect reports whether the kernel shows us the guarded fields of pid.
func mayInspect(pid int) bool {
	if os.Geteuid() == 0 {
		return true
	}
	var st unix.Stat_t
	// /proc/PID belongs to root when the process is not dumpable.
	return unix.Stat(fmt.Sprintf("/proc/%d", pid), &st) == nil && int(st.Uid) == os.Geteuid()
}

// Close lets go of the process.
func (h *Handle) Close() {
	h.once.Do(func() { _ = unix.Close(h.fd) })
}
