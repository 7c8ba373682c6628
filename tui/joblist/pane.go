package joblist

import (
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// pane is the preview while it has the keys of motion: then it tells all of
// the job, line by line, instead of what fits.
type pane struct {
	on    bool
	of    string   // the job
	lines []string // all that there is
	top   int      // the first one that can be seen
}

// turnPane gives the motions to the preview, or back to the table.
func (m Model) turnPane() (Model, tea.Cmd) {
	if m.reading.on {
		m.reading = pane{}
		return m, nil
	}
	if _, _, ok := m.paneSize(); !ok {
		return m, screen.Notice(screen.Info, fmt.Sprintf("no other pane: the preview needs %d columns or %d lines; z shows it alone", sideAt, belowAt))
	}
	m.reading.on = true
	return m, nil
}

// read moves in the preview, if it has the motions.
func (m Model) read(id string) (Model, bool) {
	_, h, _ := m.paneSize()
	if !m.reading.on {
		return m, false
	}
	switch id {
	case actDown:
		m.reading.top++
	case actUp:
		m.reading.top--
	case actHalfDn:
		m.reading.top += h / 2
	case actHalfUp:
		m.reading.top -= h / 2
	case actPageDn:
		m.reading.top += h
	case actPageUp:
		m.reading.top -= h
	case actFirst:
		m.reading.top = 0
	case actLast:
		m.reading.top = len(m.reading.lines)
	default:
		return m, false
	}
	return m, true
}

// laidOut writes the lines and keeps the place in them. A preview that is not
// there any more gives the motions back.
func (p pane) laidOut(m Model) pane {
	w, h, ok := m.paneSize()
	job, known := m.selected()
	switch {
	case !p.on:
		return p
	case !ok || !known:
		return pane{}
	case p.of != job.ID():
		p.of, p.top = job.ID(), 0
	}
	s := m.env.Styles
	title := m.paint.accent.Text(s.Glyphs.Cursor) + " " + m.previewTitle(&job, jobtext.KindOf(&job), w-2)
	p.lines = []string{title, ""}
	for _, f := range jobtext.Fields(&job, m.list.Now) {
		p.lines = append(p.lines, labelledAll(m.paint.muted.Text, f, fullLabelW, w)...)
	}
	if meta := jobtext.Metadata(&job); len(meta) > 0 {
		p.lines = append(p.lines, "", m.rule("metadata", w))
		p.lines = append(p.lines, wrapped(meta, w)...)
	}
	if text := jobtext.Message(&job); len(text) > 0 {
		p.lines = append(p.lines, "", m.rule("status message", w))
		p.lines = append(p.lines, wrapped(text, w)...)
	}
	p.lines = append(p.lines, m.history(&job, w)...)
	p.top = max(0, min(p.top, len(p.lines)-h))
	return p
}

// text are the lines that can be seen.
func (p pane) text(h int) []string { return cell.Lines(p.lines[min(p.top, len(p.lines)):], h) }

// place says where in the preview its first and last line are.
func (p pane) place(m Model) string {
	_, h, _ := m.paneSize()
	return fmt.Sprintf("preview %d-%d/%d", p.top+1, min(len(p.lines), p.top+h), len(p.lines))
}

func wrapped(text []string, w int) []string {
	var lines []string
	for _, l := range text {
		lines = append(lines, cell.Wrap(l, w)...)
	}
	return lines
}
