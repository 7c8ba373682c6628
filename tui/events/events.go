// Package events is the page that lists what has happened since the dashboard
// was opened: every notice, with its time, its level and what it has to tell
// in full.
//
// The root gathers the events; nothing is kept after the end.
package events

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
)

// Max is how many events are kept.
const Max = 500

// Event is a notice that was given. Its texts may be drawn as they are.
type Event struct {
	At     time.Time
	Level  screen.Level
	Text   string
	Detail []string
	Job    string // submission id, if it is about one
}

// Of returns the event of a notice.
func Of(at time.Time, n screen.NoticeMsg) Event {
	e := Event{At: at, Level: n.Level, Text: clean.Text(n.Text), Job: n.Job}
	for _, d := range n.Detail {
		e.Detail = append(e.Detail, clean.Text(d))
	}
	return e
}

// Msg hands the page the events, the newest last.
type Msg struct{ All []Event }

// Model is the page.
type Model struct {
	env  *screen.Env
	size screen.Size
	all  []Event // the newest last
	at   int     // the one under the cursor, counted from the newest
	top  int     // the first line that is drawn
	jobs []rayapi.Job
}

// New returns the page over all, the newest last.
func New(env *screen.Env, all []Event) Model { return Model{env: env, all: all} }

// Init starts nothing.
func (m Model) Init() tea.Cmd { return nil }

// Scope names the page in the help.
func (m Model) Scope() string { return "Events" }

// Typing reports that no key is text.
func (m Model) Typing() bool { return false }

// Close ends nothing.
func (m Model) Close() {}

// Resize sets the part of the window for the page.
func (m Model) Resize(s screen.Size) screen.Screen {
	m.size = s
	return m.scrolled()
}

func bind(id, group string, rank int, show, desc string, keys ...string) screen.Binding {
	return screen.Binding{
		Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
		ID:      id, Group: group, Rank: rank,
	}
}

// Bindings are the keys of the page.
func (m Model) Bindings() []screen.Binding {
	g := m.env.Styles.Glyphs
	open := bind("events.open", "JOB", 1, g.Enter, "open the job", "enter").Leading()
	open.SetEnabled(len(m.all) > 0 && m.current().Job != "")
	return []screen.Binding{
		bind("events.down", "MOVE", 0, "j "+g.KeyDown, "down", "j", "down"),
		bind("events.up", "MOVE", 0, "k "+g.KeyUp, "up", "k", "up"),
		bind("events.page-down", "MOVE", 0, g.Ctrl+"d pgdn", "page down", "ctrl+d", "pgdown", "ctrl+f"),
		bind("events.page-up", "MOVE", 0, g.Ctrl+"u pgup", "page up", "ctrl+u", "pgup", "ctrl+b"),
		bind("events.first", "MOVE", 0, "g", "newest", "g", "home"),
		bind("events.last", "MOVE", 0, "G", "oldest", "G", "end"),
		open,
		bind("events.copy", "VIEW", 2, "c", "copy", "c"),
		bind("events.close", "VIEW", 3, "esc", "back", "esc", "!").Leading(),
	}
}

func (m Model) current() Event { return m.all[len(m.all)-1-m.at] }

// Update handles keys and new events.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case Msg:
		if added := len(msg.All) - len(m.all); m.at > 0 && added > 0 {
			m.at += added // the cursor belongs to the event
		}
		m.all = msg.All
	case screen.ListMsg:
		m.jobs = msg.Jobs
	case tea.MouseMsg:
		return m.mouse(msg), nil
	case tea.KeyMsg:
		return m.key(msg)
	}
	return m.scrolled(), nil
}

func (m Model) key(k tea.KeyMsg) (screen.Screen, tea.Cmd) {
	page := max(1, m.size.H-2)
	switch k.String() {
	case "j", "down":
		m.at++
	case "k", "up":
		m.at--
	case "ctrl+d", "pgdown", "ctrl+f":
		m.at += page
	case "ctrl+u", "pgup", "ctrl+b":
		m.at -= page
	case "g", "home":
		m.at = 0
	case "G", "end":
		m.at = len(m.all) - 1
	case "esc", "!":
		return m, screen.Pop
	case "enter":
		return m, m.open()
	case "c":
		if len(m.all) > 0 {
			text := strings.Join(append([]string{m.current().Text}, m.current().Detail...), "\n")
			return m, func() tea.Msg { return screen.CopyMsg{Text: text, What: "event"} }
		}
	}
	return m.scrolled(), nil
}

// wheel is how many rows a turn of the wheel moves.
const wheel = 3

func (m Model) mouse(msg tea.MouseMsg) screen.Screen {
	switch msg.Button {
	case tea.MouseButtonWheelDown:
		m.at += wheel
	case tea.MouseButtonWheelUp:
		m.at -= wheel
	default:
	}
	return m.scrolled()
}

// open shows the job that the event is about, if it is still known.
func (m Model) open() tea.Cmd {
	if len(m.all) == 0 || m.current().Job == "" {
		return nil
	}
	id := m.current().Job
	i := slices.IndexFunc(m.jobs, func(j rayapi.Job) bool { return j.ID() == id })
	if i < 0 {
		return screen.Notice(screen.Warn, id+" is not in the list any more")
	}
	return screen.Push(m.env.Pages.Job(m.jobs[i]))
}

// scrolled keeps the cursor on an event and in sight.
func (m Model) scrolled() Model {
	m.at = max(0, min(m.at, len(m.all)-1))
	lines, from, to := m.lines()
	room := max(1, m.size.H-1)
	if to-m.top > room {
		m.top = to - room
	}
	if from < m.top {
		m.top = from
	}
	m.top = max(0, min(m.top, len(lines)-room))
	return m
}

// lines draws all events, and tells which lines are those of the cursor.
func (m Model) lines() (lines []string, from, to int) {
	s := m.env.Styles
	for i := range m.all {
		e := m.all[len(m.all)-1-i]
		cursor := "  "
		if i == m.at {
			cursor, from = s.Accent.Render(s.Glyphs.Cursor)+" ", len(lines)
		}
		glyph, style := look(s, e.Level)
		head := cursor + s.Muted.Render(e.At.Format("15:04:05")) + " " + style.Render(glyph) + " "
		text := cell.Wrap(e.Text, max(1, m.size.W-14))
		if i != m.at {
			note := ""
			if len(e.Detail) > 0 {
				note = fmt.Sprintf("  (+%d)", len(e.Detail))
			}
			lines = append(lines, head+cell.Cut(e.Text+note, m.size.W-14, s.Glyphs.Ellipsis))
			continue
		}
		for j, t := range text {
			if j > 0 {
				head = cell.Blank(13)
			}
			lines = append(lines, head+s.Strong.Render(t))
		}
		for _, d := range e.Detail {
			for _, l := range cell.Wrap(d, max(1, m.size.W-16)) {
				lines = append(lines, cell.Blank(15)+s.Muted.Render(l))
			}
		}
		to = len(lines)
	}
	return lines, from, to
}

func look(s *theme.Styles, l screen.Level) (string, lipgloss.Style) {
	switch l {
	case screen.Good:
		return s.Glyphs.Succeeded, s.OK
	case screen.Warn:
		return "!", s.Warn
	case screen.Bad:
		return s.Glyphs.Failed, s.Error
	default:
		return s.Glyphs.Dot, s.Muted
	}
}

// View draws the page.
func (m Model) View() string {
	s := m.env.Styles
	place := fmt.Sprintf(" %s %s %s", s.Muted.Render("Jobs "+s.Glyphs.Crumb), s.Strong.Render("events"), s.Muted.Render(fmt.Sprint(len(m.all))))
	lines, _, _ := m.lines()
	if len(lines) == 0 {
		lines = []string{"", "  " + s.Muted.Render("Nothing has happened yet. Messages, and changes of watched jobs (W), are listed here.")}
	}
	top := min(m.top, max(0, len(lines)-1))
	all := append([]string{place}, lines[top:]...)
	for i := range all {
		all[i] = cell.Cut(all[i], m.size.W, s.Glyphs.Ellipsis)
	}
	return strings.Join(cell.Lines(all, m.size.H), "\n")
}
