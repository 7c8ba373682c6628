package joblist

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/jobquery"
	"dray/tui/screen"
)

var _ screen.Commander = Model{}

// commandMsg changes the list as a command of the palette says.
type commandMsg struct{ apply func(Model) Model }

func apply(f func(Model) Model) tea.Cmd {
	return func() tea.Msg { return commandMsg{f} }
}

func bad(err error) tea.Cmd { return screen.Notice(screen.Bad, err.Error()) }

func join(words []string) string { return strings.Join(words, " ") }

// Commands are the list's own commands of the palette.
func (m Model) Commands() []screen.Command {
	jobs := m.list.Jobs
	views := m.env.Settings.Views
	return []screen.Command{
		{
			Name: "filter", Args: "QUERY", Help: "show the jobs that match, as in status:failed age<2d",
			Complete: func(last string) []string {
				_, offers := jobquery.Complete(last, jobs)
				return offers
			},
			Run: func(args []string) tea.Cmd {
				text := join(args)
				if _, err := jobquery.Parse(text); err != nil {
					return bad(fmt.Errorf("filter: %w", err))
				}
				return apply(func(m Model) Model {
					return m.turnTo(look{filter: text, sort: m.look.sort})
				})
			},
		},
		{
			Name: "sort", Args: "COLUMN", Help: "sort by a column; -COLUMN from the greatest down; live first: live",
			Complete: starting(append([]string{jobquery.Live}, jobquery.ColumnNames()...)),
			Run: func(args []string) tea.Cmd {
				by, err := jobquery.ParseOrder(join(args))
				if err != nil {
					return bad(fmt.Errorf("sort: %w", err))
				}
				return apply(func(m Model) Model { return m.turnTo(m.sortedBy(by)) })
			},
		},
		{
			Name: "cols", Args: "COLUMN,…", Help: "show these columns in this order; without any: the usual ones",
			Complete: starting(jobquery.ColumnNames()),
			Run: func(args []string) tea.Cmd {
				chosen, err := jobquery.ParseColumns(join(args))
				if err != nil {
					return bad(fmt.Errorf("cols: %w", err))
				}
				return apply(func(m Model) Model { return m.choose(chosen) })
			},
		},
		{
			Name: "view", Args: "NAME", Help: "a saved view",
			Complete: func(last string) []string { return starting(viewNames(m))(last) },
			Run: func(args []string) tea.Cmd {
				i := slices.IndexFunc(views, func(v viewSetting) bool { return strings.EqualFold(v.Name, join(args)) })
				if i < 0 {
					return bad(fmt.Errorf("view: there is no view %q; there are %s", join(args), join(viewNames(m))))
				}
				if _, err := jobquery.Parse(views[i].Filter); err != nil {
					return bad(fmt.Errorf("view %s in the settings: %w", views[i].Name, err))
				}
				return apply(func(m Model) Model { return m.turnTo(m.view(i)) })
			},
		},
	}
}

// choose shows these columns; none means the usual ones.
func (m Model) choose(chosen []jobquery.Column) Model {
	m.custom = len(chosen) > 0
	if !m.custom {
		chosen = jobquery.Columns()
	}
	m.chosen, m.cols, m.pan = chosen, columns{}, 0
	return m
}

// starting offers the words that begin as the last one of a list does.
func starting(words []string) func(last string) []string {
	return func(last string) []string {
		done := last[:strings.LastIndexByte(last, ',')+1]
		done += strings.Repeat("-", strings.Count(last[len(done):], "-")&1)
		var out []string
		for _, w := range words {
			if rest := strings.ToLower(last[len(done):]); strings.HasPrefix(w, rest) {
				out = append(out, done+w)
			}
		}
		return out
	}
}

func viewNames(m Model) []string {
	var names []string
	for _, v := range m.env.Settings.Views {
		names = append(names, v.Name)
	}
	return names
}
