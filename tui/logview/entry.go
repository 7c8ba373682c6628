package logview

import (
	"bytes"
	"encoding/json"
	"fmt"

	"dray/tui/clean"
	"dray/tui/loglevel"
	"dray/tui/widget/cell"
)

const (
	// noteFrom is where the number of a bar's states stands at the earliest.
	noteFrom = 70
	// maxPretty bounds the rows that one line of JSON is spread over.
	maxPretty = 400
)

// entry lays out one line.
func (d *drawer) entry(rows []row, e entry) []row {
	text := e.line.Text
	base := row{off: e.line.Off, level: loglevel.Of(text)}
	d.spans = d.spans[:0]
	if !d.query.Empty() {
		d.scratch = clean.LogPlain(d.scratch[:0], text)
		d.spans = d.query.Spans(d.spans, d.scratch)
		base.hit = len(d.spans) > 0
	}
	if e.count > 1 {
		base.text = d.bar(text, e.count)
		return append(rows, base)
	}
	if d.pretty {
		if lines, ok := d.json(text); ok {
			for _, l := range lines {
				rows = d.lineRows(rows, base, l)
			}
			return rows
		}
	}
	d.scratch = clean.Log(d.scratch[:0], text, d.depth)
	if more := e.line.Len - int64(len(text)); more > 0 {
		d.scratch = fmt.Appendf(d.scratch, " %s %s more in this line", d.tail, byteCount(more))
	}
	return d.lineRows(rows, base, d.scratch)
}

// lineRows cuts or wraps a cleaned line.
func (d *drawer) lineRows(rows []row, base row, text []byte) []row {
	if !d.wrap {
		base.text = cutLine(text, d.pan, d.width, d.tail, d.spans, d.mark)
		return append(rows, base)
	}
	for _, t := range wrapLine(text, d.width, d.spans, d.mark) {
		base.text = t
		rows = append(rows, base)
	}
	return rows
}

// bar is the last state of a bar, with the number of states at the right.
func (d *drawer) bar(text []byte, count int) string {
	note := "  " + d.again + thousands(int64(count))
	room := d.width - cell.Width(note)
	if room < 8 {
		note, room = "", d.width
	}
	d.scratch = clean.Log(d.scratch[:0], text, d.depth)
	out := cutLine(d.scratch, d.pan, room, d.tail, d.spans, d.mark)
	return cell.Pad(out, min(room, max(noteFrom, cell.Width(out)))) + note
}

// json spreads an object over lines.
func (d *drawer) json(text []byte) ([][]byte, bool) {
	text = clean.LogPlain(nil, text)
	at := bytes.IndexByte(text, '{')
	if at < 0 || !json.Valid(text[at:]) {
		return nil, false
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text[at:], "", "  "); err != nil {
		return nil, false
	}
	d.spans = d.spans[:0] // they were of the line as it is
	lines := bytes.Split(out.Bytes(), []byte("\n"))
	if head := bytes.TrimSpace(text[:at]); len(head) > 0 {
		lines = append([][]byte{head}, lines...)
	}
	if len(lines) > maxPretty {
		lines = append(lines[:maxPretty], []byte(d.tail))
	}
	return lines, true
}
