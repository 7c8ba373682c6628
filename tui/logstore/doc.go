// Package logstore is the engine under every log on the screen: it keeps or
// reads the bytes of one log, finds lines in them, searches them, and follows
// the job that writes them. It draws nothing; pages are package logview's.
//
// # Lines and offsets
//
// A line is known by the offset of its first byte, which is known at once
// however long the log is. Its number is known only when the log has been
// counted up to there, which goes on in the background at the speed of wc -l.
//
//	r := store.Reader()            // a snapshot; for one goroutine
//	l, ok, err := r.At(off)        // the line that holds a byte
//	l, ok, err = r.Next(l)         // and its neighbours
//	l, ok, err = r.Prev(l)
//	l, ok, err = r.Last()          // reads backwards from the end, needs no count
//	n, ok, err := r.Number(l.Off)  // 0 is the first line; not ok: not counted yet
//	l, ok, err = r.Nth(n)
//	off := r.AtPercent(42)
//	l, ok, err = r.AtTime(ctx, when)
//
// What one call costs depends on the block size, never on the log: memory
// stays below 64 MiB for a log of a terabyte.
//
// # Finding
//
// A Finder counts the lines that match a Query, span by span, nearest to the
// screen first; Step does a slice of that and can be stopped at any time. It
// keeps a number per span and no list of hits, so next and previous hits are
// looked up in the log itself. A Filter is a Cursor over the matching lines and
// their neighbours, to be used in place of a Reader.
//
// # Following
//
// A Session joins a Store and a job: Run reads, Next tells of progress, at most
// thirty times a second and the first at once.
package logstore
