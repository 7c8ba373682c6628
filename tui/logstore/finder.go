package logstore

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Finder looks for the lines that match a query, in a log that may grow. It
// keeps one count per MiB of log.
//
// Step and Seek count; NextHit and PrevHit go from hit to hit whether or not the counts
// are there already. One goroutine may call Step or Seek while another goes from hit to
// hit.
type Finder struct {
	s     *Store
	query Query
	epoch int
	once  sync.Once // for tuned
	tuned Query     // query, looking for what is rare in this log

	mu     sync.Mutex
	counts []uint32 // hits in the lines that begin in each span
	first  int64    // all lines that begin in first ≤ k < last were looked at
	last   int64
	total  int64
	size   int64 // how far there is something to look at
	seen   int64 // the size of the log at the last Step, or -1
}

const (
	// scanWorkers is how many spans are scanned side by side.
	scanWorkers = 2
	// mostSpans is how many are given out at once, so that the workers need not
	// wait for each other after each; fewer where a batch takes long, because it
	// cannot be cancelled.
	mostSpans  = 32
	quickBatch = 4 * time.Millisecond
	slowBatch  = 20 * time.Millisecond
	// nearSpan is how much is looked at before whole spans are.
	nearSpan = 16 << 10
)

// pace is how many spans the next batch has.
type pace int

// after adapts the pace to what a batch has taken.
func (p pace) after(took time.Duration) pace {
	switch {
	case took < quickBatch:
		return min(mostSpans, p*2)
	case took > slowBatch:
		return max(scanWorkers, p/2)
	}
	return p
}

// NewFinder returns a finder that begins to count at the line that begins at
// from, and looks at what is before it last.
func NewFinder(s *Store, q Query, from int64) *Finder {
	f := &Finder{s: s, query: q, epoch: s.Extent().Epoch, seen: -1}
	f.first = from - from%spanSize
	f.last = f.first
	return f
}

// Query is what is looked for.
func (f *Finder) Query() Query { return f.query }

// Stale reports that the log has begun anew since: a new Finder is needed.
func (f *Finder) Stale() bool { return f.s.Extent().Epoch != f.epoch }

// Progress is how far a Finder has counted.
type Progress struct {
	Hits   int64 // lines that match, of those that were looked at
	Looked int64 // bytes
	Size   int64 // bytes there are to look at
	Seen   int64 // the size of the log at the last Step; -1: there was none
	Done   bool  // all there is to look at was looked at
}

// Progress tells how far the counting has come.
func (f *Finder) Progress() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Progress{
		Hits: f.total, Looked: f.last - f.first, Size: f.size, Seen: f.seen,
		Done: f.seen >= 0 && f.first == 0 && f.last >= f.size,
	}
}

// Step counts for about as long as budget says, first towards the end, then
// back to the beginning. The last line is left out as long as it may grow,
// which final rules out. It ends early with ctx.
func (f *Finder) Step(ctx context.Context, budget time.Duration, final bool) (Progress, error) {
	began := time.Now() //nolint:forbidigo // a duration is measured, which a fixed clock would stop
	return f.steps(ctx, final, func() bool { return time.Since(began) >= budget })
}

// Seek is Step until there is a hit. What it has looked at, NextHit and PrevHit
// need not look at again.
func (f *Finder) Seek(ctx context.Context, final bool) (Progress, error) {
	return f.steps(ctx, final, func() bool { return f.Progress().Hits > 0 })
}

// steps counts until enough says so.
func (f *Finder) steps(ctx context.Context, final bool, enough func() bool) (Progress, error) {
	r := f.s.Reader()
	size := r.size
	if f.epoch != r.epoch {
		return f.Progress(), ErrCut
	}
	if last, ok, err := r.Last(); err != nil {
		return f.Progress(), err
	} else if ok && last.Open && !final {
		size = last.Off
	}
	f.mu.Lock()
	f.size, f.seen = size, r.size
	f.mu.Unlock()
	for n := pace(scanWorkers); ctx.Err() == nil; {
		spans := f.work(size, int(n))
		if len(spans) == 0 {
			return f.Progress(), nil
		}
		took, err := f.countAll(ctx, spans, r.size)
		if err != nil {
			return f.Progress(), err
		}
		n = n.after(took)
		if enough() {
			break
		}
	}
	return f.Progress(), ctx.Err()
}

// span is a part of the log that lines begin in, and what was found there.
type span struct {
	from, to int64
	hits     int
	at       int64
	ok       bool
	err      error
}

// work returns the spans to count next, each further away than the one before.
func (f *Finder) work(size int64, most int) []span {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []span
	for at := f.last; at < size && len(all) < most; {
		to := min(size, at-at%spanSize+spanSize)
		all = append(all, span{from: at, to: to})
		at = to
	}
	if len(all) > 0 {
		return all
	}
	for at := f.first; at > 0 && len(all) < most; at -= spanSize {
		all = append(all, span{from: at - spanSize, to: at})
	}
	return all
}

// countAll counts spans side by side, adds the counts, and returns how long
// that took. Nothing is added when ctx ends meanwhile.
func (f *Finder) countAll(ctx context.Context, spans []span, size int64) (time.Duration, error) {
	took := f.each(ctx, spans, func(c *scanner, p *span) {
		p.hits, p.err = c.count(&f.tuned, p.from, p.to, size)
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range spans {
		if p.err != nil {
			return took, p.err
		}
		at := int(p.from / spanSize)
		for len(f.counts) <= at {
			f.counts = append(f.counts, 0)
		}
		f.counts[at] += uint32(p.hits)
		f.total += int64(p.hits)
		f.first, f.last = min(f.first, p.from), max(f.last, p.to)
	}
	return took, nil
}

// each runs do on the spans side by side and returns how long that took. Spans
// that ctx leaves undone have its error.
func (f *Finder) each(ctx context.Context, spans []span, do func(*scanner, *span)) time.Duration {
	began := time.Now() //nolint:forbidigo // a duration is measured, which a fixed clock would stop
	f.once.Do(func() { f.tuned = f.query.tuned(f.s.sample()) })
	var next atomic.Int64
	work := func() {
		c := f.s.scanner(ctx)
		defer f.s.scanners.Put(c)
		for i := int(next.Add(1)) - 1; i < len(spans); i = int(next.Add(1)) - 1 {
			do(c, &spans[i])
			runtime.Gosched() // the screen and the keys come first
		}
	}
	var wg sync.WaitGroup
	for range min(scanWorkers, len(spans)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return time.Since(began)
}

// NextHit returns the first line at or after off that matches. It scans the
// log as far as it is not known to hold none, and ends with ctx.
func (f *Finder) NextHit(ctx context.Context, off int64) (int64, bool, error) {
	size := f.s.Extent().Size
	at := max(0, off)
	if near := min(size, at-at%nearSpan+nearSpan); at < near && !f.none(at, near) { // hits are often close together
		p := []span{{from: at, to: near}}
		f.each(ctx, p, func(c *scanner, p *span) { p.at, p.ok, p.err = c.firstIn(&f.tuned, p.from, p.to, size) })
		if p[0].ok || p[0].err != nil {
			return p[0].at, p[0].ok, p[0].err
		}
		at = near
	}
	for n := pace(scanWorkers); at < size; {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		var spans []span
		for at < size && len(spans) < int(n) {
			to := min(size, at-at%spanSize+spanSize)
			if !f.none(at, to) {
				spans = append(spans, span{from: at, to: to})
			}
			at = to
		}
		if len(spans) == 0 {
			continue
		}
		n = n.after(f.each(ctx, spans, func(c *scanner, p *span) {
			p.at, p.ok, p.err = c.firstIn(&f.tuned, p.from, p.to, size)
		}))
		for _, p := range spans {
			if p.err != nil || p.ok {
				return p.at, p.ok, p.err
			}
		}
	}
	return 0, false, nil
}

// PrevHit returns the last line before off that matches.
func (f *Finder) PrevHit(ctx context.Context, off int64) (int64, bool, error) {
	size := f.s.Extent().Size
	at := min(off, size)
	if near := max(0, (at-1)-(at-1)%nearSpan); at > near && !f.none(near, at) {
		p := []span{{from: near, to: at}}
		f.each(ctx, p, func(c *scanner, p *span) { p.at, p.ok, p.err = c.lastIn(&f.tuned, p.from, p.to, size) })
		if p[0].ok || p[0].err != nil {
			return p[0].at, p[0].ok, p[0].err
		}
		at = near
	}
	for n := pace(scanWorkers); at > 0; {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		var spans []span
		for at > 0 && len(spans) < int(n) {
			from := (at - 1) - (at-1)%spanSize
			if !f.none(from, at) {
				spans = append(spans, span{from: from, to: at})
			}
			at = from
		}
		if len(spans) == 0 {
			continue
		}
		n = n.after(f.each(ctx, spans, func(c *scanner, p *span) {
			p.at, p.ok, p.err = c.lastIn(&f.tuned, p.from, p.to, size)
		}))
		for _, p := range spans {
			if p.err != nil || p.ok {
				return p.at, p.ok, p.err
			}
		}
	}
	return 0, false, nil
}

// none reports that no hit is known to begin in from ≤ k < to, which lies in
// one span.
func (f *Finder) none(from, to int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return from >= f.first && to <= f.last && f.counts[from/spanSize] == 0
}

// Rank returns the place, from 1, of the hit that begins at off. It reports
// false as long as not all before it was counted.
func (f *Finder) Rank(off int64) (int64, bool, error) {
	f.mu.Lock()
	if f.first > 0 || off >= f.last {
		f.mu.Unlock()
		return 0, false, nil
	}
	n := int64(0)
	for _, c := range f.counts[:off/spanSize] {
		n += int64(c)
	}
	f.mu.Unlock()
	p := []span{{from: off - off%spanSize, to: off}}
	if p[0].from < off {
		size := f.s.Extent().Size
		f.each(context.Background(), p, func(c *scanner, p *span) { p.hits, p.err = c.count(&f.tuned, p.from, p.to, size) })
	}
	return n + int64(p[0].hits) + 1, true, p[0].err
}
