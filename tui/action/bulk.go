package action

import (
	"context"
	"fmt"
	"strings"
	"sync"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
)

const (
	// atOnce is how many requests of one bulk are under way.
	atOnce = 4
	// maxNamed is how many jobs a question names.
	maxNamed = 6
)

// bulk is one action on several jobs.
type bulk struct {
	verb, done string // "stop", "stopped"
	why        func(rayapi.Job) string
	lines      []string // what will happen
	do         func(ctx context.Context, env *screen.Env, job rayapi.Job) (note string, err error)
}

// AskStopAll asks once whether all of jobs are to be stopped, and reports what
// became of each.
func AskStopAll(env *screen.Env, jobs []rayapi.Job) tea.Cmd {
	return bulk{
		verb: "stop", done: "stopped", why: cannotStop,
		lines: []string{"Their processes are asked to end and killed if they do not.", "Logs and records stay."},
		do: func(ctx context.Context, env *screen.Env, job rayapi.Job) (string, error) {
			stopped, err := env.Jobs.Stop(ctx, job.ID())
			if err == nil && !stopped {
				return "had already ended", nil
			}
			return "", err
		},
	}.ask(env, jobs)
}

// AskDeleteAll asks once whether the records of all of jobs are to be deleted,
// and reports what became of each.
func AskDeleteAll(env *screen.Env, jobs []rayapi.Job) tea.Cmd {
	what := "Their records go, and with them the way to their logs."
	if env.Target.Embedded {
		what = "Their records and logs go. Files in their working folders stay."
	}
	return bulk{
		verb: "delete", done: "deleted", why: cannotDelete,
		lines: []string{what, "This cannot be undone."},
		do: func(ctx context.Context, env *screen.Env, job rayapi.Job) (string, error) {
			if err := waitUntil(ctx, env.Now, settled(env, job)); err != nil {
				return "", err
			}
			return "", env.Jobs.Delete(ctx, job.ID())
		},
	}.ask(env, jobs)
}

func (b bulk) ask(env *screen.Env, jobs []rayapi.Job) tea.Cmd {
	if len(jobs) == 1 && b.verb == "stop" {
		return AskStop(env, jobs[0])
	}
	if len(jobs) == 1 {
		return AskDelete(env, jobs[0])
	}
	var able []rayapi.Job
	var left []string
	for _, job := range jobs {
		if why := b.why(job); why != "" {
			left = append(left, jobtext.ID(&job)+": left alone, "+why)
			continue
		}
		able = append(able, job)
	}
	if len(able) == 0 {
		return message(screen.NoticeMsg{
			Level: screen.Warn, Detail: left,
			Text: fmt.Sprintf("none of the %d jobs can be %s: ! for details", len(jobs), b.done),
		})
	}
	what := fmt.Sprintf("%s %s", b.verb, counted(len(able)))
	lines := append(named(able), "server  "+server(env), "")
	if len(left) > 0 {
		lines = append(lines, leftAlone(len(left), len(jobs), b.done))
	}
	yes := strings.ToUpper(b.verb[:1]) + b.verb[1:]
	if len(able) > 1 {
		yes = fmt.Sprintf("%s all %d", yes, len(able))
	}
	return ask(screen.AskMsg{
		Title: strings.ToUpper(b.verb[:1]) + what[1:] + "?",
		Lines: append(lines, b.lines...),
		Yes:   yes,
		Do:    b.run(env, able, left),
		Hold:  what,

		Subject: subject(able),
		Shell:   func([]int) string { return env.Target.Shell(append([]string{b.verb}, ids(able)...)...) },
	})
}

// leftAlone says how many of the marked jobs a question passes over.
func leftAlone(n, of int, done string) string {
	are := "are"
	if n == 1 {
		are = "is"
	}
	return fmt.Sprintf("%d of the %d marked cannot be %s and %s left alone.", n, of, done, are)
}

// subject is what a protected server wants typed.
func subject(jobs []rayapi.Job) string {
	if len(jobs) == 1 {
		return jobtext.ID(&jobs[0])
	}
	return counted(len(jobs))
}

func ids(jobs []rayapi.Job) []string {
	out := make([]string, len(jobs))
	for i := range jobs {
		out[i] = jobs[i].ID()
	}
	return out
}

func counted(n int) string {
	if n == 1 {
		return "1 job"
	}
	return fmt.Sprintf("%d jobs", n)
}

// named lists the jobs of a question.
func named(jobs []rayapi.Job) []string {
	lines := make([]string, 0, maxNamed+1)
	label := "jobs    "
	for i := range jobs {
		if i == maxNamed && len(jobs) > maxNamed+1 {
			return append(lines, fmt.Sprintf("        and %d more", len(jobs)-i))
		}
		lines = append(lines, label+jobtext.ID(&jobs[i]))
		label = "        "
	}
	return lines
}

// result is what became of one job.
type result struct {
	note string
	err  error
}

// run does it to all jobs, a few at a time, and reports.
func (b bulk) run(env *screen.Env, jobs []rayapi.Job, left []string) tea.Cmd {
	work := func() tea.Msg {
		results := make([]result, len(jobs))
		var wg sync.WaitGroup
		next := make(chan int)
		for range min(atOnce, len(jobs)) {
			wg.Go(func() {
				for i := range next {
					ctx, cancel := context.WithTimeout(env.Ctx, writeTimeout)
					results[i].note, results[i].err = b.do(ctx, env, jobs[i])
					cancel()
				}
			})
		}
		for i := range jobs {
			next <- i
		}
		close(next)
		wg.Wait()
		return b.report(jobs, results, left)
	}
	if b.verb != "stop" {
		return work
	}
	cmds := make([]tea.Cmd, 0, len(jobs)+1)
	for i := range jobs {
		id := jobs[i].ID()
		cmds = append(cmds, func() tea.Msg { return screen.StoppingMsg{ID: id, Since: env.Now()} })
	}
	return tea.Sequence(append(cmds, work)...)
}

func (b bulk) report(jobs []rayapi.Job, results []result, left []string) tea.Msg {
	var detail []string
	var cmds []tea.Cmd
	good, noted, failed := 0, 0, 0
	for i, res := range results {
		id := jobs[i].ID()
		shown := jobtext.ID(&jobs[i])
		switch {
		case res.err != nil:
			failed++
			detail = append(detail, fmt.Sprintf("%s: %v", shown, res.err))
		case res.note != "":
			noted++
			detail = append(detail, shown+": "+res.note)
		default:
			good++
			detail = append(detail, shown+": "+b.done)
		}
		if b.verb == "stop" && (res.err != nil || res.note != "") {
			cmds = append(cmds, message(screen.StoppingMsg{ID: id}))
		}
	}
	parts := []string{fmt.Sprintf("%s %d", b.done, good)}
	level := screen.Good
	if n := noted + len(left); n > 0 {
		parts, level = append(parts, fmt.Sprintf("left alone %d", n)), screen.Info
	}
	if failed > 0 {
		parts, level = append(parts, fmt.Sprintf("failed %d", failed)), screen.Bad
	}
	notice := screen.NoticeMsg{Level: level, Text: strings.Join(parts, ", ") + ": ! for details", Detail: append(detail, left...)}
	// One look at the list is enough for all of them.
	return tea.BatchMsg(append(cmds, message(notice), message(screen.JobMsg{ID: jobs[0].ID()})))
}
