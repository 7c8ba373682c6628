package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strings"
	"time"

	"dray/backend/contexts"
	"dray/tui"
	"dray/tui/screen"
)

// dashboard opens the dashboard and, once the screen is restored, says which
// jobs go on.
func (a *app) dashboard(ctx context.Context) error {
	if err := tui.CheckTerminal(a.getenv); err != nil {
		return usagef("%w", err)
	}
	set, err := a.settings()
	if err != nil {
		return err
	}
	return a.with(ctx, func(ctx context.Context, s *session) error {
		all := newBook(a, s)
		env := s.conn().On(&screen.Env{
			Ctx:      ctx,
			Ledger:   s.ledger,
			Now:      time.Now,
			Cwd:      s.cwd,
			Getenv:   a.getenv,
			User:     account(),
			Settings: set,
			Clusters: all,
		})
		if s.state != "" {
			env.DataDir = filepath.Join(s.state, "dashboard")
		}
		err := tui.Run(ctx, tui.Config{Env: env, Getenv: a.getenv, Lend: a.lend})
		if h := all.opened(); h != nil {
			if running, queued, sumErr := h.Summary(context.WithoutCancel(ctx)); sumErr == nil {
				a.sayWhatGoesOn(running, queued)
			}
		}
		return errors.Join(err, all.close(s))
	})
}

// account is the name of the user who runs dray, or "".
func account() string {
	u, err := osuser.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

func target(t contexts.Target, key string) screen.Target {
	out := screen.Target{Name: embeddedName, Address: "this machine", Why: t.Why, Embedded: t.Embedded, LedgerKey: key}
	if !t.Embedded {
		out.Name, out.Address = contexts.HostName(t.URL), contexts.Redacted(t.URL)
	}
	if c := t.Cluster; c != nil {
		out.Cluster, out.Name, out.ReadOnly, out.Protected, out.SkipVerify, out.Colour = c.Name, c.Name, c.ReadOnly, c.Protected, c.SkipVerify, c.Colour
	}
	return out
}

// lookPython finds the python that a job's shell would find.
func lookPython() string {
	for _, name := range []string{"python", "python3"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// sayWhatGoesOn tells what becomes of the jobs when their backend leaves.
func (a *app) sayWhatGoesOn(running, queued []string) {
	if a.demo == passingDemo {
		return
	}
	if len(running) > 0 {
		fmt.Fprintf(a.stderr, "dray: %s on without the dashboard: %s\n", goes(len(running)), some(running))
	}
	if len(queued) > 0 {
		fmt.Fprintf(a.stderr, "dray: %s for the next start of dray: %s\n", waits(len(queued)), some(queued))
	}
}

func goes(n int) string {
	if n == 1 {
		return "1 job goes"
	}
	return fmt.Sprintf("%d jobs go", n)
}

func waits(n int) string {
	if n == 1 {
		return "1 queued job waits"
	}
	return fmt.Sprintf("%d queued jobs wait", n)
}

// some names at most five.
func some(ids []string) string {
	const most = 5
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}
