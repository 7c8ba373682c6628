package joblist

import (
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/clean"
	"dray/tui/jobquery"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// preview describes the job under the cursor. What takes a stream or a long
// look waits until the cursor rests.
type preview struct {
	head, foot []string // above and below the end of the log

	tail   screen.Screen // the end of the log, once the cursor has rested; or nil
	tailW  int
	tailH  int
	tailOf string

	job  string // the job that the cursor is on, when it can be seen
	gen  int    // of the rest that is waited for
	away bool   // another page covers this one
	kin  []*jobquery.Row
}

// restTime is how long the cursor stays on a job before its log is opened.
const restTime = 300 * time.Millisecond

// restMsg tells that the cursor may have rested.
type restMsg struct{ gen int }

// follow turns the preview to the job under the cursor.
func (m Model) follow() (Model, tea.Cmd) {
	m.fresh = m.fresh.seen(m.table.ID())
	id := ""
	if _, _, ok := m.paneSize(); ok && !m.preview.away {
		id = m.table.ID()
	}
	if id == m.preview.job {
		return m, nil
	}
	p := m.preview
	p.close()
	p.tail, p.tailOf, p.kin = nil, "", nil
	p.job = id
	p.gen++
	m.preview = p
	if id == "" || m.env.Pages.Tail == nil && len(m.rows) <= fewRows {
		return m, nil
	}
	gen := p.gen
	return m, tea.Tick(restTime, func(time.Time) tea.Msg { return restMsg{gen} })
}

// rested opens the end of the log of the job on which the cursor rests.
func (m Model) rested(msg restMsg) (Model, tea.Cmd) {
	job, ok := m.selected()
	if !ok || msg.gen != m.preview.gen || m.preview.job != job.ID() {
		return m, nil
	}
	m.preview.kin = kinOf(m.rows, &job)
	var cmd tea.Cmd
	if open := m.env.Pages.Tail; open != nil && action.Explain(job, action.ReadLog) == nil {
		m.preview.tail, m.preview.tailOf = open(job), job.ID()
		m.preview.tailW, m.preview.tailH = 0, 0
		m = m.laidOut() // a page gets its size before its first message
		cmd = m.preview.tail.Init()
		var told tea.Cmd
		m.preview, told = m.preview.update(m.list)
		return m, tea.Batch(cmd, told)
	}
	return m, nil
}

// left closes the log because another page covers this one.
func (p preview) left() preview {
	p.close()
	p.tail, p.tailOf, p.job, p.kin = nil, "", "", nil
	p.gen++
	p.away = true
	return p
}

func (p preview) close() {
	if p.tail != nil {
		p.tail.Close()
	}
}

// update passes on what is not the list's own.
func (p preview) update(msg tea.Msg) (preview, tea.Cmd) {
	if _, told := msg.(screen.ListMsg); told {
		p.away = false
	}
	if p.tail == nil {
		return p, nil
	}
	var cmd tea.Cmd
	p.tail, cmd = p.tail.Update(msg)
	return p, cmd
}

const (
	// minTail is the fewest lines in which the end of a log says anything.
	minTail = 3
	// minMessage is the fewest in which a longer status message does.
	minMessage = 4
)

// laidOut writes what stands around the log.
func (p preview) laidOut(m Model) preview {
	w, h, ok := m.paneSize()
	job, known := m.selected()
	if !ok || !known {
		p.head, p.foot = nil, nil
		return p
	}
	s := m.env.Styles
	kind := jobtext.KindOf(&job)
	p.head = append([]string{m.previewTitle(&job, kind, w)}, "")
	for _, f := range jobtext.Brief(&job, m.list.Now) {
		p.head = append(p.head, labelled(m.paint.muted.Text, f, w, s.Glyphs.Ellipsis)...)
	}
	if free := m.freeNow(); kind == jobtext.Pending && free != "" {
		p.head = append(p.head, labelled(m.paint.muted.Text, jobtext.Field{Label: "free now", Text: free}, w, s.Glyphs.Ellipsis)...)
	}
	if kind == jobtext.Pending && m.list.RealRay {
		p.head = append(p.head, labelled(m.paint.muted.Text, startLimit(&job, m.list.Now), w, s.Glyphs.Ellipsis)...)
	}
	p.foot = m.history(&job, w)
	text := jobtext.Message(&job)
	if h-len(p.head)-len(p.foot) < min(len(text), minMessage)+2 {
		p.foot = nil // why it failed comes before what else was run
	}
	wantTail := p.tail != nil && p.tailOf == job.ID()
	room := h - len(p.head) - len(p.foot)
	if wantTail {
		room -= minTail + 2
	}
	if len(text) > 0 && room > 2 {
		most := room - 2
		if wantTail {
			most = max(1, min(most, h/4))
		}
		p.head = append(p.head, "", m.rule("status message", w))
		p.head = append(p.head, ends(text, w, most, s.Glyphs.Ellipsis)...)
	}
	if !wantTail {
		return p
	}
	p.head = append(p.head, "", m.rule("log tail (l opens)", w))
	if size := (screen.Size{W: w, H: h - len(p.head) - len(p.foot)}); size.H < minTail {
		p.head, p.tailH = p.head[:len(p.head)-2], 0
	} else if size.W != p.tailW || size.H != p.tailH {
		p.tail, p.tailW, p.tailH = p.tail.Resize(size), size.W, size.H
	}
	return p
}

// freeNow is what a job that waits could get, as far as the root knows.
func (m Model) freeNow() string {
	var parts []string
	for _, r := range m.list.Resources {
		if r.Name == "memory" || r.Name == "object_store_memory" {
			continue // what jobs seldom ask for
		}
		free := strconv.FormatFloat(max(0, r.Total-r.Used), 'g', 4, 64)
		parts = append(parts, free+" of "+strconv.FormatFloat(r.Total, 'g', 4, 64)+" "+clean.Text(r.Name))
	}
	return strings.Join(parts, " "+m.env.Styles.Glyphs.Dot+" ")
}

// rayStartLimit is how long Ray lets a job wait for its start, unless the head
// was told otherwise.
const rayStartLimit = 15 * time.Minute

// startLimit says what is left of it.
func startLimit(job *rayapi.Job, now time.Time) jobtext.Field {
	left := rayStartLimit - now.Sub(job.Started())
	text := "Ray gives up on it in " + jobtext.Duration(left) + ", if its limit is the usual 15m"
	if left <= 0 {
		text = "longer than the usual 15m: this head has another limit, or its agent is gone"
	}
	return jobtext.Field{Label: "start limit", Text: text}
}

// text are the lines of the preview.
func (p preview) text(m Model) []string {
	_, h, _ := m.paneSize()
	if m.reading.on {
		return m.reading.text(h)
	}
	lines := p.head
	if p.tail != nil && p.tailH > 0 && p.tailOf == p.job {
		lines = append(lines[:len(lines):len(lines)], strings.Split(p.tail.View(), "\n")...)
	}
	lines = append(lines[:len(lines):len(lines)], p.foot...)
	return cell.Lines(lines, h)
}

// rule is a heading with a line behind it.
func (m Model) rule(title string, w int) string {
	n := w - cell.Width(title) - 1
	if n <= 0 {
		return m.paint.muted.Text(cell.Cut(title, w, ""))
	}
	rule, sign := m.paint.rule, m.env.Styles.Glyphs.Rule
	if n*len(sign) > len(rule) {
		rule = strings.Repeat(sign, n)
	}
	return m.paint.muted.Text(title + " " + rule[:n*len(sign)])
}

const (
	// fewRows is how many rows can be looked through with each key.
	fewRows = 500
	// maxKin is how many other runs of a program are shown.
	maxKin = 4
)

// kinOf are the newest other jobs that ran the same program.
func kinOf(rows []jobquery.Row, job *rayapi.Job) []*jobquery.Row {
	program, _ := jobtext.Program(job.Entrypoint)
	if program == "" {
		return nil
	}
	id := job.ID()
	var kin []*jobquery.Row
	for i := range rows {
		r := &rows[i]
		if !strings.HasPrefix(r.Job.Entrypoint, program) || r.ID == id || r.Job.Type == rayapi.TypeDriver {
			continue
		}
		if other, _ := jobtext.Program(r.Job.Entrypoint); other != program {
			continue
		}
		at := len(kin)
		for at > 0 && kin[at-1].Start < r.Start {
			at--
		}
		if at == maxKin {
			continue
		}
		kin = append(kin[:at:at], append([]*jobquery.Row{r}, kin[at:]...)...)
		kin = kin[:min(len(kin), maxKin)]
	}
	return kin
}

// history are the lines on other runs of the program.
func (m Model) history(job *rayapi.Job, w int) []string {
	kin := m.preview.kin
	if len(m.rows) <= fewRows {
		kin = kinOf(m.rows, job)
	}
	if len(kin) == 0 {
		return nil
	}
	s := m.env.Styles
	lines := []string{"", m.rule("history of this entrypoint", w)}
	const whyW = 13 // "start timeout"
	const timesW = 2 + 6 + 1 + 6 + 2 + whyW
	for _, r := range kin {
		_, what := jobtext.Program(jobtext.Entrypoint(r.Job, 512))
		if what == "" {
			what = clean.Text(r.ID)
		}
		took := ""
		if d, known := jobtext.Took(r.Job, m.list.Now); known {
			took = jobtext.Duration(d)
		}
		why := jobtext.ErrorShort(r.Job)
		if code := jobtext.ExitShort(r.Job); why == "command" && code != "" {
			why = "exit " + code
		}
		argsW := max(8, w-timesW)
		lines = append(lines, m.paint.kinds[r.Kind].Text(r.Kind.Glyph(&s.Glyphs))+" "+
			cell.Pad(cell.Cut(what, argsW, s.Glyphs.Ellipsis), argsW)+
			m.paint.muted.Text(cell.Right(jobtext.Clock(r.Job.Started(), m.list.Now), 6)+" "+cell.Right(took, 6))+"  "+cell.Cut(why, whyW, s.Glyphs.Ellipsis))
	}
	return lines
}

// ends wraps text into at most h lines. Where it is longer, the first line and
// the last ones are left: the reason of a failure is at the end.
func ends(text []string, w, h int, gap string) []string {
	lines := wrapped(text, w)
	if len(lines) <= h {
		return lines
	}
	if h < 3 {
		return lines[len(lines)-h:]
	}
	return append([]string{lines[0], gap}, lines[len(lines)-h+2:]...)
}

func (m Model) previewTitle(job *rayapi.Job, kind jobtext.Kind, w int) string {
	s := m.env.Styles
	right := m.paint.kinds[kind].Text(kind.Glyph(&s.Glyphs) + " " + kind.Word())
	if code := jobtext.ExitShort(job); code != "" {
		right += "  exit " + code
	}
	id := cell.Middle(jobtext.ID(job), w-cell.Width(right)-2, s.Glyphs.Ellipsis)
	return m.paint.strong.Text(id) + "  " + right
}

// maxPreviewLines bounds one field of the preview.
const maxPreviewLines = 3

// labelled lays a field out as label and text, in few lines.
func labelled(label func(string) string, f jobtext.Field, w int, tail string) []string {
	lines := labelledAll(label, f, labelW, w)
	if len(lines) > maxPreviewLines {
		text := cell.Wrap(f.Text, w-labelW)
		rest := cell.Cut(strings.Join(text[maxPreviewLines-1:], " "), w-labelW, tail)
		lines = append(lines[:maxPreviewLines-1], cell.Blank(labelW)+rest)
	}
	return lines
}

// labelW is how wide the label of a field is, fullLabelW where all fields are
// told.
const (
	labelW     = 13
	fullLabelW = 15
)

// labelledAll lays all of a field out, wrapped beside its label.
func labelledAll(label func(string) string, f jobtext.Field, labelW, w int) []string {
	text := cell.Wrap(f.Text, w-labelW)
	lines := make([]string, 0, len(text))
	for i, t := range text {
		name := cell.Blank(labelW)
		if i == 0 {
			name = label(cell.Pad(f.Label, labelW))
		}
		lines = append(lines, name+t)
	}
	return lines
}
