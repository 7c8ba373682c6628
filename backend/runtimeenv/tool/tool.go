//go:build linux

// Package tool runs the programs that build environments: pip, uv, conda. It
// streams their output, keeps the last lines for the error, and leaves no
// process of theirs behind, even when this process is killed.
//
// Which program is run with what is the business of package runtimeenv.
package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Command is one run of a program.
type Command struct {
	Args []string
	Env  []string // "K=V"
	Dir  string
	Mark string // what its processes are known by, one for each environment
	Out  io.Writer
}

// Error is a program that could not be started or ended otherwise than with 0.
type Error struct {
	Name string // of the program, without arguments, which may hold a password
	Tail string // its last lines
	Err  error
}

// Error ends with the last lines of the output, which hold the reason.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v.", e.Name, e.Err)
	if e.Tail != "" {
		text += fmt.Sprintf(" Last %d lines of stdout:\n%s", tailLines, e.Tail)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

const (
	markName  = "DRAY_ENV_BUILD"
	waitDelay = 5 * time.Second
)

// Run runs the program to its end; title names it in the error. Output and
// errors of the program go to Out, its input is empty. When the context ends
// all its processes are killed and the error is the context's; what it left
// running when it ends by itself is killed too. Any other error is an *Error.
func Run(ctx context.Context, title string, c Command) error {
	out := newOutput(c.Out)
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...) //nolint:gosec // the job's own choice of tool
	cmd.Env = append(c.Env, markName+"="+c.Mark)
	cmd.Dir = c.Dir
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return errors.Join(err, KillMarked(c.Mark))
	}
	cmd.WaitDelay = waitDelay
	// The signal at our death is sent when the thread that started the program
	// ends, so that thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	out.flush()
	if left := KillMarked(c.Mark); left != nil {
		err = errors.Join(err, left)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &Error{Name: title, Tail: out.last(), Err: err}
	}
	return nil
}

// Output runs a short program and returns what it printed.
func Output(ctx context.Context, title string, c Command) ([]byte, error) {
	var buf bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...) //nolint:gosec // as above
	cmd.Env, cmd.Dir = c.Env, c.Dir
	var errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &buf, &errOut
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Name: title, Tail: Mask(strings.TrimSpace(errOut.String())), Err: err}
	}
	return buf.Bytes(), nil
}

// KillMarked kills the processes that carry the mark and returns when none is
// left: those of a run that was given up, or that a killed backend left. A
// process that cleared its environment is not found.
func KillMarked(mark string) error {
	entry := []byte("\x00" + markName + "=" + mark + "\x00")
	deadline := time.Now().Add(2 * time.Second)
	for {
		n, err := killOnce(entry)
		switch {
		case err != nil || n == 0:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("%d processes of an environment's build do not end", n)
		}
		time.Sleep(5 * time.Millisecond) // the kernel tells nobody but the parent
	}
}

func killOnce(entry []byte) (found int, err error) {
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range procs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		p, err := os.FindProcess(pid) // before the look at it, so that the signal cannot meet another
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err == nil && bytes.Contains(append([]byte{0}, env...), entry) {
			found++
			_ = p.Kill() // gone meanwhile: the next look tells
		}
		_ = p.Release()
	}
	return found, nil
}
