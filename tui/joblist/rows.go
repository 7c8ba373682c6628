package joblist

import (
	"slices"

	"dray/backend/rayapi"
	"dray/tui/jobquery"
)

// update is what a new answer has brought.
type update struct {
	rows []jobquery.Row
	// place is where each row of before is now, -1: gone; nil: where it was.
	place []int32
	moved []int32 // rows that are new or sort differently from before
	came  []int32 // those of moved that are new or in another state
}

const (
	// ahead is how far a row of the answer is looked for beyond its last place.
	ahead = 16
	// patience is how many rows may be missed there before all are looked up.
	patience = 32
)

// updated makes the rows of jobs. One that was there before keeps its search
// text. Rows stay in place, or nearly so, from one answer to the next; where
// they do not, they are looked up by id.
func updated(jobs []rayapi.Job, before []jobquery.Row) update {
	u := update{rows: make([]jobquery.Row, len(jobs))}
	next, missed := 0, 0
	var byID map[string]int32
	for i := range jobs {
		r := jobquery.NewRow(&jobs[i])
		old := near(before, next, r.ID)
		if old < 0 && len(before) > 0 {
			if missed++; missed == patience {
				byID = make(map[string]int32, len(before))
				for p := range before {
					byID[before[p].ID] = int32(p)
				}
			}
			if p, ok := byID[r.ID]; ok {
				old = int(p)
			}
		}
		if old >= 0 && u.taken(old, i) { // an id that comes twice
			old = -1
		}
		if old != i && u.place == nil && i < len(before) {
			u.place = identity(len(before), i)
		}
		switch {
		case old < 0:
			u.moved, u.came = append(u.moved, int32(i)), append(u.came, int32(i))
		default:
			next = old + 1
			b := &before[old]
			if u.place != nil {
				u.place[old] = int32(i)
			}
			if b.Kind != r.Kind || b.Start != r.Start || b.End != r.End {
				u.moved = append(u.moved, int32(i))
				if b.Kind != r.Kind {
					u.came = append(u.came, int32(i))
				}
			} else {
				r.Text = b.Text
			}
		}
		u.rows[i] = r
	}
	if u.place == nil && len(before) > len(jobs) {
		u.place = identity(len(before), len(jobs))
	}
	return u
}

// taken reports that the row that was at old has its place already, when i is
// about to get one.
func (u update) taken(old, i int) bool {
	if u.place == nil {
		return old < i
	}
	return u.place[old] >= 0
}

// near looks for id at next and a little behind it.
func near(rows []jobquery.Row, next int, id string) int {
	for p := next; p < min(len(rows), next+ahead); p++ {
		if rows[p].ID == id {
			return p
		}
	}
	return -1
}

// identity are n places of which the first kept are their own.
func identity(n, kept int) []int32 {
	place := make([]int32, n)
	for p := range place {
		place[p] = -1
		if p < kept {
			place[p] = int32(p)
		}
	}
	return place
}

// carried is the last order with the places that rows have now.
func (u update) carried(last []int32) []int32 {
	if u.place == nil {
		return last
	}
	places := make([]int32, 0, len(last))
	for _, p := range last {
		if now := u.place[p]; now >= 0 {
			places = append(places, now)
		}
	}
	return places
}

// merged is the last order brought up to date.
func (m Model) merged(u update) []int32 {
	moved := u.moved
	if m.by.Moves() {
		moved = slices.Clone(moved)
		is := make([]bool, len(u.rows))
		for _, p := range moved {
			is[p] = true
		}
		for p := range u.rows {
			if u.rows[p].Kind.Active() && !is[p] {
				moved = append(moved, int32(p))
			}
		}
	}
	return jobquery.Merged(u.rows, u.carried(m.order), moved, m.by, m.list.Now)
}

// shown is the list as the table sees it.
type shown struct {
	rows   []jobquery.Row
	places []int32
}

// Len is the number of rows.
func (s shown) Len() int { return len(s.places) }

// ID names row i.
func (s shown) ID(i int) string { return s.rows[s.places[i]].ID }

func (s shown) row(i int) *jobquery.Row { return &s.rows[s.places[i]] }
