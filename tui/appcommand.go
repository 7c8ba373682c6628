package tui

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/events"
	"dray/tui/palette"
	"dray/tui/screen"
	"dray/tui/settings"
)

// appCommands are the commands that are about the dashboard itself.
func (m model) appCommands() []screen.Command {
	press := func(b screen.Binding) func([]string) tea.Cmd {
		return func([]string) tea.Cmd { return message(globalMsg{b}) }
	}
	quit := func([]string) tea.Cmd { return message(leaveMsg{}) }
	names := slices.Sorted(maps.Keys(m.switches()))
	return []screen.Command{
		{Name: "jobs", Help: "back to the list", Run: func([]string) tea.Cmd { return message(homeMsg{}) }},
		{Name: "events", Help: "what has happened", Run: press(m.keys.events)},
		{Name: "help", Help: "the keys of this page", Run: press(m.keys.help)},
		{Name: "refresh", Help: "ask the server now", Run: press(m.keys.refresh)},
		{Name: "pause", Help: "stop asking the server, or go on", Run: press(m.keys.pause)},
		{Name: "cluster", Args: "NAME", Help: "switch to another cluster; without a name, pick one", Complete: m.clusterNames, Run: m.clusterCommand},
		{Name: "theme", Args: "NAME", Help: "colours; without a name, pick one", Complete: m.themeNames, Run: m.themeCommand},
		{
			Name: "set", Args: "KEY on|off", Help: "until the dashboard is left: " + strings.Join(names, ", "),
			Complete: func(string) []string { return append(slices.Clone(names), "on", "off") }, Run: m.set,
		},
		{Name: "q", Help: "quit", Run: quit},
		{Name: "q!", Help: "quit", Run: quit},
		{Name: "wq", Help: "quit", Run: quit},
		{Name: "quit", Help: "quit", Run: quit},
	}
}

type (
	// globalMsg runs a global action.
	globalMsg struct{ binding screen.Binding }
	// homeMsg closes all pages but the first.
	homeMsg struct{}
	// setMsg changes a setting until the end.
	setMsg struct {
		name string
		on   bool
	}
)

// switches are the settings that can be changed while the dashboard is open.
func (m model) switches() map[string]func(s *settings.Settings, on bool) {
	return map[string]func(s *settings.Settings, on bool){
		"animation":    func(s *settings.Settings, on bool) { s.Animation = on },
		"mouse":        func(s *settings.Settings, on bool) { s.Mouse = on },
		"ascii":        func(s *settings.Settings, on bool) { s.ASCII = on },
		"wrap":         func(s *settings.Settings, on bool) { s.Logs.Wrap = on },
		"numbers":      func(s *settings.Settings, on bool) { s.Logs.Numbers = on },
		"times":        func(s *settings.Settings, on bool) { s.Logs.Times = on },
		"notify.bell":  func(s *settings.Settings, on bool) { s.Notify.Bell = on },
		"notify.osc":   func(s *settings.Settings, on bool) { s.Notify.OSC = on },
		"notify.title": func(s *settings.Settings, on bool) { s.Notify.Title = on },
	}
}

func (m model) set(args []string) tea.Cmd {
	if len(args) == 1 {
		args = strings.SplitN(args[0], "=", 2)
	}
	if len(args) != 2 {
		return screen.Notice(screen.Bad, "it is :set KEY on or :set KEY off")
	}
	if args[0] == "theme" {
		return m.themeCommand(args[1:])
	}
	if _, ok := m.switches()[args[0]]; !ok {
		return screen.Notice(screen.Bad, fmt.Sprintf("%q cannot be set here: it is one of %s, theme", clean.Text(args[0]), strings.Join(slices.Sorted(maps.Keys(m.switches())), ", ")))
	}
	switch args[1] {
	case "on", "true", "yes", "1":
		return message(setMsg{args[0], true})
	case "off", "false", "no", "0":
		return message(setMsg{args[0], false})
	}
	return screen.Notice(screen.Bad, fmt.Sprintf("%s is on or off, not %q", args[0], clean.Text(args[1])))
}

// switched takes a changed setting. The settings are replaced, not written to.
func (m model) switched(msg setMsg) (model, tea.Cmd) {
	next := *m.env.Settings
	m.switches()[msg.name](&next, msg.on)
	m.env.Settings = &next
	var cmds []tea.Cmd
	switch msg.name {
	case "mouse":
		m.mouseOn = msg.on
		cmds = append(cmds, m.mouseMode())
	case "ascii":
		m = m.restyle(m.themeName)
	}
	word := "off"
	if msg.on {
		word = "on"
	}
	m, said := m.say(screen.Info, fmt.Sprintf("%s is %s until dray is left; the config file makes it stay", msg.name, word))
	return m, tea.Batch(append(cmds, said)...)
}

// home closes all pages but the list.
func (m model) home() (model, tea.Cmd) {
	var cmds []tea.Cmd
	for len(m.pages) > 1 {
		next, cmd := m.closePage(m.top().id)
		m, cmds = next, append(cmds, cmd)
	}
	return m, tea.Batch(cmds...)
}

// openEvents shows what has happened; all of it counts as read then.
func (m model) openEvents() (model, tea.Cmd) {
	if _, open := m.top().screen.(events.Model); open {
		return m, nil
	}
	m.unread = 0
	return m.push(events.New(m.env, m.events))
}

// hotkey runs a key of the user's, after a question if it wants one.
func (m model) hotkey(h settings.Hotkey) (model, tea.Cmd) {
	job := rayapi.Job{}
	if c, ok := m.top().screen.(chooser); ok {
		job, _ = c.Current()
	}
	vars := map[string]string{
		"ID": job.ID(), "STATUS": string(job.Status), "ENTRYPOINT": job.Entrypoint, "ADDRESS": m.env.Target.Address,
	}
	do, what := m.shell(h, vars), h.Shell
	if h.Run != "" {
		words := palette.Words(h.Run) // before the values: a blank in one parts nothing
		for i := range words {
			words[i] = os.Expand(words[i], func(name string) string { return vars[name] })
		}
		what = strings.Join(words, " ")
		do = message(lineMsg{words})
	}
	if !h.Confirm {
		return m, m.run(m.top().id, do)
	}
	return m.ask(m.top().id, screen.AskMsg{
		Title: h.Name + "?", Yes: "Run", Do: do,
		Lines: []string{"job     " + clean.Text(job.ID()), "runs    " + clean.Text(what)},
	})
}

// lineMsg runs words as if they were typed into the palette.
type lineMsg struct{ words []string }

// shell runs a shell command with the terminal. What the job is called stands
// in its environment only, where no name can become a command.
func (m model) shell(h settings.Hotkey, vars map[string]string) tea.Cmd {
	env := m.env
	return func() tea.Msg {
		cmd := exec.CommandContext(env.Ctx, "/bin/sh", "-c", h.Shell)
		cmd.Dir = env.Cwd
		cmd.Env = os.Environ()
		if c := env.Target.Cluster; c != "" {
			cmd.Env = append(cmd.Env, "DRAY_CLUSTER="+c) // for verbs of dray
		}
		for name, value := range vars {
			cmd.Env = append(cmd.Env, name+"="+strings.ReplaceAll(value, "\x00", ""))
		}
		return screen.ExecMsg{Cmd: cmd, Done: func(err error) tea.Msg {
			if err != nil {
				return screen.NoticeMsg{Level: screen.Bad, Text: fmt.Sprintf("%s: %v", h.Name, err)}
			}
			return screen.NoticeMsg{Level: screen.Good, Text: h.Name + " is done"}
		}}
	}
}

func writeJSON(f *os.File, jobs []rayapi.Job) error {
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(jobs); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// ordered handles what a command of the palette or a key of the user's asks of
// the root.
func (m model) ordered(from int, msg tea.Msg) (model, tea.Cmd) {
	switch msg := msg.(type) {
	case globalMsg:
		return m.global(msg.binding, tea.KeyMsg{})
	case homeMsg:
		return m.home()
	case setMsg:
		return m.switched(msg)
	case leaveMsg:
		return m.quit()
	case lineMsg:
		return m.runWords(msg.words)
	case hotkeyMsg:
		return m.hotkeyNamed(msg.key)
	case themeMsg:
		if msg.name == "" {
			return m.openPicker(), nil
		}
		return m.restyle(msg.name), nil
	case savedMsg:
		return m.saved(msg)
	}
	return m.navigate(from, msg)
}
