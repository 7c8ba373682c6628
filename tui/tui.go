// Package tui is the dashboard's root: it owns the terminal, the stack of
// pages, the connection's state, and what lies around and over a page (status,
// message and hint lines, questions, help).
//
// What a page shows is the business of the packages below; how to find and
// start a server, that of the caller.
package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
	"golang.org/x/term"

	"dray/theme"
	_ "dray/theme/background" // must run before bubbletea's init, which queries the terminal
	"dray/tui/joblist"
	"dray/tui/notify"
	"dray/tui/paint"
	"dray/tui/screen"
	"dray/tui/settings"
)

// Config is what Run needs.
type Config struct {
	// Env describes the server and the machine. Run fills in Ctx, Pages and,
	// where they are nil, Styles; it does not change what the pointer leads to.
	Env    *screen.Env
	Getenv func(string) string // nil: os.Getenv
	// Input and Output are the terminal; nil means standard input and output.
	Input, Output *os.File
	// ASCII draws with ASCII signs only, also where the locale has UTF-8.
	ASCII bool
	// CrashDir is where a panic is written to; "" means the user's cache
	// folder.
	CrashDir string
	// Lend is told when a program of the user's gets the terminal, and when it
	// has given it back: the keys that send signals are that program's
	// meanwhile. Nil: nobody has to know.
	Lend func(on bool)
}

// frames is how often a second the screen may be drawn.
const frames = 60

// Run shows the dashboard until the user quits or ctx ends, and restores the
// terminal whatever happens. The error of a panic names the file that tells
// more; when ctx ended it is ctx's.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	if err := checkTerminal(cfg.Input, cfg.Output, cfg.Getenv); err != nil {
		return err
	}
	w, h, err := term.GetSize(int(cfg.Output.Fd()))
	if err != nil {
		return fmt.Errorf("the terminal does not tell its size: %w; use a verb instead, for example dray ls", err)
	}
	// What was agreed to is still sent when ctx ends; endWith sees to it.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	out := &output{File: cfg.Output}
	env := *cfg.Env
	first, leave := context.WithCancel(inner)
	defer leave()
	env.Ctx = first
	g := &guard{Jobs: env.Jobs, server: env.Target.Name, readOnly: env.Target.ReadOnly}
	env.Jobs = g
	env.Getenv = cfg.Getenv
	if env.Settings == nil {
		env.Settings = settings.Default()
	}
	name := env.Settings.Theme
	if light := env.Settings.ThemeLight; light != "" && lightBackground(cfg.Input, cfg.Output, cfg.Getenv) {
		name = light
	}
	spec, err := settings.Theme(env.Settings.ThemeDir, name)
	if err != nil {
		return fmt.Errorf("%s: %w", env.Settings.Where("theme"), err)
	}
	restyle := styler(out, cfg.Getenv, cfg.ASCII)
	if env.Styles == nil {
		env.Styles = restyle(spec.Palette(), env.Settings.ASCII)
	}
	env.Pages = pages(&env)
	c := &crash{dir: cfg.CrashDir, now: env.Now, stop: cancel}
	m := newModel(&env, g, c, joblist.New(&env))
	m.copy = out.copier(&env)
	m.themeName = name
	m.lent = cfg.Lend
	m.programCtx, m.leave = inner, leave
	m.tty, m.restyler, m.write = tty{cfg.Input, cfg.Output}, restyle, out.WriteString
	if env.Settings.Notify.Title {
		_, _ = out.WriteString(notify.SaveTitle) // a terminal that is gone is found out below
		defer func() { _, _ = out.WriteString(notify.RestoreTitle) }()
	}
	m = m.resize(w, h) // so that the first frame is whole

	program, run := newProgram(safe{m}, out, cfg)
	ended := endWith(ctx, inner, program, &g.held)
	last, err := run()
	cancel()
	<-ended
	if s, ok := last.(safe); ok {
		g = s.guard
	}
	g.wait()
	return ending(ctx, c, last, err)
}

// newProgram returns the program that shows m on out, and what runs it.
func newProgram(m tea.Model, out *output, cfg Config) (*tea.Program, func() (tea.Model, error)) {
	options := []tea.ProgramOption{
		tea.WithInput(cfg.Input),
		tea.WithReportFocus(),
		tea.WithoutSignalHandler(), // the caller's context ends on signals, SIGHUP too
	}
	if cfg.Getenv("DRAY_RENDERER") == "stock" {
		p := tea.NewProgram(m, append(options, tea.WithOutput(out), tea.WithAltScreen(), tea.WithFPS(frames))...)
		return p, p.Run
	}
	p := paint.NewProgram(m, out, paint.Rate(cfg.Getenv), options...)
	return p.Program, p.Run
}

// killAfter is how long the program may take to end: a terminal that takes no
// output would hold it for ever.
const killAfter = 2 * time.Second

// endWith ends the program when ctx does, as a user who quits would, and at
// once when inner ends. Bubble Tea's own option for that kills at once, and
// then its reader of keys is still at work while the terminal is restored. The
// channel closes when the goroutine is gone, which is as soon as the program
// and one of the two have ended.
func endWith(ctx, inner context.Context, p *tea.Program, held *holding) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		limit, ask := killAfter, p.Quit
		select {
		case <-ctx.Done():
			if held.Load() > 0 {
				limit += grace
				ask = func() { p.Send(leaveMsg{}) }
			}
		case <-inner.Done():
		}
		kill := time.AfterFunc(limit, p.Kill)
		ask() // at once if it has ended already
		p.Wait()
		kill.Stop()
	}()
	return ended
}

// ending closes the pages and puts the end into words.
func ending(ctx context.Context, c *crash, last tea.Model, err error) error {
	if s, ok := last.(safe); ok {
		for _, p := range slices.Backward(s.pages) {
			p.screen.Close()
		}
	}
	if p := (*paint.PanicError)(nil); errors.As(err, &p) {
		c.record(p.Value, p.Stack)
	}
	switch {
	case c.err() != nil:
		return c.err()
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, tea.ErrInterrupted):
		return fmt.Errorf("draw the dashboard: %w", err)
	}
	return nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Input == nil {
		cfg.Input = os.Stdin
	}
	if cfg.Output == nil {
		cfg.Output = os.Stdout
	}
	if cfg.CrashDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			dir = os.TempDir()
		}
		cfg.CrashDir = filepath.Join(dir, "dray")
	}
	return cfg
}

// CheckTerminal says, before anything is started, why the dashboard cannot run
// on standard input and output.
func CheckTerminal(getenv func(string) string) error {
	return checkTerminal(os.Stdin, os.Stdout, getenv)
}

func checkTerminal(in, out *os.File, getenv func(string) string) error {
	switch {
	case !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())):
		return errors.New("the dashboard needs a terminal on standard input and output; use a verb instead, for example dray ls")
	case getenv("TERM") == "dumb":
		return errors.New("the dashboard cannot draw on TERM=dumb; use a verb instead, for example dray ls")
	}
	return nil
}

// styler makes styles for the colours and letters that the terminal has. It is
// not asked anything: some do not answer.
func styler(out *output, getenv func(string) string, ascii bool) restyler {
	r := lipgloss.NewRenderer(out)
	r.SetColorProfile(termenv.NewOutput(out, termenv.WithEnvironment(environ(getenv)), termenv.WithTTY(true)).EnvColorProfile())
	r.SetHasDarkBackground(true)
	ascii = ascii || !utf8Locale(getenv) || getenv("TERM") == "linux"
	return func(p theme.Palette, always bool) *theme.Styles {
		glyphs := theme.Unicode()
		if ascii || always {
			glyphs = theme.ASCII()
		}
		return theme.New(r, p, glyphs)
	}
}

// utf8Locale reports whether the locale has UTF-8. Where none is set, as in
// many containers, the terminal in front of it nearly always has.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}

// environ is an environment behind a look-up function.
type environ func(string) string

// Environ lists nothing: termenv looks names up.
func (e environ) Environ() []string { return nil }

// Getenv looks a name up.
func (e environ) Getenv(name string) string { return e(name) }
