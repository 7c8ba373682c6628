package submit

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/screen"
)

// copies are the forms in which the job can be copied, the most useful first.
// Ray's own client cannot reach the embedded backend.
func (m Model) copies() []screen.CopyMsg {
	s := m.shown()
	list := []screen.CopyMsg{
		{Text: oneLine(s.dray()), What: "dray submit command"},
		{Text: strings.Join(s.body(), "\n"), What: "request body"},
	}
	if !m.env.Target.Embedded {
		list = append([]screen.CopyMsg{{Text: oneLine(s.ray()), What: "ray job submit command"}}, list...)
	}
	return list
}

// copyCommand copies the job as a command; pressed again, in another form.
func (m Model) copyCommand() (Model, tea.Cmd) {
	if strings.TrimSpace(m.request.Entrypoint) == "" {
		return m, screen.Notice(screen.Warn, "there is no command to copy yet: type the entrypoint")
	}
	list := m.copies()
	msg := list[m.copied%len(list)]
	m.copied++
	msg.What += " (again: " + list[m.copied%len(list)].What + ")"
	return m, func() tea.Msg { return msg }
}
