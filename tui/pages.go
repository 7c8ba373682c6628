package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/jobview"
	"dray/tui/logview"
	"dray/tui/screen"
	"dray/tui/submit"
)

// pages is the one place where the pages meet: none imports another.
func pages(env *screen.Env) screen.Pages {
	return screen.Pages{
		Job:      func(j rayapi.Job) screen.Screen { return jobview.New(env, j) },
		Raw:      func(j rayapi.Job) screen.Screen { return jobview.NewRaw(env, j) },
		Log:      func(j rayapi.Job) screen.Screen { return logview.New(env, j) },
		LogError: func(j rayapi.Job) screen.Screen { return logview.NewAtError(env, j) },
		Logs:     func(j []rayapi.Job) screen.Screen { return logview.NewPanes(env, j) },
		Tail:     func(j rayapi.Job) screen.Screen { return logview.NewTail(env, j) },
		Edit:     func(j rayapi.Job) screen.Screen { return submit.Edit(env, j) },
		Submit:   func() screen.Screen { return submit.New(env) },
		Stop:     func(j rayapi.Job) tea.Cmd { return action.AskStop(env, j) },
		Delete:   func(j rayapi.Job) tea.Cmd { return action.AskDelete(env, j) },
		Rerun:    func(j rayapi.Job) tea.Cmd { return submit.AskRerun(env, j) },

		StopAll:   func(jobs []rayapi.Job) tea.Cmd { return action.AskStopAll(env, jobs) },
		RerunAll:  func(jobs []rayapi.Job) tea.Cmd { return submit.AskRerunAll(env, jobs) },
		DeleteAll: func(jobs []rayapi.Job) tea.Cmd { return action.AskDeleteAll(env, jobs) },
	}
}
