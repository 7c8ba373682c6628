package logview

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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
		{Name: "time", Args: "HH:MM[:SS]", Help: "go to the first line of a time", Run: goes(timeOf)},
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
	arg = strings.TrimSpace(arg)
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if at, err := time.Parse(layout, arg); err == nil {
			clock := at.Format(time.TimeOnly)
			return seek(func(r *logstore.Reader, _ Model) (int64, error) { return atClock(r, clock) }), nil
		}
	}
	return nil, fmt.Errorf("time %q: type it as 14:02 or 14:02:11", arg)
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

const (
	// stampWithin is where in a line its time stands at the latest.
	stampWithin = 80
	// unstamped is how many lines may follow one another without a time.
	unstamped = 500
	// fewBytes is what is looked through line by line at last.
	fewBytes = 16 << 10
)

// atClock returns the first line whose time of day is at or after clock. The
// times in a log are taken to grow, as they do within a day.
func atClock(r *logstore.Reader, clock string) (int64, error) {
	lo, hi := int64(0), r.Size()
	for hi-lo > fewBytes {
		mid := lo + (hi-lo)/2
		l, stamp, err := stamped(r, mid, hi)
		switch {
		case err != nil:
			return 0, err
		case stamp == "" || stamp >= clock:
			hi = mid
		default:
			lo = l.End
		}
	}
	l, stamp, err := stamped(r, lo, r.Size())
	for err == nil && stamp != "" && stamp < clock {
		l, stamp, err = stamped(r, l.End, r.Size())
	}
	if err == nil && stamp == "" {
		err = fmt.Errorf("time %s: no line of the log has this time or a later one", clock)
	}
	return l.Off, err
}

// stamped returns the first line after off that has a time, and the time; "" if
// there is none near.
func stamped(r *logstore.Reader, off, end int64) (logstore.Line, string, error) {
	if off >= end {
		return logstore.Line{}, "", nil
	}
	l, ok, err := r.At(off)
	for n := 0; ok && err == nil && l.Off < end && n < unstamped; n++ {
		if s := clockIn(l.Text); s != "" {
			return l, s, nil
		}
		l, ok, err = r.Next(l)
	}
	return logstore.Line{}, "", err
}

// clockIn returns the first HH:MM:SS of a line.
func clockIn(line []byte) string {
	line = line[:min(len(line), stampWithin)]
	for i := 0; i+8 <= len(line); i++ {
		p := line[i : i+8]
		if p[2] == ':' && p[5] == ':' && isDigit(p[0]) && isDigit(p[1]) && isDigit(p[3]) && isDigit(p[4]) && isDigit(p[6]) && isDigit(p[7]) {
			return string(p)
		}
	}
	return ""
}
