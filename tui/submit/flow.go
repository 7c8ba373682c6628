package submit

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

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
	id          string // of the request that is on its way; "" before it is
	nth, of     int    // of a sweep
	wanted      bool   // to be sent as soon as the working dir is known
	canceled    bool
	done, total int64
	at          time.Time // when from was done
	from        int64     // the bytes from which the next rate is measured
	rate        float64   // the bytes of a second until then
	what        string    // that is uploaded
	part, parts int
	steps       <-chan progressMsg
	cancel      context.CancelFunc // ends the upload; nil when there is none
}

func (s sending) stop() {
	if s.cancel != nil {
		s.cancel()
	}
}

// progressMsg tells how far a submit is. over: the upload is done, or there
// was none. With an id, the request of that id is about to be sent.
type progressMsg struct {
	gen         int
	id          string
	nth         int // of a sweep
	what        string
	part, parts int // of the uploads
	done, total int64
	at          time.Time
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
		if key.Matches(k, m.keys.cancel) && (m.sending.phase == uploading || m.sending.of > 1) {
			m.sending.stop()
			m.sending.canceled = true
		}
		return m, nil
	}
	if m.over != nil {
		return m.toOverlay(k)
	}
	if k.Paste {
		if next, cmd, ok := m.pasted(string(k.Runes)); ok {
			return next, cmd
		}
	} else if next, cmd, ok := m.chord(k); ok {
		return next, cmd
	}
	if next, ok := m.recalled(k); ok || m.peek {
		return next, nil
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
		return m.find(m.problems[0].field), nil
	}
	switch t := m.env.Target; {
	case t.ReadOnly:
		m.failure = t.Name + " is read-only here: nothing can be submitted; the draft is kept"
		return m.laidOut(), nil
	case !m.plan.empty():
		return m.submitPlan()
	case t.Protected && !m.agreed:
		return m, m.askSubmit()
	}
	m.failure, m.sending.wanted, m.agreed = "", true, false
	return m.sendIfWanted()
}

// agreedMsg says yes to a submit.
type agreedMsg struct{}

// askSubmit asks before a job is sent to a protected server.
func (m Model) askSubmit() tea.Cmd {
	t := m.env.Target
	lines := []string{clean.Text(m.request.Entrypoint), "as " + clean.Text(cmp.Or(m.request.SubmissionID, m.autoID())) + " on " + clean.Text(t.Name)}
	return func() tea.Msg {
		return screen.AskMsg{Title: "Submit job?", Lines: lines, Yes: "Submit", Do: func() tea.Msg { return agreedMsg{} }}
	}
}

// unanswered is the id of a request that was sent, or is being sent, and has no
// answer; "" for none.
func (m Model) unanswered() string {
	if m.sending.id != "" && m.sending.of == 0 {
		return m.sending.id
	}
	return m.doubt
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
	case !m.sending.wanted || m.dir.pending || m.mods.pending():
		return m, nil
	case len(m.problems) > 0:
		m.sending.wanted = false
		return m.submit()
	}
	p := post{
		env: m.env, request: m.request, parcels: m.parcels(), parent: m.parent.ID(),
		typed: m.request.SubmissionID != "", waits: lookAfter(), keep: m.keeper(),
	}
	if m.doubt != "" && (!p.typed || p.request.SubmissionID == m.doubt) {
		p.request.SubmissionID, p.doubt = m.doubt, true
	}
	steps := make(chan progressMsg, 1)
	ctx, cancel := context.WithCancel(m.env.Ctx)
	m.sending = sending{gen: m.sending.gen + 1, phase: asking, steps: steps, cancel: cancel}
	if !p.parcels.empty() {
		m.sending.phase, m.sending.what = uploading, p.parcels.first()
	}
	return m, tea.Batch(run(ctx, p, m.sending.gen, steps), m.sending.next())
}

// run does the whole submit; its upload ends with ctx. It closes steps when
// the upload is over, so that who waits for steps ends with it.
func run(ctx context.Context, p post, gen int, steps chan progressMsg) tea.Cmd {
	return func() tea.Msg {
		defer close(steps)
		p.told = func(id string) { newest(steps, progressMsg{gen: gen, id: id}) }
		r := p.run(ctx, func(step progressMsg) {
			step.gen = gen
			newest(steps, step) // a screen that is behind needs no other
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
	if msg.id != "" {
		m.sending.id, m.sending.nth, m.sending.phase = msg.id, msg.nth, asking
		return m, m.sending.next()
	}
	m.sending = m.sending.measured(msg)
	if msg.over && !m.sending.canceled {
		m.sending.phase = asking
	}
	return m, m.sending.next()
}

// measured takes a step in. The rate is that of the last seconds, smoothed. The
// first half second is left out: it fills buffers on the way.
func (s sending) measured(msg progressMsg) sending {
	if msg.part != s.part {
		s.what, s.part, s.parts, s.at, s.rate = msg.what, msg.part, msg.parts, time.Time{}, 0
	}
	if msg.total == 0 { // it is being packed
		s.done, s.total = 0, 0
		return s
	}
	if s.at.IsZero() {
		s.at, s.from = msg.at, msg.done
	}
	if d := msg.at.Sub(s.at).Seconds(); d >= rateStep {
		now := float64(msg.done-s.from) / d
		if s.rate == 0 {
			s.rate = now
		}
		s.rate += min(1, d/2) * (now - s.rate)
		s.at, s.from = msg.at, msg.done
	}
	s.done, s.total = msg.done, msg.total
	return s
}

// rateStep is the time in seconds over which a rate is measured.
const rateStep = 0.5

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
		m.env.Drafts.Keep(m.name, nil)
		if m.form.Value(fieldAfter) == afterStay {
			return m.stay(msg.result)
		}
		m.ended, m.doubt = true, ""
		return m, tea.Sequence(m.forget(), m.leave(msg.result))
	}
	m.failure, m.unsent = msg.err.Error(), neverSent(msg.err)
	var doubt *doubtError
	var other *otherError
	switch {
	case errors.As(msg.err, &doubt):
		m.doubt = doubt.ID
		m.failure += ": submit again, the same id is used, so that there will be one job"
	case errors.As(msg.err, &other):
		m.doubt = ""
		m.failure += ": submit again to send this as another job"
	case canceled && errors.Is(msg.err, context.Canceled):
		m.failure = ""
		return m, screen.Notice(screen.Info, "upload stopped, nothing was submitted")
	case errors.Is(msg.err, rayapi.ErrExists):
		m.taken = m.request.SubmissionID
		m = m.checked().find(fieldID)
	}
	return m, m.save() // the draft on disk must not name a request that was refused
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
	told := []tea.Cmd{back, said(r, "submitted "), changed(r.id)}
	if m.form.Value(fieldAfter) == afterNotify {
		told = append(told, func() tea.Msg { return screen.WatchMsg{ID: r.id, On: true} })
	}
	return tea.Sequence(told...)
}

// stay leaves everything as it is for another job, which gets another id.
func (m Model) stay(r result) (Model, tea.Cmd) {
	m.doubt = ""
	m.form = m.form.SetValue(fieldID, "")
	m.pristine = m.draft()
	m.filled = []string{"submitted " + clean.Text(r.id) + "; the form is as it was, for another one"}
	return m.checked(), tea.Sequence(m.forget(), said(r, "submitted "), changed(r.id))
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
	m.origin = withParent(r, m.parent)
	full, b := fromRequest(m.origin)
	typed := m.draft()
	m.base = b
	d := draft{}
	for _, id := range keptFields() {
		d[id] = full[id]
		if typed[id] != m.pristine[id] {
			d[id] = typed[id]
		}
	}
	focus, text, unread := m.form.Focused(), m.form.Value(fieldText), m.textErr
	m = m.fill(full)
	m.pristine = m.draft()
	for _, entry := range []string{draftDoubt, draftYAML, draftJSON, draftPlan} {
		delete(m.pristine, entry)
	}
	m = m.fill(d)
	m.form = m.form.Focus(focus)
	m, cmd := m.look()
	if m = m.writeText(); unread != nil {
		m.form, m.textErr = m.form.SetValue(fieldText, text), unread
	}
	return m.checked(), cmd
}
