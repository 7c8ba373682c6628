package submit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/jobspec"
	"dray/tui/clean"
	"dray/tui/filepicker"
	"dray/tui/screen"
)

// maxHistory is how many commands are at hand.
const maxHistory = 200

// historyMsg brings the commands that were submitted from here before.
type historyMsg struct {
	list   []string
	recent []recent
	err    error
}

// recall is the walk through the history in the entrypoint field.
type recall struct {
	at    int    // 1 is the newest command; 0: not in the history
	typed string // what was there before
}

func (m Model) loadHistory() tea.Cmd {
	if m.env.Ledger == nil {
		return nil
	}
	return func() tea.Msg {
		list, err := m.env.Ledger.Entrypoints(m.env.Target.LedgerKey, maxHistory)
		list = slices.DeleteFunc(list, jobspec.CommandSecret)
		envs, envErr := m.env.Ledger.RuntimeEnvs(m.env.Target.LedgerKey, maxRecent)
		return historyMsg{list, recentOf(envs), errors.Join(err, envErr)}
	}
}

// updateMore takes the messages that are not about a submit.
func (m Model) updateMore(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case modulesPauseMsg, modulesStepMsg, modulesMsg:
		return m.updateModules(msg)
	case filepicker.ListMsg:
		if m.over == nil {
			return m, nil
		}
		return m.toOverlay(msg)
	case historyMsg:
		m.history, m.recent = msg.list, msg.recent
		return m.checked(), nil
	case keptMsg:
		return m.kept(msg)
	case saveMsg:
		if msg.gen == m.saveGen && !m.ended && m.sending.phase == idle {
			return m, m.save()
		}
	case savedMsg:
		if msg.err != nil {
			m.note = clean.Text(msg.err.Error())
		} else {
			m.saved, m.unsaved = msg.at, false
		}
	case veilMsg:
		if msg.gen == m.veil && m.revealed {
			return m.switchVeil()
		}
	case importMsg:
		return m.imported(msg)
	case inlinedMsg:
		return m.inlinedEnv(msg)
	case editorMsg:
		return m.startEditor(msg)
	case editedMsg:
		return m.fromEditor(msg)
	case templatesMsg:
		return m.chooseTemplate(msg), nil
	case resourcesMsg:
		if msg.err == nil {
			m.resources = msg.list
		}
		return m.checked(), nil
	case scriptPauseMsg:
		return m, m.sought(msg)
	case scriptMsg:
		if msg.gen == m.scriptGen {
			m.missing = msg.name
			return m.checked(), nil
		}
	default:
		return m.updateSaid(msg)
	}
	return m, nil
}

// updateSaid takes what the user has said in a question or in the palette, and
// what became of a sweep.
func (m Model) updateSaid(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case revealMsg:
		return m.switchVeil()
	case agreedMsg:
		if m.sending.phase == idle && !m.ended {
			m.agreed = true
			return m.submit()
		}
	case clearMsg:
		return m.cleared()
	case sweepMsg:
		return m.sendVariants(msg)
	case sweptMsg:
		return m.swept(msg)
	}
	return m, nil
}

// chord runs a key that is no text and belongs to no field. ok is false for
// every other key.
func (m Model) chord(k tea.KeyMsg) (next Model, cmd tea.Cmd, ok bool) {
	ok = true
	switch {
	case key.Matches(k, m.keys.cancel):
		next, cmd = m.backOut()
	case key.Matches(k, m.keys.submit) && m.at() == stepEnv:
		next, cmd = m.leaveEnv()
	case key.Matches(k, m.keys.submit):
		next, cmd = m.submit()
	case key.Matches(k, m.keys.nextStep):
		next, cmd = m.turn(1), m.askResources()
	case key.Matches(k, m.keys.prevStep):
		next, cmd = m.turn(-1), m.askResources()
	case key.Matches(k, m.keys.editor):
		next, cmd = m.openEditor()
	case key.Matches(k, m.keys.history) && m.at() == stepEnv:
		next = m.chooseRecent()
	case key.Matches(k, m.keys.history):
		next = m.chooseHistory()
	case key.Matches(k, m.keys.templates):
		next, cmd = m, m.askTemplates()
	case key.Matches(k, m.keys.files):
		next, cmd = m.pickFile()
	case key.Matches(k, m.keys.view):
		next, cmd = m.switchView()
	case key.Matches(k, m.keys.preview):
		next = m.switchPreview()
	case key.Matches(k, m.keys.copyLine):
		next, cmd = m.copyCommand()
	case key.Matches(k, m.keys.reveal):
		next, cmd = m.switchVeil()
	case key.Matches(k, m.keys.sweep):
		next = m.askSweep()
	case (m.step == stepReview || m.peek) && key.Matches(k, m.keys.down):
		m.scroll = max(0, min(m.scroll+m.half(k), len(m.preview)-4))
		next = m
	case (m.step == stepReview || m.peek) && key.Matches(k, m.keys.up):
		m.scroll = max(0, m.scroll-m.half(k))
		next = m
	default:
		return m, nil, false
	}
	return next, cmd, ok
}

// half is how far a key scrolls.
func (m Model) half(k tea.KeyMsg) int {
	if k.Type == tea.KeyRunes {
		return 1
	}
	return max(1, m.size.H/2)
}

// backOut closes what is open, one thing at a time; the form itself last.
func (m Model) backOut() (Model, tea.Cmd) {
	switch {
	case m.peek:
		m.peek = false
		return m.previewed(), nil
	case m.at() == stepEnv:
		return m.leaveEnv()
	case m.step != stepBasics:
		return m.show(stepBasics).previewed(), nil
	}
	m.keepDraft()
	return m, tea.Sequence(m.save(), screen.Pop)
}

// leaveEnv goes back from the runtime environment, whose text must be readable.
func (m Model) leaveEnv() (Model, tea.Cmd) {
	if m.textErr != nil && !m.dropText {
		return m.unreadable(), nil
	}
	if m.textErr != nil {
		m.failure = ""
		m = m.writeText().checked()
	}
	m = m.show(stepBasics)
	m.form = m.form.Focus(fieldEnvLink)
	return m.previewed(), nil
}

// unreadable says why the text cannot be taken over, and how to be rid of it.
func (m Model) unreadable() Model {
	m.form = m.form.GoTo(fieldText, m.textErr.Line-1)
	m.dropText = true
	m.failure = "the text cannot be read yet: " + m.textErr.Error() + "; esc again drops what was changed since it could"
	return m.touch(fieldText).checked()
}

// switchPreview draws the sheet over the fields, or, where it stands beside
// them, takes it away.
func (m Model) switchPreview() Model {
	m.scroll = 0
	if m.size.W >= sheetFrom && m.step != stepReview {
		m.narrow = !m.narrow
		return m.previewed()
	}
	m.peek = !m.peek && m.step != stepReview
	return m.previewed()
}

// chooseHistory lists the commands that were submitted before.
func (m Model) chooseHistory() Model {
	items := make([]item, len(m.history))
	for i, e := range m.history {
		items[i] = item{text: e, value: e}
	}
	c := newChooser("History of this server", "nothing matches", items)
	if len(items) == 0 {
		c.hint = "nothing was submitted to this server from here yet"
	}
	c.pick = func(m Model, it item) (Model, tea.Cmd) {
		m.form = m.form.SetValue(fieldEntrypoint, scrubbed(it.value))
		return m.find(fieldEntrypoint).edited()
	}
	return m.open(c)
}

// recalled walks through the history; ok is false where the key goes to the
// next field.
func (m Model) recalled(k tea.KeyMsg) (Model, bool) {
	if m.form.Focused() != fieldEntrypoint || k.Paste || len(m.history) == 0 {
		return m, false
	}
	r := m.recall
	switch {
	case k.Type == tea.KeyUp:
		if r.at == 0 {
			r.typed = m.form.Value(fieldEntrypoint)
		}
		for r.at++; r.at < len(m.history) && m.history[r.at-1] == r.typed; r.at++ {
		}
		r.at = min(r.at, len(m.history))
	case k.Type == tea.KeyDown && r.at > 0:
		r.at--
	default:
		return m, false
	}
	text := r.typed
	if r.at > 0 {
		text = scrubbed(m.history[r.at-1])
	}
	m.form = m.form.SetValue(fieldEntrypoint, text)
	m.recall = r
	return m.touch(fieldEntrypoint).checked(), true
}

// handleMouse scrolls, and gives the focus to what is pressed.
func (m Model) handleMouse(msg tea.MouseMsg) (Model, tea.Cmd) {
	if m.sending.phase != idle || m.ended {
		return m, nil
	}
	if m.over != nil {
		switch msg.Button {
		case tea.MouseButtonWheelUp:
			return m.toOverlay(tea.KeyMsg{Type: tea.KeyUp})
		case tea.MouseButtonWheelDown:
			return m.toOverlay(tea.KeyMsg{Type: tea.KeyDown})
		default:
			return m, nil
		}
	}
	const wheel = 3
	switch {
	case msg.Button == tea.MouseButtonWheelUp:
		m.scroll = max(0, m.scroll-wheel)
	case msg.Button == tea.MouseButtonWheelDown:
		m.scroll = max(0, min(m.scroll+wheel, len(m.preview)-4))
	case msg.Button == tea.MouseButtonLeft && msg.Action == tea.MouseActionPress && !m.peek:
		next, again, ok := m.form.Click(msg.Y - m.headLines())
		if !ok || m.wide() && msg.X >= formWidth {
			return m, nil
		}
		m.form = next
		if again && !m.form.Typing() {
			return m.handleKey(tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}})
		}
	}
	return m, nil
}

// pressed follows a button or a link.
func (m Model) pressed() (Model, tea.Cmd) {
	switch m.form.Focused() {
	case fieldEnvLink:
		return m.show(stepEnv).previewed(), nil
	case fieldExtra:
		return m.switchView()
	}
	switch m.form.Button() {
	case buttonSubmit:
		return m.submit()
	case buttonReview:
		if m.step == stepReview {
			return m.show(stepBasics).previewed(), nil
		}
		return m.goTo(stepReview), m.askResources()
	}
	if m.draft().equal(m.pristine) {
		return m.cleared()
	}
	n := 0
	for _, f := range keptFields() {
		if m.form.Value(f) != m.pristine[f] {
			n++
		}
	}
	lines := []string{count(n, "field goes", "fields go") + " back to what the form held at first; the draft goes too"}
	return m, func() tea.Msg {
		return screen.AskMsg{Title: "Clear the form?", Lines: lines, Yes: "Clear", Local: true, Do: func() tea.Msg { return clearMsg{} }}
	}
}

// clearMsg says yes to clearing the form.
type clearMsg struct{}

// cleared is the form as it was at first.
func (m Model) cleared() (Model, tea.Cmd) {
	if m.sending.phase != idle || m.ended {
		return m, nil
	}
	m.failure, m.note, m.restored, m.touched, m.doubt, m.filled, m.variants, m.template = "", "", false, map[string]bool{}, "", nil, nil, ""
	m.plan = plan{}
	_, m.base = fromRequest(m.origin)
	m.view, m.textErr = viewForm, nil
	m = m.show(stepBasics).fill(m.pristine)
	m, cmd := m.look()
	next, save := m.checked().autosave()
	return next, tea.Batch(cmd, save)
}

// variantLines list the jobs of a sweep.
func (m Model) variantLines(w int) []string {
	lines := make([]string, 0, len(m.variants))
	for i, r := range m.variants {
		lines = append(lines, m.cut(fmt.Sprintf("%2d  %s", i+1, variantName(r)), w))
	}
	return lines
}
