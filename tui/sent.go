package tui

import (
	"maps"
	"slices"
	"strings"

	"dray/backend/rayapi"
	"dray/tui/notify"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// began notes a job that was submitted from here: its end is told even if
// nobody watches it.
func (p poll) began(id string) poll {
	old := slices.ContainsFunc(p.jobs, func(j rayapi.Job) bool { return j.ID() == id && j.Status.IsTerminal() })
	if old || len(p.sent) >= maxSent {
		return p
	}
	p.sent = maps.Clone(p.sent)
	if p.sent == nil {
		p.sent = make(map[string]bool, 1)
	}
	p.sent[id] = true
	return p
}

// maxSent bounds how many jobs of our own are waited for.
const maxSent = 256

// ended are the jobs submitted from here that have ended and were not told of
// among changes. That one was stopped is told by who stopped it.
func (p poll) ended(changes []notify.Change) (poll, []rayapi.Job) {
	if len(p.sent) == 0 {
		return p, nil
	}
	var ended []rayapi.Job
	sent := maps.Clone(p.sent)
	for i := range p.jobs {
		j := &p.jobs[i]
		if id := j.ID(); sent[id] && j.Status.IsTerminal() {
			delete(sent, id)
			told := slices.ContainsFunc(changes, func(c notify.Change) bool { return c.ID == id })
			if !told && j.Status != rayapi.StatusStopped {
				ended = append(ended, *j)
			}
		}
	}
	if len(ended) > maxOneByOne { // the list shows them
		ended = ended[:maxOneByOne]
	}
	p.sent = sent
	return p, ended
}

// maxWhy is how much is said of why a job failed.
const maxWhy = 120

// outcome says how a job of the list has ended, and of a failure why; plain of
// one that is not there, or has not.
func (m model) outcome(id, plain string) string {
	i := slices.IndexFunc(m.poll.jobs, func(j rayapi.Job) bool { return j.ID() == id })
	if i < 0 || !m.poll.jobs[i].Status.IsTerminal() {
		return plain
	}
	j := &m.poll.jobs[i]
	text := id + " " + strings.ToLower(string(j.Status))
	if j.Status == rayapi.StatusSucceeded {
		if took, ok := jobtext.Took(j, m.poll.now); ok {
			text += " after " + jobtext.Duration(took)
		}
		return text
	}
	var why []string
	if code := jobtext.ExitShort(j); code != "" {
		why = append(why, "exit "+code)
	} else if short := jobtext.ErrorShort(j); short != "" {
		why = append(why, short)
	}
	if lines := jobtext.Message(j); j.Status == rayapi.StatusFailed && len(lines) > 1 {
		why = append(why, cell.Cut(strings.TrimSpace(lines[len(lines)-1]), maxWhy, m.env.Styles.Glyphs.Ellipsis))
	}
	if len(why) > 0 {
		text += ": " + strings.Join(why, ", ")
	}
	return text
}
