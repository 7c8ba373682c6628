package jobquery

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Order is by what jobs are sorted. The zero value puts waiting and running
// jobs first and then the newest.
type Order struct {
	column Column
	down   bool
}

// By sorts by c in its usual direction.
func By(c Column) Order { return Order{column: c, down: c.Down} }

// Live is the order of the zero value, by its name.
const Live = "live"

// ParseOrder reads "dur" for the shortest first and "-dur" for the longest
// first; "" and "live" are the zero value.
func ParseOrder(text string) (Order, error) {
	text = strings.TrimSpace(text)
	name, down := strings.CutPrefix(text, "-")
	if name == "" || strings.EqualFold(name, Live) {
		return Order{}.Reverse(down && name != ""), nil
	}
	c, err := FindColumn(name)
	return Order{column: c, down: down}, err
}

// Reverse turns the order around if on.
func (o Order) Reverse(on bool) Order {
	o.down = o.down != on
	return o
}

// Column is the name of the column, or Live.
func (o Order) Column() string {
	if o.column.Name == "" {
		return Live
	}
	return o.column.Name
}

// Title names the order as a list shows it: "live+START".
func (o Order) Title() string {
	if o.column.Name == "" {
		return "live+START"
	}
	return o.column.Title
}

// Down reports that the greatest are first: of the zero value, the newest.
func (o Order) Down() bool {
	return o.down != (o.column.Name == "")
}

// String is the order as ParseOrder reads it.
func (o Order) String() string {
	if o.down {
		return "-" + o.Column()
	}
	return o.Column()
}

// Moves reports that jobs change places by time alone, without a new answer.
func (o Order) Moves() bool { return o.column.Name == "dur" }

// Compare returns the order's comparison of two rows. Start and id make it
// total, so that equal rows never change places. Jobs that a column says
// nothing of come last, whatever the direction.
func (o Order) Compare(now time.Time) func(a, b *Row) int {
	first := o.first(now)
	return func(a, b *Row) int {
		if c := first(a, b); c != 0 {
			return c
		}
		if c := cmp.Compare(b.Start, a.Start); c != 0 && o.column.Name != "" {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	}
}

func (o Order) first(now time.Time) func(a, b *Row) int {
	sign := 1
	if o.Down() {
		sign = -1
	}
	switch {
	case o.column.Name == "":
		return func(a, b *Row) int {
			if live := a.Kind.Active(); live != b.Kind.Active() {
				if live {
					return -1
				}
				return 1
			}
			return sign * cmp.Compare(a.Start, b.Start)
		}
	case o.column.number != nil:
		value, ms := o.column.number, now.UnixMilli()
		return func(a, b *Row) int {
			x, okX := value(a, ms)
			y, okY := value(b, ms)
			if okX != okY || !okX {
				return missingLast(okX, okY)
			}
			return sign * cmp.Compare(x, y)
		}
	default:
		value := o.sortText()
		return func(a, b *Row) int {
			x, y := value(a), value(b)
			if (x == "") != (y == "") {
				return missingLast(x != "", y != "")
			}
			return sign * compareText(x, y)
		}
	}
}

// sortText is what a column of text is sorted by: what can be had without
// laying anything out.
func (o Order) sortText() func(r *Row) string {
	switch o.column.Name {
	case "id":
		return func(r *Row) string { return r.ID }
	case "entrypoint":
		return func(r *Row) string { return r.Job.Entrypoint }
	}
	value := o.column.text
	return func(r *Row) string { return value(r, time.Time{}) }
}

// compareText puts numbers before words, and both in their own order.
func compareText(x, y string) int {
	nx, okX := number(x)
	ny, okY := number(y)
	switch {
	case okX && okY && nx != ny:
		return cmp.Compare(nx, ny)
	case okX != okY:
		return missingLast(okX, okY)
	}
	return strings.Compare(x, y)
}

func missingLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// key is what most comparisons are settled by, without looking at the rows.
type key struct {
	a, b  uint64
	place int32
}

// Sorted returns the places of rows in order.
func Sorted(rows []Row, o Order, now time.Time) []int32 {
	compare := o.Compare(now)
	keys := o.keys(rows, now)
	slices.SortFunc(keys, func(x, y key) int {
		switch {
		case x.a < y.a:
			return -1
		case x.a > y.a:
			return 1
		case x.b < y.b:
			return -1
		case x.b > y.b:
			return 1
		}
		return compare(&rows[x.place], &rows[y.place])
	})
	places := make([]int32, len(keys))
	for i := range keys {
		places[i] = keys[i].place
	}
	return places
}

// keys agree with Compare as far as they differ.
func (o Order) keys(rows []Row, now time.Time) []key {
	keys := make([]key, len(rows))
	down := o.Down()
	switch {
	case o.column.Name == "":
		for i := range rows {
			k := key{b: ordered(rows[i].Start, down), place: int32(i)}
			if !rows[i].Kind.Active() {
				k.a = 1
			}
			keys[i] = k
		}
	case o.column.number != nil:
		ms := now.UnixMilli()
		for i := range rows {
			v, ok := o.column.number(&rows[i], ms)
			k := key{a: ordered(v, down), b: ordered(rows[i].Start, true), place: int32(i)}
			if !ok {
				k.a = ^uint64(0)
			}
			keys[i] = k
		}
	default:
		value := o.sortText()
		pivot := ""
		if len(rows) > 0 {
			pivot = commonPrefix(value(&rows[0]), value(&rows[len(rows)/2]), value(&rows[len(rows)-1]))
		}
		for i := range rows {
			keys[i] = key{a: textKey(value(&rows[i]), pivot, down), place: int32(i)}
		}
	}
	return keys
}

// ordered maps a number to one without a sign that sorts the same, or the
// other way round; the greatest is left for what is missing.
func ordered(v int64, down bool) uint64 {
	u := uint64(v) ^ 1<<63
	if down {
		u = ^u
	}
	return min(u, ^uint64(0)-1)
}

// textKey puts numbers first, all equal; then the beginnings of texts, of
// which the part that most share is left out.
func textKey(s, pivot string, down bool) uint64 {
	const last = 4<<56 - 1
	var v uint64
	if s == "" {
		return ^uint64(0)
	}
	if _, ok := number(s); !ok {
		class := uint64(2)
		rest, shares := strings.CutPrefix(s, pivot)
		switch {
		case !shares && s < pivot:
			class, rest = 1, s
		case !shares:
			class, rest = 3, s
		}
		for i := range 7 {
			v <<= 8
			if i < len(rest) {
				v |= uint64(rest[i])
			}
		}
		v |= class << 56
	}
	if down {
		v = last - v
	}
	return v
}

func commonPrefix(texts ...string) string {
	p := texts[0]
	for _, s := range texts[1:] {
		for !strings.HasPrefix(s, p) {
			p = p[:len(p)-1]
		}
	}
	return p
}

// Merged returns the places of rows in order, where last was the order before
// the rows at moved changed or came. Between two answers these are few.
func Merged(rows []Row, last, moved []int32, o Order, now time.Time) []int32 {
	if len(moved) == 0 {
		return last
	}
	compare := o.Compare(now)
	byPlace := func(a, b int32) int { return compare(&rows[a], &rows[b]) }
	is := make([]bool, len(rows))
	for _, p := range moved {
		is[p] = true
	}
	moved = slices.Clone(moved)
	slices.SortFunc(moved, byPlace)
	places := make([]int32, 0, len(rows))
	for _, p := range last {
		if is[p] {
			continue
		}
		for len(moved) > 0 && byPlace(moved[0], p) < 0 {
			places = append(places, moved[0])
			moved = moved[1:]
		}
		places = append(places, p)
	}
	return append(places, moved...)
}
