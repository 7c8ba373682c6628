package submit

import (
	"context"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/screen"
)

// again is one job of a bulk and the request that submits it again.
type again struct {
	job     rayapi.Job
	request rayapi.SubmitRequest
}

// AskRerunAll asks once whether all of jobs are to be submitted again as they
// were, and reports what became of each. Those that have no request to send
// again are named and left out.
func AskRerunAll(env *screen.Env, jobs []rayapi.Job) tea.Cmd {
	if len(jobs) == 1 {
		return AskRerun(env, jobs[0])
	}
	return func() tea.Msg {
		var able []again
		var left []string
		for _, job := range jobs {
			entry, err := recorded(env, job.ID())
			if err == nil {
				var r rayapi.SubmitRequest
				if r, _, err = ledger.Rerun(job, entry, ""); err == nil {
					able = append(able, again{job, r})
					continue
				}
			}
			left = append(left, clean.Text(job.ID()+": left alone, "+err.Error()))
		}
		if len(able) == 0 {
			return screen.NoticeMsg{Level: screen.Warn, Text: fmt.Sprintf("none of the %d jobs can be submitted again: ! for details", len(jobs)), Detail: left}
		}
		return screen.AskMsg{
			Title: fmt.Sprintf("Rerun %s?", count(len(able), "job", "jobs")),
			Lines: rerunLines(env, able, len(left)),
			Yes:   "Rerun " + count(len(able), "job", "jobs"),
			Do:    rerunAll(env, able, left),

			Subject: count(len(able), "job", "jobs"),
		}
	}
}

func rerunLines(env *screen.Env, able []again, left int) []string {
	const most = 6
	lines := []string{"each submitted again as it was, on " + clean.Text(env.Target.Name)}
	for i, a := range able {
		if i == most && len(able) > most+1 {
			lines = append(lines, fmt.Sprintf("and %d more", len(able)-i))
			break
		}
		lines = append(lines, clean.Text(a.job.ID()+"  "+a.request.Entrypoint))
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("%s cannot be submitted again and %s left alone", count(left, "job", "jobs"), isAre(left)))
	}
	return lines
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// rerunAll submits one after the other: the order of the jobs is kept, and a
// server that fails is not asked for all of them at once.
func rerunAll(env *screen.Env, able []again, left []string) tea.Cmd {
	return func() tea.Msg {
		var detail []string
		var back []tea.Cmd
		failed := 0
		for _, a := range able {
			p := post{env: env, request: a.request, parent: a.job.ID(), waits: lookAfter()}
			res := p.run(context.WithoutCancel(env.Ctx), nil)
			if res.err != nil {
				failed++
				detail = append(detail, clean.Text(fmt.Sprintf("%s: %v", a.job.ID(), res.err)))
				continue
			}
			detail = append(detail, clean.Text(a.job.ID()+": submitted as "+res.id))
			back = append(back, changed(res.id))
		}
		level, text := screen.Good, "submitted "+count(len(able)-failed, "rerun", "reruns")
		if len(left) > 0 {
			level, text = screen.Info, text+fmt.Sprintf(", left alone %d", len(left))
		}
		if failed > 0 {
			level, text = screen.Bad, text+fmt.Sprintf(", failed %d", failed)
		}
		notice := screen.NoticeMsg{Level: level, Text: text + ": ! for details", Detail: append(detail, left...)}
		return tea.BatchMsg(append(back, func() tea.Msg { return notice }))
	}
}
