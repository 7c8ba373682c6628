package joblist

import (
	"encoding/json"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
)

// doCopy puts something of job on the clipboard, or opens and closes the menu
// of what there is.
func (m Model) doCopy(id string, job rayapi.Job) (Model, tea.Cmd) {
	m.menu = id == actMenu
	put := func(text, what string) tea.Cmd {
		return func() tea.Msg { return screen.CopyMsg{Text: text, What: what} }
	}
	switch id {
	case actCopy, actCopyID:
		return m, put(job.ID(), "submission id")
	case actCopyCmd:
		return m, put(job.Entrypoint, "entrypoint")
	case actCopyLog:
		return m, copyLog(m.env, job)
	case actCopyJSON:
		return m, copyJSON(job)
	case actCopyLine:
		return m, put(submitLine(job), "ray job submit line")
	}
	return m, nil
}

// copyLog copies the path of the log where it is a file here, else a command
// that prints it.
func copyLog(env *screen.Env, job rayapi.Job) tea.Cmd {
	id := job.ID()
	return func() tea.Msg {
		if env.LogFile == nil {
			cmd := "dray logs " + quoted(id)
			if c := env.Target.Cluster; c != "" {
				cmd = "dray --cluster " + quoted(c) + " logs " + quoted(id)
			}
			return screen.CopyMsg{Text: cmd, What: "log command"}
		}
		path, err := env.LogFile(env.Ctx, id)
		if err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: "log of " + id + ": " + err.Error()}
		}
		return screen.CopyMsg{Text: path, What: "path of the log"}
	}
}

func copyJSON(job rayapi.Job) tea.Cmd {
	return func() tea.Msg {
		text, err := json.MarshalIndent(job, "", "  ")
		if err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: "job as JSON: " + err.Error()}
		}
		return screen.CopyMsg{Text: string(text), What: "JSON of the job"}
	}
}

// submitLine is the command by which Ray's own tool would submit the same
// again, as far as the record tells.
func submitLine(job rayapi.Job) string {
	line := "ray job submit"
	if env := strings.TrimSpace(string(job.RuntimeEnv)); env != "" && env != "{}" && env != "null" {
		line += " --runtime-env-json " + quoted(env)
	}
	if len(job.Metadata) > 0 {
		if text, err := json.Marshal(job.Metadata); err == nil {
			line += " --metadata-json " + quoted(string(text))
		}
	}
	return line + " -- " + job.Entrypoint
}

// quoted makes s one word of a shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
