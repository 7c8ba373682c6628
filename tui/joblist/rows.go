package joblist

import (
	"cmp"
	"slices"
	"strings"

	"dray/backend/rayapi"
	"dray/tui/widget/jobtext"
)

// row is a job with what sorting and filtering ask for again and again.
type row struct {
	job        *rayapi.Job
	id         string
	kind       jobtext.Kind
	start, end int64 // ms; 0: unset
	text       string
}

// rowsOf makes the rows of jobs. A row that was there before, at the same
// place, keeps its search text; most are. It returns the places of the rows
// that sort differently from before, or false when rows have changed places.
func rowsOf(jobs []rayapi.Job, before []row) (rows []row, changed []int32, samePlaces bool) {
	rows = make([]row, len(jobs))
	samePlaces = len(before) <= len(jobs)
	for i := range jobs {
		job := &jobs[i]
		r := row{job: job, id: job.ID(), kind: jobtext.KindOf(job), start: ms(job.StartTime), end: ms(job.EndTime)}
		switch {
		case i >= len(before):
			changed = append(changed, int32(i))
		case before[i].id != r.id:
			samePlaces = false
		case before[i].kind != r.kind || before[i].start != r.start || before[i].end != r.end:
			changed = append(changed, int32(i))
		default:
			r.text = before[i].text
		}
		rows[i] = r
	}
	return rows, changed, samePlaces
}

func ms(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

// took is the job's duration in ms for sorting; now counts for active ones.
func (r *row) took(now int64) int64 {
	switch {
	case r.start == 0:
		return -1
	case r.end != 0:
		return r.end - r.start
	case r.kind.Active():
		return now - r.start
	}
	return -1
}

// order is by what the list is sorted.
type order int

const (
	byLive order = iota // waiting and running ones first, then the newest
	byStart
	byDuration
	byStatus
	byID
	orders // how many there are
)

// name is the order as the place line shows it.
func (o order) name() string {
	switch o {
	case byStart:
		return "START"
	case byDuration:
		return "DUR"
	case byStatus:
		return "STATUS"
	case byID:
		return "ID"
	default:
		return "live+START"
	}
}

// compare returns the order's comparison of two rows. Ids make it total, so
// that equal rows never change places.
func (o order) compare(reverse bool, now int64) func(a, b *row) int {
	var first func(a, b *row) int
	switch o {
	case byDuration:
		first = func(a, b *row) int { return cmp.Compare(b.took(now), a.took(now)) }
	case byStatus:
		first = func(a, b *row) int { return cmp.Compare(a.kind, b.kind) }
	case byID:
		first = func(a, b *row) int { return cmp.Compare(a.id, b.id) }
	default:
		first = func(a, b *row) int { return cmp.Compare(b.start, a.start) }
	}
	return func(a, b *row) int {
		if live := a.kind.Active(); o == byLive && live != b.kind.Active() {
			if live {
				return -1
			}
			return 1
		}
		c := first(a, b)
		if reverse {
			c = -c
		}
		if c == 0 && o == byStatus {
			c = cmp.Compare(b.start, a.start)
		}
		if c == 0 {
			c = cmp.Compare(a.id, b.id)
		}
		return c
	}
}

// sorted returns the places of rows in order.
func sorted(rows []row, compare func(a, b *row) int) []int32 {
	places := make([]int32, len(rows))
	for i := range places {
		places[i] = int32(i)
	}
	slices.SortFunc(places, func(a, b int32) int { return compare(&rows[a], &rows[b]) })
	return places
}

// merged returns the places of rows in order, where last was the order before
// the rows at changed changed or came. Between two answers these are few.
func merged(rows []row, last, changed []int32, compare func(a, b *row) int) []int32 {
	if len(changed) == 0 {
		return last
	}
	byPlace := func(a, b int32) int { return compare(&rows[a], &rows[b]) }
	moved := make([]bool, len(rows))
	for _, p := range changed {
		moved[p] = true
	}
	changed = slices.Clone(changed)
	slices.SortFunc(changed, byPlace)
	places := make([]int32, 0, len(rows))
	for _, p := range last {
		if moved[p] {
			continue
		}
		for len(changed) > 0 && byPlace(changed[0], p) < 0 {
			places = append(places, changed[0])
			changed = changed[1:]
		}
		places = append(places, p)
	}
	return append(places, changed...)
}

// filter is a set of words that must, or with "!" must not, be in a job's id,
// entrypoint, status or metadata.
type filter struct{ yes, no []string }

func parseFilter(text string) filter {
	var f filter
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if rest, not := strings.CutPrefix(word, "!"); not {
			if rest != "" {
				f.no = append(f.no, rest)
			}
		} else {
			f.yes = append(f.yes, word)
		}
	}
	return f
}

func (f filter) empty() bool { return len(f.yes)+len(f.no) == 0 }

func (f filter) match(text string) bool {
	for _, w := range f.yes {
		if !strings.Contains(text, w) {
			return false
		}
	}
	for _, w := range f.no {
		if strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// filtered returns the places whose rows match, in the same order.
func filtered(rows []row, places []int32, f filter) []int32 {
	if f.empty() {
		return places
	}
	var out []int32
	for _, p := range places {
		r := &rows[p]
		if r.text == "" {
			r.text = r.searchText()
		}
		if f.match(r.text) {
			out = append(out, p)
		}
	}
	return out
}

// maxSearch is how much of an entrypoint is searched, in bytes.
const maxSearch = 4096

func (r *row) searchText() string {
	var b strings.Builder
	entrypoint := r.job.Entrypoint
	if len(entrypoint) > maxSearch {
		entrypoint = entrypoint[:maxSearch]
	}
	for _, s := range []string{r.id, entrypoint, r.kind.Word()} {
		b.WriteString(s)
		b.WriteByte('\n')
	}
	for k, v := range r.job.Metadata {
		b.WriteString(k + "=" + v + "\n")
	}
	return strings.ToLower(b.String())
}

// shown is the list as the table sees it.
type shown struct {
	rows   []row
	places []int32
}

// Len is the number of rows.
func (s shown) Len() int { return len(s.places) }

// ID names row i.
func (s shown) ID(i int) string { return s.rows[s.places[i]].id }

func (s shown) row(i int) *row { return &s.rows[s.places[i]] }
