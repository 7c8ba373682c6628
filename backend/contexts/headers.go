package contexts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// source remembers the headers of a token and a command. It may be used by
// several goroutines; one of them fetches.
type source struct {
	token   func() (string, error) // nil: none
	command *command               // nil: none
	now     func() time.Time

	lock    chan struct{} // holds one: who fetches; guards what follows
	have    http.Header
	fetched time.Time
	believe time.Duration // how long have is not fetched again although it is refused
}

// Headers are believed for a while although the server refuses them: a poll
// must not run a command, which may ask the user, over and over. Each time that
// the same ones come again, they are believed longer.
const again, againMost = 5 * time.Second, 5 * time.Minute

// headers returns those that are remembered, or fetches others when there are
// none, or when the server has just refused the very same ones.
func (s *source) headers(ctx context.Context, refused http.Header) (http.Header, error) {
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.lock }()
	same := refused != nil && maps.EqualFunc(refused, s.have, slices.Equal)
	if s.have != nil && (!same || s.now().Sub(s.fetched) < s.believe) {
		return s.have, nil
	}
	h, believed := http.Header{}, s.believe
	if s.token != nil {
		token, err := s.token()
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", "Bearer "+token)
	}
	if s.command != nil {
		more, err := s.command.run(ctx)
		if err != nil {
			return nil, err
		}
		maps.Copy(h, more)
	}
	s.believe = again
	if same && maps.EqualFunc(refused, h, slices.Equal) {
		s.believe = min(againMost, max(again, 2*believed))
	}
	s.have, s.fetched = h, s.now()
	return h, nil
}

// command is a program that prints headers.
type command struct {
	argv    []string
	dir     string
	timeout time.Duration
	cluster string
}

// maxHeaders bounds what a command may print, in bytes.
const maxHeaders = 64 << 10

// run runs the command without a terminal: the screen is not its own. What it
// prints is never shown, in errors neither.
func (c *command) run(ctx context.Context) (http.Header, error) {
	inner, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var out limited
	cmd := exec.CommandContext(inner, c.argv[0], c.argv[1:]...)
	cmd.Dir, cmd.Stdout = c.dir, &out
	cmd.Env = append(os.Environ(), "DRAY_CLUSTER="+c.cluster)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its children too
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case inner.Err() != nil:
		return nil, fmt.Errorf("%s did not end within %s", c.name(), c.timeout)
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%s ended with %s: try it in a shell", c.name(), exit.ProcessState)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be run: %w", c.name(), err)
	case out.full:
		return nil, fmt.Errorf("%s prints more than %d bytes", c.name(), maxHeaders)
	}
	return c.parse(out.String())
}

func (c *command) name() string {
	return fmt.Sprintf("the header command %s of cluster %s", c.argv[0], c.cluster)
}

// parse reads lines of the form "Name: value".
func (c *command) parse(text string) (http.Header, error) {
	h := http.Header{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || CheckHeader(name, value) != nil {
			return nil, fmt.Errorf(`%s: line %d of what it prints is not "Name: value"`, c.name(), i+1)
		}
		h.Add(name, value)
	}
	if len(h) == 0 {
		return nil, fmt.Errorf("%s prints no header", c.name())
	}
	return h, nil
}

// limited keeps the first maxHeaders bytes.
type limited struct {
	bytes.Buffer
	full bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxHeaders {
		l.full = true
		return len(p), nil
	}
	return l.Buffer.Write(p)
}
