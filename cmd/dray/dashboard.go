package main

import (
	"context"
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
		env := &screen.Env{
			Ctx:       ctx,
			Jobs:      screen.FromClient(s.client),
			Ledger:    s.ledger,
			Target:    target(s.target, s.key),
			Now:       time.Now,
			Cwd:       s.cwd,
			Drafts:    &screen.Drafts{},
			Preflight: s.client.Preflight,
			Getenv:    a.getenv,
			User:      account(),
			Settings:  set,
		}
		if s.state != "" {
			env.DataDir = filepath.Join(s.state, "dashboard")
		}
		if s.host != nil {
			env.LookPython = lookPython
			env.LogFile = func(_ context.Context, id string) (string, error) { return s.host.LogFile(id), nil }
		}
		err := tui.Run(ctx, tui.Config{Env: env, Getenv: a.getenv, Lend: a.lend})
		if s.host != nil {
			if running, queued, sumErr := s.host.Summary(context.WithoutCancel(ctx)); sumErr == nil {
				a.sayWhatGoesOn(running, queued)
			}
		}
		return err
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
	if t.Embedded {
		return screen.Target{Name: "embedded", Address: "this machine", Why: t.Why, Embedded: true, LedgerKey: key}
	}
	return screen.Target{Name: contexts.HostName(t.URL), Address: contexts.Redacted(t.URL), Why: t.Why, LedgerKey: key}
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
