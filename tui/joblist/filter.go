package joblist

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/jobquery"
	"dray/tui/screen"
	"dray/tui/widget/prompt"
)

// look is what the user has chosen to see, and in what order.
type look struct {
	filter string
	invert bool
	sort   string // as jobquery.ParseOrder reads it
}

// maxPast bounds how many looks can be gone back to.
const maxPast = 50

// go to next, and remember this look for "[".
func (m Model) turnTo(next look) Model {
	if next == m.look {
		return m
	}
	m.past = append(slices.Clone(m.past[max(0, len(m.past)-maxPast+1):]), m.look)
	m.future = nil
	return m.show(next)
}

// show applies a look.
func (m Model) show(next look) Model {
	by, err := jobquery.ParseOrder(next.sort)
	query, wrong := jobquery.Parse(next.filter)
	if err != nil || wrong != nil {
		return m
	}
	sorted, home := by.String() == m.by.String(), m.table.ID()
	m.look, m.by, m.query, m.words, m.wrong = next, by, query, query.Words(), nil
	if sorted {
		return m.pick().near(home)
	}
	return m.arrange().near(home)
}

// near puts the cursor on a job, or, where the filter leaves that out, on the
// one that follows it in the order: the number of its row says nothing there.
func (m Model) near(id string) Model {
	t, found := m.table.Select(id)
	if places := m.shown.places; !found && id != "" && len(places) > 0 {
		before := 0
		for _, p := range m.order {
			if m.rows[p].ID == id {
				t, _ = m.table.Select(m.shown.row(min(before, len(places)-1)).ID)
				break
			}
			if before < len(places) && places[before] == p {
				before++
			}
		}
	}
	m.table = t
	return m
}

// back and forward walk through the looks of before.
func (m Model) back() (Model, tea.Cmd) {
	if len(m.past) == 0 {
		return m, screen.Notice(screen.Info, "there is no view before this one")
	}
	last := len(m.past) - 1
	to, now := m.past[last], m.look
	m = m.show(to)
	m.past, m.future = m.past[:last:last], append(slices.Clone(m.future), now)
	return m, nil
}

func (m Model) forward() (Model, tea.Cmd) {
	if len(m.future) == 0 {
		return m, screen.Notice(screen.Info, "there is no view after this one")
	}
	last := len(m.future) - 1
	to, now := m.future[last], m.look
	m = m.show(to)
	m.future, m.past = m.future[:last:last], append(slices.Clone(m.past), now)
	return m, nil
}

// view is the look of saved view i.
func (m Model) view(i int) look {
	v := m.env.Settings.Views[i]
	by, err := jobquery.ParseOrder(v.Sort)
	if err != nil || v.Sort == "" {
		return look{filter: v.Filter, sort: m.look.sort}
	}
	return look{filter: v.Filter, sort: by.String()}
}

// pick finds the rows to show.
func (m Model) pick() Model { return m.pickFrom(m.order) }

// pickFrom finds them among places. Where no job holds the words as they are,
// those are shown in which the letters at least follow each other.
func (m Model) pickFrom(places []int32) Model {
	m.loosely = false
	if !m.query.Empty() {
		f := m.facts()
		hits := matching(m.rows, places, func(r *jobquery.Row) bool { return m.query.Match(r, &f) != m.look.invert })
		// Looking for letters takes long: of very many jobs not with each key.
		if len(hits) == 0 && len(m.words) > 0 && !m.look.invert && (!m.typing || len(m.rows) <= manyRows) {
			hits = matching(m.rows, m.order, func(r *jobquery.Row) bool { return m.query.MatchLoosely(r, &f) })
			m.loosely = len(hits) > 0
		}
		places = hits
	}
	m.shown = shown{m.rows, places}
	m.table = m.table.Refresh(m.shown)
	m.marks = m.marks.counted(m.shown)
	return m
}

func (m Model) facts() jobquery.Facts {
	return jobquery.Facts{Now: m.list.Now, User: m.env.User, Local: m.env.Target.Embedded}
}

func matching(rows []jobquery.Row, places []int32, match func(*jobquery.Row) bool) []int32 {
	var hits []int32
	for _, p := range places {
		if match(&rows[p]) {
			hits = append(hits, p)
		}
	}
	return hits
}

// typeFilter takes a key that is part of the filter.
func (m Model) typeFilter(k tea.KeyMsg) Model {
	p, ours := m.prompt.Update(k)
	if !ours {
		return m
	}
	m.recall.at = len(m.recall.texts)
	return m.typedText(p)
}

// typedText narrows or widens what is shown to what has been typed. What is
// not a query yet changes nothing. A longer word is looked for in what the
// shorter one left.
func (m Model) typedText(p prompt.Model) Model {
	m.prompt = p
	text := p.Text()
	word, list := jobquery.Complete(text, m.list.Jobs)
	m.offers = offers{word: word, list: list}
	before := m.look.filter
	m.look.filter = text
	query, err := jobquery.Parse(text)
	if m.wrong != nil {
		before = ""
	}
	if m.wrong = err; err != nil {
		return m
	}
	m.query, m.words = query, query.Words()
	if before != "" && !m.loosely && !m.look.invert && jobquery.Grows(before, text) {
		m = m.pickFrom(m.shown.places)
	} else {
		m = m.pick()
	}
	return m.near(m.homeID)
}

func (m Model) doFilter(id string) (Model, tea.Cmd) {
	switch id {
	case actFilter:
		m.typing, m.wrong = true, nil
		m.origin, m.homeID = m.look, m.table.ID()
		m.recall.at = len(m.recall.texts)
		m.prompt, m.offers = prompt.New(m.look.filter), offers{}
	case actKeep:
		return m.keepFilter()
	case actCancel:
		m.typing = false
		m = m.show(m.origin)
		m.table, _ = m.table.Select(m.homeID)
	case actComplete:
		if text, ok := m.offers.next(m.prompt.Text()); ok {
			o := m.offers
			m = m.typedText(prompt.New(text))
			m.offers = o.taken()
		}
	case actEarlier, actLater:
		step := 1
		if id == actEarlier {
			step = -1
		}
		if text, ok := m.recall.step(step); ok {
			m.recall.at += step
			m = m.typedText(prompt.New(text))
		}
	}
	return m, nil
}

func (m Model) keepFilter() (Model, tea.Cmd) {
	if m.wrong != nil {
		return m, screen.Notice(screen.Bad, "filter: "+m.wrong.Error())
	}
	m.typing = false
	next := m.look
	next.filter = strings.TrimSpace(next.filter)
	m.recall = m.recall.with(next.filter)
	m.look = m.origin
	return m.turnTo(next), nil
}

// offers are the ways in which a filter can go on.
type offers struct {
	word string // that is being typed
	list []string
	at   int // how many of them have been taken
}

// next is text with its last word completed.
func (o offers) next(text string) (string, bool) {
	if len(o.list) == 0 {
		return "", false
	}
	last := o.word
	if o.at > 0 {
		last = o.list[(o.at-1)%len(o.list)]
	}
	return strings.TrimSuffix(text, last) + o.list[o.at%len(o.list)], true
}

func (o offers) taken() offers {
	o.at++
	return o
}

// rest is what the first offer would add to what is typed.
func (o offers) rest() string {
	if len(o.list) == 0 || o.at > 0 {
		return ""
	}
	return o.list[0][len(o.word):]
}

// recall are the filters of before, the newest last.
type recall struct {
	texts []string
	at    int
}

// maxRecall bounds how many are kept.
const maxRecall = 50

func (r recall) with(text string) recall {
	if text == "" {
		return r
	}
	texts := slices.DeleteFunc(slices.Clone(r.texts), func(t string) bool { return t == text })
	texts = append(texts, text)
	return recall{texts: texts[max(0, len(texts)-maxRecall):]}
}

func (r recall) step(by int) (string, bool) {
	if i := r.at + by; i >= 0 && i < len(r.texts) {
		return r.texts[i], true
	}
	return "", false
}

// indexed takes what words are looked for in, unless the rows have changed.
func (m Model) indexed(msg textsMsg) Model {
	if len(m.rows) == 0 || len(msg.texts) != len(m.rows) || &m.rows[0] != msg.first {
		return m
	}
	for i, text := range msg.texts {
		m.rows[i].Text = text
	}
	return m
}

// textsMsg brings the texts of the rows of which first is the first.
type textsMsg struct {
	first *jobquery.Row
	texts []string
}

// manyRows is from how many rows on their texts are made beside the event
// loop, before a filter asks for them.
const manyRows = 5000

// index makes the texts of many rows that have none.
func (m Model) index() tea.Cmd {
	if len(m.rows) < manyRows || m.rows[0].Text != "" && m.rows[len(m.rows)-1].Text != "" {
		return nil
	}
	rows := m.rows
	return func() tea.Msg { return textsMsg{&rows[0], jobquery.Texts(rows)} }
}
