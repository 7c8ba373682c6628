// Package jobquery is the language in which jobs are asked for, in the list's
// filter and on the command line: words, fields such as status:failed,
// meta.team:x, age<2d or cmd~train, and "!" for what must not be. It also names
// the columns of a list of jobs and sorts by them.
//
// It reads what a job record says and asks no server; how a row is drawn is the
// caller's business.
package jobquery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dray/backend/rayapi"
	"dray/tui/widget/jobtext"
)

// Facts are what a query refers to besides the jobs.
type Facts struct {
	Now  time.Time
	User string // whose jobs are "mine"
	// Local says that jobs that name no owner are the user's: the server runs
	// them under the user's account.
	Local bool
}

// Mine reports whether job was submitted by the user.
func (f *Facts) Mine(job *rayapi.Job) bool {
	owner := jobtext.Owner(job)
	if owner == "" {
		return f.Local
	}
	return f.User != "" && owner == f.User
}

// Row is a job with what sorting and matching ask for again and again.
type Row struct {
	Job        *rayapi.Job
	ID         string
	Kind       jobtext.Kind
	Start, End int64 // ms; 0: unset
	// Text is what words are looked for in, in lower case. Match fills it when
	// it is empty.
	Text string
}

// NewRow makes the row of job, without its text.
func NewRow(job *rayapi.Job) Row {
	return Row{Job: job, ID: job.ID(), Kind: jobtext.KindOf(job), Start: ms(job.StartTime), End: ms(job.EndTime)}
}

func ms(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

// maxSearch is how much of an entrypoint is searched, in bytes.
const maxSearch = 4096

// fill writes the row's text: a line each for id, entrypoint, state and
// metadata.
func (r *Row) fill() {
	var b strings.Builder
	entrypoint := r.Job.Entrypoint
	if len(entrypoint) > maxSearch {
		entrypoint = entrypoint[:maxSearch]
	}
	word := r.Kind.Word()
	b.Grow(len(r.ID) + len(entrypoint) + len(word) + 3)
	b.WriteString(r.ID)
	b.WriteByte('\n')
	b.WriteString(entrypoint)
	b.WriteByte('\n')
	b.WriteString(word)
	b.WriteByte('\n')
	for k, v := range r.Job.Metadata {
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(v)
		b.WriteByte('\n')
	}
	r.Text = strings.ToLower(b.String())
}

// Query is a parsed question. The zero value matches every job.
type Query struct {
	any [][]term // one of these groups must match, with all its terms
}

// term is a word, or a test of a field.
type term struct {
	not  bool
	word string // in lower case; "" for a test
	test func(r *Row, f *Facts) bool
}

// Empty reports that every job matches.
func (q Query) Empty() bool { return len(q.any) == 0 }

// Match reports whether the job of r is asked for.
func (q Query) Match(r *Row, f *Facts) bool {
	return q.match(r, f, strings.Contains)
}

// MatchLoosely is Match, but the letters of a word need only follow each other
// with small gaps: "swplr" finds "sweep-lr-0.03".
func (q Query) MatchLoosely(r *Row, f *Facts) bool {
	return q.match(r, f, loose)
}

func (q Query) match(r *Row, f *Facts, has func(text, word string) bool) bool {
	if len(q.any) == 0 {
		return true
	}
	for _, group := range q.any {
		if matchAll(group, r, f, has) {
			return true
		}
	}
	return false
}

func matchAll(group []term, r *Row, f *Facts, has func(text, word string) bool) bool {
	for i := range group {
		t := &group[i]
		var ok bool
		switch {
		case t.test != nil:
			ok = t.test(r, f)
		default:
			if r.Text == "" {
				r.fill()
			}
			if t.not {
				ok = strings.Contains(r.Text, t.word)
			} else {
				ok = has(r.Text, t.word)
			}
		}
		if ok == t.not {
			return false
		}
	}
	return true
}

// Words are the plain words that a matching job holds, in lower case.
func (q Query) Words() []string {
	var words []string
	for _, group := range q.any {
		for _, t := range group {
			if t.test == nil && !t.not {
				words = append(words, t.word)
			}
		}
	}
	return words
}

// Grows reports that next can only match jobs that q, the query of a shorter
// text, matches too, so that only those need to be looked at.
func Grows(text, next string) bool {
	return strings.HasPrefix(next, text) && !strings.ContainsAny(next, `!|"~,<>=:`) &&
		!slices.Contains(strings.Fields(strings.ToLower(next)), "mine")
}

// Texts are what words are looked for in, row by row, so that they can be made
// beside the event loop; they belong into the rows' Text.
func Texts(rows []Row) []string {
	texts := make([]string, len(rows))
	for i := range rows {
		own := Row{Job: rows[i].Job, ID: rows[i].ID, Kind: rows[i].Kind}
		own.fill()
		texts[i] = own.Text
	}
	return texts
}

// Error is what is wrong with a query.
type Error struct {
	Column int // of the first wrong character, from 1
	Text   string
}

// Error says where and what.
func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Text) }
