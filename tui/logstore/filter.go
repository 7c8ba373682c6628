package logstore

import (
	"context"

	"dray/tui/clean"
)

// MaxContext is how many lines around a hit a Filter can show.
const MaxContext = 9

// Filter is a cursor over the lines that match a query, and over some lines
// before and after each. It is for one goroutine.
type Filter struct {
	ctx     context.Context //nolint:containedctx // a filter lives as long as one drawing
	r       *Reader
	f       *Finder
	context int
	scratch []byte
}

var _ Cursor = (*Filter)(nil)

// Filter returns a cursor over what f finds in the log that r sees, with some
// lines of context. Long ways to the next hit end with ctx.
func (f *Finder) Filter(ctx context.Context, r *Reader, lines int) *Filter {
	return &Filter{ctx: ctx, r: r, f: f, context: min(max(0, lines), MaxContext)}
}

// Matches reports whether l is a hit and not only context.
func (v *Filter) Matches(l Line) bool {
	v.scratch = clean.LogPlain(v.scratch[:0], l.Text)
	return v.f.query.Matches(v.scratch)
}

// At returns the line that holds the byte at off, or the next that is shown,
// or else the last.
func (v *Filter) At(off int64) (Line, bool, error) {
	l, ok, err := v.r.At(off)
	if !ok || err != nil {
		return l, false, err
	}
	if l, ok, err = v.forward(l); ok || err != nil {
		return l, ok, err
	}
	return v.Last()
}

// Next returns the next line that is shown.
func (v *Filter) Next(l Line) (Line, bool, error) {
	next, ok, err := v.r.Next(l)
	if !ok || err != nil {
		return next, false, err
	}
	return v.forward(next)
}

// Prev returns the line that is shown before l.
func (v *Filter) Prev(l Line) (Line, bool, error) {
	prev, ok, err := v.r.Prev(l)
	if !ok || err != nil {
		return prev, false, err
	}
	return v.backward(prev)
}

// Last returns the last line that is shown.
func (v *Filter) Last() (Line, bool, error) {
	l, ok, err := v.r.Last()
	if !ok || err != nil {
		return l, false, err
	}
	return v.backward(l)
}

// forward returns l if it is shown, else the next line that is.
func (v *Filter) forward(l Line) (Line, bool, error) {
	at := l.Off
	if near, err := v.follows(at); near || err != nil {
		return v.again(at, err)
	}
	hit, ok, err := v.f.NextHit(v.ctx, at)
	if !ok || err != nil || hit >= v.r.size {
		return Line{}, false, err
	}
	l, ok, err = v.r.At(hit)
	for n := 0; ok && err == nil && n < v.context && l.Off > at; n++ {
		l, ok, err = v.r.Prev(l)
	}
	return l, ok, err
}

// backward returns l if it is shown, else the line before it that is.
func (v *Filter) backward(l Line) (Line, bool, error) {
	at := l.Off
	if near, err := v.precedes(l); near || err != nil {
		return v.again(at, err)
	}
	hit, ok, err := v.f.PrevHit(v.ctx, at)
	if !ok || err != nil {
		return Line{}, false, err
	}
	l, ok, err = v.r.At(hit)
	for n := 0; ok && err == nil && n < v.context && l.End <= at; n++ {
		l, ok, err = v.r.Next(l)
	}
	return l, ok, err
}

func (v *Filter) again(off int64, err error) (Line, bool, error) {
	if err != nil {
		return Line{}, false, err
	}
	return v.r.At(off)
}

// follows reports whether the line at off comes soon enough after a hit, or is
// one.
func (v *Filter) follows(off int64) (bool, error) {
	l, ok, err := v.r.At(off)
	for n := 0; ok && err == nil; n++ {
		if v.Matches(l) {
			return true, nil
		}
		if n == v.context {
			return false, nil
		}
		l, ok, err = v.r.Prev(l)
	}
	return false, err
}

// precedes reports whether a hit comes soon enough after l, or is l.
func (v *Filter) precedes(l Line) (bool, error) {
	ok, err := true, error(nil)
	for n := 0; ok && err == nil; n++ {
		if v.Matches(l) {
			return true, nil
		}
		if n == v.context {
			return false, nil
		}
		l, ok, err = v.r.Next(l)
	}
	return false, err
}
