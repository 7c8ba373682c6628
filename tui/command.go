package tui

import (
	"fmt"
	"os"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/palette"
	"dray/tui/screen"
)

// openPalette opens the command line.
func (m model) openPalette() model {
	p := palette.New(m.env.Styles, m.commands(), m.typedLines)
	m.palette, m.notice.text = &p, ""
	return m
}

// paletteKey handles a key while the palette is open.
func (m model) paletteKey(k tea.KeyMsg) (model, tea.Cmd) {
	next, out := m.palette.Update(k)
	if !out.Closed {
		m.palette = &next
		return m, nil
	}
	m.palette = nil
	if out.Line == "" {
		return m, nil
	}
	m.typedLines = palette.Remember(m.typedLines, out.Line)
	return m.runLine(out.Line)
}

// maxAliases is how many aliases one line may go through.
const maxAliases = 8

// runLine runs a line of the palette, for the page on top.
func (m model) runLine(line string) (model, tea.Cmd) { return m.runWords(palette.Words(line)) }

func (m model) runWords(words []string) (model, tea.Cmd) {
	for range maxAliases {
		if len(words) == 0 {
			return m, nil
		}
		meant, ok := m.env.Settings.Aliases[words[0]]
		if !ok {
			break
		}
		words = append(palette.Words(meant), words[1:]...)
	}
	if len(words) == 0 {
		return m, nil
	}
	name, args := words[0], words[1:]
	for _, b := range m.top().screen.Bindings() {
		if b.ID == name && len(b.Keys()) > 0 {
			return m.runBinding(b)
		}
	}
	for _, b := range m.keys.list() {
		if b.ID == name {
			return m.global(b, tea.KeyMsg{})
		}
	}
	all := m.commands()
	i := slices.IndexFunc(all, func(c screen.Command) bool { return c.Name == name })
	if i < 0 {
		return m.say(screen.Bad, fmt.Sprintf("there is no command %q%s", name, suggest(all, name)))
	}
	return m, m.run(m.top().id, all[i].Run(args))
}

// runBinding presses the key of an action.
func (m model) runBinding(b screen.Binding) (model, tea.Cmd) {
	if !b.Enabled() {
		return m.say(screen.Warn, b.ID+" is of no use here, now")
	}
	k, ok := KeyNamed(b.Keys()[0])
	if !ok {
		return m.say(screen.Bad, "no key stands for "+b.ID)
	}
	return m.keyToPage(k)
}

func suggest(all []screen.Command, name string) string {
	best, score := "", 0
	for _, c := range all {
		if s, ok := palette.Match(c.Name, name); ok && (best == "" || s < score) {
			best, score = c.Name, s
		}
	}
	if best == "" {
		return "; tab lists them all"
	}
	return fmt.Sprintf("; is %q meant?", best)
}

// commands are all that the palette can run now: those of the page, those that
// work everywhere, the user's own, and every action that has a key.
func (m model) commands() []screen.Command {
	var all []screen.Command
	add := func(list []screen.Command) {
		for _, c := range list {
			if !slices.ContainsFunc(all, func(o screen.Command) bool { return o.Name == c.Name }) {
				all = append(all, c)
			}
		}
	}
	if c, ok := m.top().screen.(screen.Commander); ok {
		add(c.Commands())
	}
	add(m.jobCommands())
	add(m.appCommands())
	for _, h := range m.env.Settings.Hotkeys {
		add([]screen.Command{{Name: strings.ReplaceAll(h.Name, " ", "-"), Help: "yours, on " + h.Key, Run: func([]string) tea.Cmd {
			return message(hotkeyMsg{h.Key})
		}}})
	}
	for name, meant := range m.env.Settings.Aliases {
		add([]screen.Command{{Name: name, Help: "= " + meant, Run: func([]string) tea.Cmd { return nil }}})
	}
	for _, b := range m.bindings() {
		if b.Enabled() && b.ID != "" {
			add([]screen.Command{{Name: b.ID, Help: b.Help().Desc + "  " + b.Help().Key, Run: func([]string) tea.Cmd { return nil }}})
		}
	}
	return all
}

func message(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// ids completes submission ids.
func (m model) ids(keep func(rayapi.Job) bool) func(string) []string {
	jobs := m.poll.jobs
	return func(string) []string {
		var out []string
		for i := range jobs {
			if id := jobs[i].ID(); id != "" && (keep == nil || keep(jobs[i])) {
				out = append(out, id)
			}
		}
		return out
	}
}

// chooser is a page that has a job under its cursor, or is about one.
type chooser interface {
	Current() (rayapi.Job, bool)
}

// named returns the jobs that args name, or else the one of the page on top.
func (m model) named(args []string) ([]rayapi.Job, error) {
	if len(args) == 0 {
		if c, ok := m.top().screen.(chooser); ok {
			if job, ok := c.Current(); ok {
				return []rayapi.Job{job}, nil
			}
		}
		return nil, fmt.Errorf("which job? give its submission id; tab lists them")
	}
	jobs := make([]rayapi.Job, 0, len(args))
	for _, id := range args {
		i := slices.IndexFunc(m.poll.jobs, func(j rayapi.Job) bool { return j.ID() == id })
		if i < 0 {
			return nil, fmt.Errorf("there is no job %s in the list", clean.Text(id))
		}
		if !slices.ContainsFunc(jobs, func(j rayapi.Job) bool { return j.ID() == id }) {
			jobs = append(jobs, m.poll.jobs[i])
		}
	}
	return jobs, nil
}

// one makes a command about a single job.
func (m model) one(do func(rayapi.Job) tea.Cmd) func([]string) tea.Cmd {
	return m.some(1, func(jobs []rayapi.Job) tea.Cmd { return do(jobs[0]) })
}

// some makes a command about up to most jobs; 0 means any number.
func (m model) some(most int, do func([]rayapi.Job) tea.Cmd) func([]string) tea.Cmd {
	return func(args []string) tea.Cmd {
		if most > 0 && len(args) > most {
			return screen.Notice(screen.Bad, fmt.Sprintf("it takes %d id, not %d", most, len(args)))
		}
		jobs, err := m.named(args)
		if err != nil {
			return screen.Notice(screen.Bad, err.Error())
		}
		return do(jobs)
	}
}

// each asks once for all jobs where the pages can.
func each(one func(rayapi.Job) tea.Cmd, all func([]rayapi.Job) tea.Cmd) func([]rayapi.Job) tea.Cmd {
	return func(jobs []rayapi.Job) tea.Cmd {
		if len(jobs) == 1 || all == nil {
			return one(jobs[0])
		}
		return all(jobs)
	}
}

// jobCommands are the commands about jobs.
func (m model) jobCommands() []screen.Command {
	p := m.env.Pages
	submitted := func(j rayapi.Job) bool { return j.Type != rayapi.TypeDriver }
	active := func(j rayapi.Job) bool { return submitted(j) && !j.Status.IsTerminal() }
	ended := func(j rayapi.Job) bool { return submitted(j) && j.Status.IsTerminal() }
	open := func(page func(rayapi.Job) screen.Screen) func(rayapi.Job) tea.Cmd {
		return func(j rayapi.Job) tea.Cmd { return screen.Push(page(j)) }
	}
	return []screen.Command{
		{Name: "open", Args: "ID", Help: "open a job", Complete: m.ids(nil), Run: m.one(open(p.Job))},
		{Name: "logs", Args: "ID", Help: "read a job's log", Complete: m.ids(submitted), Run: m.one(open(p.Log))},
		{Name: "stop", Args: "ID…", Help: "stop jobs, after a question", Complete: m.ids(active), Run: m.some(0, each(p.Stop, p.StopAll))},
		{Name: "delete", Args: "ID…", Help: "delete records, after a question", Complete: m.ids(ended), Run: m.some(0, each(p.Delete, p.DeleteAll))},
		{Name: "rerun", Args: "ID…", Help: "submit again, after a question", Complete: m.ids(submitted), Run: m.some(0, each(p.Rerun, p.RerunAll))},
		{Name: "edit", Args: "ID", Help: "change and submit again", Complete: m.ids(submitted), Run: m.one(open(p.Edit))},
		{Name: "watch", Args: "ID", Help: "tell me when it changes, or no longer", Complete: m.ids(nil), Run: m.one(func(j rayapi.Job) tea.Cmd {
			return message(screen.WatchMsg{ID: j.ID(), On: !m.watched[j.ID()]})
		})},
		{Name: "submit", Help: "new job", Run: func([]string) tea.Cmd { return screen.Push(p.Submit()) }},
		{Name: "export", Args: "json FILE", Help: "write the list to a file", Complete: func(string) []string { return []string{"json"} }, Run: m.export},
	}
}

// export writes what the server said of all jobs.
func (m model) export(args []string) tea.Cmd {
	if len(args) != 2 || args[0] != "json" {
		return screen.Notice(screen.Bad, "it is :export json FILE")
	}
	jobs, path := m.poll.jobs, args[1]
	if dir := m.env.Cwd; !strings.HasPrefix(path, "/") && dir != "" {
		path = dir + "/" + path
	}
	return func() tea.Msg {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: fmt.Sprintf("export overwrites nothing: %v", err)}
		}
		if err := writeJSON(f, jobs); err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: fmt.Sprintf("export to %s: %v", path, err)}
		}
		return screen.NoticeMsg{Level: screen.Good, Text: fmt.Sprintf("wrote %d jobs to %s", len(jobs), path)}
	}
}

// hotkeyMsg runs a key of the user's.
type hotkeyMsg struct{ key string }
