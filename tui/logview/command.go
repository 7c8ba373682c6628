package logview

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/logstore"
	"dray/tui/screen"
)

// Commands are those of the palette that the page has besides its keys.
func (m Model) Commands() []screen.Command {
	goes := func(parse func(string) (func(Model) (Model, tea.Cmd), error)) func([]string) tea.Cmd {
		return func(args []string) tea.Cmd {
			do, err := parse(strings.Join(args, " "))
			if err != nil {
				return screen.Notice(screen.Warn, err.Error())
			}
			return m.later(do)
		}
	}
	return []screen.Command{
		{Name: "line", Args: "N", Help: "go to a line", Run: goes(lineOf)},
		{Name: "percent", Args: "N", Help: "go so far down the log", Run: goes(percentOf)},
		{Name: "time", Args: "[DAY] HH:MM | -10m", Help: "go to the first line of a time, or so long before the end", Run: goes(timeOf)},
		{Name: "save", Args: "FILE", Help: "save the log, or the selected lines", Run: goes(func(file string) (func(Model) (Model, tea.Cmd), error) {
			return func(m Model) (Model, tea.Cmd) { return m.saveTo(file, false) }, nil
		})},
		{Name: "pager", Help: "open the log in $PAGER", Run: goes(func(string) (func(Model) (Model, tea.Cmd), error) {
			return Model.pager, nil
		})},
	}
}

func lineOf(arg string) (func(Model) (Model, tea.Cmd), error) {
	n, err := strconv.ParseInt(strings.ReplaceAll(arg, ",", ""), 10, 64)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("line %q: type the number of a line, from 1", arg)
	}
	return seek(func(r *logstore.Reader, m Model) (int64, error) {
		l, ok, err := r.Nth(n - 1)
		if err != nil || ok {
			return l.Off, err
		}
		if m.news.Exact() {
			return 0, fmt.Errorf("line %s: the log has %s lines", thousands(n), thousands(m.news.Lines))
		}
		return 0, fmt.Errorf("line %s: the lines are still being counted, %s so far", thousands(n), thousands(m.news.Lines))
	}), nil
}

func percentOf(arg string) (func(Model) (Model, tea.Cmd), error) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(arg), "%"), 64)
	if err != nil || n < 0 || n > 100 {
		return nil, fmt.Errorf("percent %q: type a number from 0 to 100", arg)
	}
	return seek(func(r *logstore.Reader, _ Model) (int64, error) { return r.AtPercent(n), nil }), nil
}

func timeOf(arg string) (func(Model) (Model, tea.Cmd), error) {
	when, err := logstore.ParseWhen(arg)
	if err != nil {
		return nil, err
	}
	return seek(func(r *logstore.Reader, m Model) (int64, error) {
		l, ok, err := r.AtTime(m.s.Context(), when)
		if ok || err != nil {
			return l.Off, err
		}
		if off, ok := m.s.Store().Arrived(when.On(m.now)); ok {
			return off, nil
		}
		return 0, fmt.Errorf("time %s: no line near the end of this log tells its time, and none came since then", strings.TrimSpace(arg))
	}), nil
}

// seek makes an action that goes to a place which has to be looked up.
func seek(find func(*logstore.Reader, Model) (int64, error)) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) {
		store := m.s.Store()
		return m, func() tea.Msg {
			off, err := find(store.Reader(), m)
			if errors.Is(err, logstore.ErrClosed) {
				return nil
			}
			if err != nil {
				return screen.NoticeMsg{Level: screen.Warn, Text: err.Error()}
			}
			return cmdMsg{m.s, func(m Model) (Model, tea.Cmd) { return m.jumpTo(place{off: off}, false) }}
		}
	}
}
