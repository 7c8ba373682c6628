package joblist

import (
	"maps"
	"time"
)

// fresh are the jobs that came or changed their state: they light up once, and
// keep a dot until the cursor has been on them.
type fresh struct {
	unseen map[string]bool // never written to: copied
	lit    map[string]bool
	since  time.Time // when they were lit
}

const (
	// litTime is how long a changed row is lit at least: until the root next
	// tells the time.
	litTime = 700 * time.Millisecond
	// maxLit is how many rows are told apart: when more change at once, the
	// list as a whole has.
	maxLit = 200
)

func (f fresh) came(u update, animation bool, now time.Time) fresh {
	if len(u.came) == 0 || len(u.came) > maxLit {
		return f
	}
	unseen := maps.Clone(f.unseen)
	if unseen == nil {
		unseen = map[string]bool{}
	}
	lit := make(map[string]bool, len(u.came))
	for _, p := range u.came {
		unseen[u.rows[p].ID] = true
		lit[u.rows[p].ID] = true
	}
	f.unseen = unseen
	if animation {
		f.lit, f.since = lit, now
	}
	return f
}

// dimmed ends the lighting when its time is over.
func (f fresh) dimmed(now time.Time) fresh {
	if now.Sub(f.since) >= litTime {
		f.lit = nil
	}
	return f
}

// seen takes the dot from a row.
func (f fresh) seen(id string) fresh {
	if !f.unseen[id] || f.lit[id] {
		return f
	}
	f.unseen = maps.Clone(f.unseen)
	delete(f.unseen, id)
	return f
}
