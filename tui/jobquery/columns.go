package jobquery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dray/tui/clean"
	"dray/tui/widget/jobtext"
)

// Column is one fact of a job, as a list shows it and sorts by it.
type Column struct {
	Name  string // as it is asked for: "dur", "meta.team"
	Title string // its head: "DUR"
	Width int    // in cells; 0: as wide as what it holds
	Right bool   // set at the right
	Down  bool   // usually sorted from the greatest down: the newest, the longest

	// text is what the column says of a job, safe to draw. A number sorts the
	// column instead of its text where there is one.
	text   func(r *Row, now time.Time) string
	number func(r *Row, now int64) (int64, bool)
}

// Text is what the column says of a job, safe to draw; "" for nothing.
func (c *Column) Text(r *Row, now time.Time) string { return c.text(r, now) }

// Numeric reports that the column is sorted by number or time.
func (c *Column) Numeric() bool { return c.number != nil }

// Columns are all that have a name of their own, in their usual order; one for
// any key of the metadata is meta.KEY.
func Columns() []Column {
	return slices.Concat(mainColumns(), moreColumns())
}

func mainColumns() []Column {
	return []Column{
		{
			Name: "status", Title: "STATUS", Width: 9, text: func(r *Row, _ time.Time) string { return r.Kind.Word() },
			number: func(r *Row, _ int64) (int64, bool) { return int64(r.Kind), true },
		},
		{Name: "id", Title: "SUBMISSION ID", text: func(r *Row, _ time.Time) string { return clean.Text(r.ID) }},
		{Name: "entrypoint", Title: "ENTRYPOINT", text: func(r *Row, _ time.Time) string { return jobtext.Entrypoint(r.Job, 512) }},
		{
			Name: "start", Title: "START", Width: 6, Right: true, Down: true,
			text:   func(r *Row, now time.Time) string { return jobtext.Clock(r.Job.Started(), now) },
			number: func(r *Row, _ int64) (int64, bool) { return r.Start, r.Start != 0 },
		},
		{
			Name: "dur", Title: "DUR", Width: 6, Right: true, Down: true, text: durText,
			number: (*Row).took,
		},
		{
			Name: "exit", Title: "EXIT", Width: 4, Right: true, Down: true,
			text:   func(r *Row, _ time.Time) string { return jobtext.ExitShort(r.Job) },
			number: exitNumber,
		},
	}
}

func moreColumns() []Column {
	return []Column{
		{Name: "error", Title: "ERROR", Width: 13, text: func(r *Row, _ time.Time) string { return jobtext.ErrorShort(r.Job) }},
		{Name: "node", Title: "NODE", Width: 15, text: nodeColumn},
		{Name: "type", Title: "TYPE", Width: 10, text: func(r *Row, _ time.Time) string { return clean.Text(string(r.Job.Type)) }},
		{Name: "user", Title: "OWNER", Width: 10, text: func(r *Row, _ time.Time) string { return clean.Text(jobtext.Owner(r.Job)) }},
		{Name: "name", Title: "NAME", Width: 20, text: func(r *Row, _ time.Time) string { return clean.Text(jobtext.Name(r.Job)) }},
		{
			Name: "end", Title: "END", Width: 6, Right: true, Down: true,
			text:   func(r *Row, now time.Time) string { return jobtext.Clock(r.Job.Ended(), now) },
			number: func(r *Row, _ int64) (int64, bool) { return r.End, r.End != 0 },
		},
		{
			Name: "age", Title: "AGE", Width: 6, Right: true, text: ageText,
			number: func(r *Row, now int64) (int64, bool) { return now - r.Start, r.Start != 0 },
		},
		{Name: "job", Title: "RAY JOB", Width: 8, text: func(r *Row, _ time.Time) string { return clean.Text(text(r.Job.JobID)) }},
		{Name: "msg", Title: "MESSAGE", Width: 40, text: messageText},
	}
}

// FindColumn returns the column of a name, or an error that tells which there
// are.
func FindColumn(name string) (Column, error) {
	low := strings.ToLower(strings.TrimSpace(name))
	switch low {
	case "cmd":
		low = "entrypoint"
	case "owner":
		low = "user"
	case "duration":
		low = "dur"
	case "message":
		low = "msg"
	}
	all := Columns()
	if i := slices.IndexFunc(all, func(c Column) bool { return c.Name == low }); i >= 0 {
		return all[i], nil
	}
	if key, ok := strings.CutPrefix(strings.TrimSpace(name), "meta."); ok && key != "" {
		return metaColumn(key), nil
	}
	return Column{}, fmt.Errorf("there is no column %q; there are %s", strings.TrimSpace(name), strings.Join(ColumnNames(), " "))
}

// ParseColumns reads a list of columns, between commas or blanks.
func ParseColumns(text string) ([]Column, error) {
	var columns []Column
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		c, err := FindColumn(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(columns, func(o Column) bool { return o.Name == c.Name }) {
			columns = append(columns, c)
		}
	}
	return columns, nil
}

// ColumnNames are the names that a column can be asked for by.
func ColumnNames() []string {
	var names []string
	for _, c := range Columns() {
		names = append(names, c.Name)
	}
	return append(names, "meta.KEY")
}

func metaColumn(key string) Column {
	return Column{
		Name: "meta." + key, Title: strings.ToUpper(clean.Text(key)), Width: max(10, min(20, len(key))),
		text: func(r *Row, _ time.Time) string { return metaText(r, key) },
	}
}

// metaText hides what looks like a secret, as every view does.
func metaText(r *Row, key string) string {
	values := metaValues(r.Job, key)
	if len(values) == 0 {
		return ""
	}
	if jobtext.Secret(key, values[0]) {
		return "***"
	}
	return clean.Text(values[0])
}

func durText(r *Row, now time.Time) string {
	if took, known := jobtext.Took(r.Job, now); known {
		return jobtext.Duration(took)
	}
	return ""
}

func ageText(r *Row, now time.Time) string {
	if r.Start == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.Replace(jobtext.Ago(now.Sub(r.Job.Started())), "just now", "now", 1), " ago")
}

func nodeColumn(r *Row, _ time.Time) string {
	if d := r.Job.DriverInfo; d != nil {
		return clean.Text(d.NodeIPAddress)
	}
	return ""
}

func messageText(r *Row, _ time.Time) string {
	m := r.Job.MessageText()
	return clean.Text(m[:min(len(m), 512)])
}

// exitNumber sorts a signal behind the codes, as a shell would number it.
func exitNumber(r *Row, _ int64) (int64, bool) {
	code := r.Job.DriverExitCode
	if code == nil {
		return 0, false
	}
	if *code < 0 {
		return int64(256 - *code), true
	}
	return int64(*code), true
}

// number reads the whole of a text as a number.
func number(s string) (float64, bool) {
	if s == "" || s[0] > '9' && s[0] != '.' {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}
