package logstore

import (
	"bytes"
	"sort"
)

const (
	// blockSize is the distance of the index's entries, and the unit of reading.
	blockSize = 64 << 10
	// segmentBlocks is how many entries share one base.
	segmentBlocks = 1024
)

// segment counts the line feeds before each of its blocks.
type segment struct {
	base  int64 // before the segment
	count [segmentBlocks]uint32
}

// index finds lines in a log that only grows. It keeps four bytes for 64 KiB
// of log, however short the lines are, and never moves what it has.
type index struct {
	segments []*segment
	blocks   int
	feeds    int64 // line feeds in all
	size     int64 // bytes that were counted
}

// add takes the bytes that come next.
func (x *index) add(p []byte) {
	for len(p) > 0 {
		n := min(len(p), blockSize-int(x.size%blockSize))
		x.addCount(n, bytes.Count(p[:n], []byte{'\n'}))
		p = p[n:]
	}
}

// addCount takes n bytes with so many line feeds; they do not cross a block.
func (x *index) addCount(n, feeds int) {
	if x.size%blockSize == 0 {
		at := x.blocks % segmentBlocks
		if at == 0 {
			x.segments = append(x.segments, &segment{base: x.feeds})
		}
		last := x.segments[len(x.segments)-1]
		last.count[at] = uint32(x.feeds - last.base)
		x.blocks++
	}
	x.feeds += int64(feeds)
	x.size += int64(n)
}

// before is the number of line feeds before block b.
func (x *index) before(b int) int64 {
	s := x.segments[b/segmentBlocks]
	return s.base + int64(s.count[b%segmentBlocks])
}

// find returns the block that holds line feed n, the first being 0, and the
// number of line feeds before it in that block. There must be such a line feed.
func (x *index) find(n int64) (block int, skip int64) {
	b := sort.Search(x.blocks, func(i int) bool { return x.before(i) > n }) - 1
	return b, n - x.before(b)
}
