package submit

import (
	"context"
	"errors"
	"maps"
	"os"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/form"
)

// phase is how far a submit is.
type phase int

const (
	idle phase = iota
	uploading
	asking
)

// sending is the submit that is under way, if any.
type sending struct {
	gen         int
	phase       phase
	wanted      bool // to be sent as soon as the working dir is known
	canceled    bool
	done, total int64
	steps       <-chan progressMsg
	cancel      context.CancelFunc // ends the upload; nil when there is none
}

func (s sending) stop() {
	if s.cancel != nil {
		s.cancel()
	}
}

// progressMsg tells how far an upload is. over: the upload is done, or there
// was none.
type progressMsg struct {
	gen         int
	done, total int64
	over        bool
}

// sentMsg tells what became of a submit.
type sentMsg struct {
	gen int
	result
}

func (m Model) handleKey(k tea.KeyMsg) (Model, tea.Cmd) {
	if m.ended {
		return m, nil // on its way out: the job is there
	}
	if m.sending.phase != idle {
		// The fields stand still, so that what is sent is what is seen.
		if key.Matches(k, m.keys.cancel) && m.sending.phase == uploading {
			m.sending.stop()
			m.sending.canceled = true
		}
		return m, nil
	}
	if !k.Paste {
		switch {
		case key.Matches(k, m.keys.cancel):
			m.keepDraft()
			return m, screen.Pop
		case key.Matches(k, m.keys.submit):
			return m.submit()
		}
	}
	before := m.form.Focused()
	var event form.Event
	m.form, event = m.form.Update(k)
	switch event {
	case form.Edited:
		return m.edited()
	case form.Moved:
		if m.form.Value(before) != "" {
			m = m.touch(before).checked()
		}
	case form.Pressed:
		return m.pressed()
	case form.None:
	}
	return m, nil
}

func (m Model) pressed() (Model, tea.Cmd) {
	if m.form.Button() == buttonSubmit {
		return m.submit()
	}
	m.failure, m.restored, m.touched, m.doubt = "", false, map[string]bool{}, ""
	m = m.fill(m.pristine)
	m, cmd := m.look()
	return m.checked(), cmd
}

// submit sends the form if nothing is wrong with it; otherwise the focus goes
// to what is.
func (m Model) submit() (Model, tea.Cmd) {
	m.taken = "" // it may be free by now
	m = m.checked()
	if len(m.problems) > 0 {
		for _, p := range m.problems {
			m = m.touch(p.field)
		}
		m = m.checked()
		m.form = m.form.Focus(m.problems[0].field)
		return m, nil
	}
	m.failure, m.sending.wanted = "", true
	return m.sendIfWanted()
}

// told takes what the root knows of the server. That nothing could be sent is
// no news any more when it answers again.
func (m Model) told(msg screen.ListMsg) Model {
	if m.link.Down() && !msg.Link.Down() && m.unsent {
		m.failure, m.unsent = "", false
	}
	m.link, m.known = msg.Link, msg.Jobs
	if m.form.Value(fieldID) == "" {
		return m
	}
	return m.checked()
}

// sendIfWanted sends once the working dir has been looked at.
func (m Model) sendIfWanted() (Model, tea.Cmd) {
	switch {
	case !m.sending.wanted || m.dir.pending:
		return m, nil
	case len(m.problems) > 0:
		m.sending.wanted = false
		return m.submit()
	}
	p := post{
		env: m.env, request: m.request, excludes: m.base.excludes(), parent: m.parent.ID(),
		typed: m.request.SubmissionID != "", waits: lookAfter(),
	}
	if m.doubt != "" && (!p.typed || p.request.SubmissionID == m.doubt) {
		p.request.SubmissionID, p.doubt = m.doubt, true
	}
	steps := make(chan progressMsg, 1)
	ctx, cancel := context.WithCancel(m.env.Ctx)
	m.sending = sending{gen: m.sending.gen + 1, phase: asking, steps: steps, cancel: cancel}
	if m.dir.upload {
		p.path, m.sending.phase = m.dir.path, uploading
	}
	return m, tea.Batch(run(ctx, p, m.sending.gen, steps), m.sending.next())
}

// run does the whole submit; its upload ends with ctx. It closes steps when
// the upload is over, so that who waits for steps ends with it.
func run(ctx context.Context, p post, gen int, steps chan progressMsg) tea.Cmd {
	return func() tea.Msg {
		defer close(steps)
		r := p.run(ctx, func(done, total int64) {
			step := progressMsg{gen: gen, done: done, total: total, over: total > 0 && done >= total}
			select {
			case steps <- step:
			default: // the screen is behind: it needs the newest step only
				select {
				case <-steps:
				default:
				}
				select {
				case steps <- step:
				default:
				}
			}
		})
		return sentMsg{gen, r}
	}
}

// next waits for the next step of the upload. It ends when run does.
func (s sending) next() tea.Cmd {
	steps := s.steps
	return func() tea.Msg {
		step, ok := <-steps
		if !ok {
			return nil
		}
		return step
	}
}

func (m Model) progressed(msg progressMsg) (Model, tea.Cmd) {
	if msg.gen != m.sending.gen || m.sending.phase == idle {
		return m, nil
	}
	m.sending.done, m.sending.total = msg.done, msg.total
	if msg.over && !m.sending.canceled {
		m.sending.phase = asking
	}
	return m, m.sending.next()
}

// sent leaves the form when there is a job, and stays with everything as it
// was typed when there is none.
func (m Model) sent(msg sentMsg) (Model, tea.Cmd) {
	if msg.gen != m.sending.gen || m.sending.phase == idle {
		return m, nil
	}
	canceled := m.sending.canceled
	m.sending.stop()
	m.sending = sending{gen: m.sending.gen}
	if msg.err == nil {
		m.ended, m.doubt = true, ""
		m.env.Drafts.Keep(m.name, nil)
		return m, m.leave(msg.result)
	}
	m.failure, m.unsent = msg.err.Error(), neverSent(msg.err)
	var doubt *doubtError
	var other *otherError
	switch {
	case errors.As(msg.err, &doubt):
		m.doubt = doubt.id
		m.failure += ": submit again, the same id is used, so that there will be one job"
	case errors.As(msg.err, &other):
		m.doubt = ""
		m.failure += ": submit again to send this as another job"
	case canceled && errors.Is(msg.err, context.Canceled):
		m.failure = ""
		return m, screen.Notice(screen.Info, "upload stopped, nothing was submitted")
	case errors.Is(msg.err, rayapi.ErrExists):
		m.taken = m.request.SubmissionID
		m = m.checked()
		m.form = m.form.Focus(fieldID)
	}
	return m, nil
}

// leave goes to the new job: in the table, or its log.
func (m Model) leave(r result) tea.Cmd {
	back := tea.Cmd(screen.Pop)
	if m.form.Value(fieldAfter) == afterLog && m.env.Pages.Log != nil {
		job := rayapi.Job{
			Type: rayapi.TypeSubmission, SubmissionID: &r.id, Status: rayapi.StatusPending,
			Entrypoint: m.request.Entrypoint, Metadata: m.request.Metadata,
		}
		back = func() tea.Msg { return screen.ReplaceMsg{Screen: m.env.Pages.Log(job)} }
	}
	return tea.Sequence(back, said(r, "submitted "), changed(r.id))
}

func said(r result, verb string) tea.Cmd {
	text := verb + clean.Text(r.id)
	if r.found {
		text += " (the answer was lost, the job is there)"
	}
	return screen.Notice(screen.Good, text)
}

func changed(id string) tea.Cmd {
	return func() tea.Msg { return screen.JobMsg{ID: id} }
}

// withEntry fills in what only this machine knows of the job that is edited.
// What the user has typed since stays.
func (m Model) withEntry(msg entryMsg) (Model, tea.Cmd) {
	if msg.id != m.parent.ID() || errors.Is(msg.err, os.ErrNotExist) {
		return m, nil
	}
	if msg.err != nil {
		m.note = msg.err.Error()
		return m, nil
	}
	r, notes := ledger.Original(m.parent, &msg.entry)
	m.note = ""
	if len(notes) > 0 {
		m.note = notes[0]
	}
	full, b := fromRequest(withParent(r, m.parent))
	m.base, m.pristine = b, maps.Clone(m.pristine)
	for _, id := range []string{
		fieldEntrypoint, fieldDir, fieldEnv, fieldMetadata, fieldCPUs, fieldGPUs, fieldMemory, fieldResources,
	} {
		if m.form.Value(id) == m.pristine[id] {
			m.form = m.form.SetValue(id, full[id])
		}
		m.pristine[id] = full[id]
	}
	maps.DeleteFunc(m.pristine, func(_, v string) bool { return v == "" })
	m.form = m.form.SetValue(fieldCopy, copyOf(m.form.Value(fieldDir)))
	m, cmd := m.look()
	return m.checked(), cmd
}
