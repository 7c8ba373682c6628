package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/settings"
	"dray/tui/widget/cell"
)

// picker is the open list of themes. What is under the cursor is shown at
// once; esc brings back what was there before.
type picker struct {
	names  []string
	at     int
	before string
}

// restyler makes the styles of a theme for the terminal.
type restyler func(p theme.Palette, ascii bool) *theme.Styles

// spec finds a theme by name: the user's own before a built-in one.
func (m model) spec(name string) (theme.Spec, error) {
	return settings.Theme(m.env.Settings.ThemeDir, name)
}

// restyle draws everything in a theme from now on. The styles are read by all
// pages at each frame, so their content is replaced in place.
func (m model) restyle(name string) model {
	spec, err := m.spec(name)
	if err != nil || m.restyler == nil {
		return m
	}
	*m.env.Styles = *m.restyler(spec.Palette(), m.env.Settings.ASCII)
	m.themeName = name
	m.keys = newGlobalKeys(m.env.Styles.Glyphs, m.env.Settings.Keys)
	m.pages = slices.Clone(m.pages)
	for i := range m.pages {
		m.pages[i].screen, _ = m.pages[i].screen.Update(screen.ThemeMsg{})
	}
	return m.resize(m.w, m.h)
}

func (m model) openPicker() model {
	names := settings.ThemeNames(m.env.Settings.ThemeDir)
	m.picker = &picker{names: names, at: max(0, slices.Index(names, m.themeName)), before: m.themeName}
	m.notice.text = ""
	return m
}

// savedMsg says whether the theme is now in the config file.
type savedMsg struct {
	name, file string
	err        error
}

func (m model) pick(k tea.KeyMsg) (model, tea.Cmd) {
	p := *m.picker
	page := max(1, m.pickerRows()-1)
	switch k.String() {
	case "j", "down", "ctrl+n":
		p.at++
	case "k", "up", "ctrl+p":
		p.at--
	case "ctrl+d", "pgdown":
		p.at += page
	case "ctrl+u", "pgup":
		p.at -= page
	case "g", "home":
		p.at = 0
	case "G", "end":
		p.at = len(p.names) - 1
	case "enter":
		m.picker = nil
		return m.say(screen.Info, fmt.Sprintf("theme %s until dray is left; \"theme: %s\" in %s makes it stay", m.themeName, m.themeName, m.configFile()))
	case "s":
		m.picker = nil
		name, file := m.themeName, m.env.Settings.File
		return m, m.run(0, func() tea.Msg { return savedMsg{name, file, settings.SaveTheme(file, name)} })
	case "esc", "q", "T":
		m.picker = nil
		return m.restyle(p.before), nil
	}
	p.at = max(0, min(p.at, len(p.names)-1))
	m.picker = &p
	return m.restyle(p.names[p.at]), nil
}

func (m model) configFile() string {
	if m.env.Settings.File == "" {
		return "the config file"
	}
	return m.env.Settings.File
}

func (m model) saved(msg savedMsg) (model, tea.Cmd) {
	if msg.err != nil {
		return m.say(screen.Bad, fmt.Sprintf("save the theme: %v", msg.err))
	}
	return m.say(screen.Good, fmt.Sprintf("theme %s is in %s", msg.name, msg.file))
}

func (m model) pickerRows() int {
	return max(1, min(len(m.picker.names), m.pageSize(len(m.pages)).H-4))
}

// pickerView lays the list over the right end of lines, so that the rows it colours
// stay in sight.
func (m model) pickerView(lines []string) []string {
	s := m.env.Styles
	p := m.picker
	rows := m.pickerRows()
	first := max(0, min(p.at-rows/2, len(p.names)-rows))
	const inner = 30
	var body []string
	for i, name := range p.names[first : first+rows] {
		name = cell.Cut(clean.Text(name), inner-4, s.Glyphs.Ellipsis)
		switch {
		case first+i == p.at:
			body = append(body, s.Accent.Render(s.Glyphs.Cursor)+" "+s.Selected.Render(cell.Pad(name, inner-2)))
		case p.names[first+i] == p.before:
			body = append(body, "  "+name+" "+s.Muted.Render("now"))
		default:
			body = append(body, "  "+name)
		}
	}
	g := s.Glyphs
	states := strings.Join([]string{
		s.Pending.Render(g.Pending), s.Running.Render(g.Running), s.Succeeded.Render(g.Succeeded),
		s.Failed.Render(g.Failed), s.Stopped.Render(g.Stopped), s.Warn.Render("!"), s.Match.Render(" hit "), s.Muted.Render("muted"),
	}, " ")
	body = append(body, states, s.Muted.Render(g.Enter+" keep  s save  esc back"))
	box := frame(s, fmt.Sprintf("Theme %d/%d", p.at+1, len(p.names)), body, inner)
	return cell.Overlay(lines, box, max(0, m.w-inner-6), max(0, (len(lines)-len(box))/2))
}

// themeNames completes ":theme".
func (m model) themeNames(string) []string { return settings.ThemeNames(m.env.Settings.ThemeDir) }

// themeMsg draws in another theme; without a name it opens the list.
type themeMsg struct{ name string }

func (m model) themeCommand(args []string) tea.Cmd {
	if len(args) == 0 {
		return message(themeMsg{})
	}
	if _, err := m.spec(args[0]); err != nil {
		return screen.Notice(screen.Bad, err.Error())
	}
	return message(themeMsg{args[0]})
}
