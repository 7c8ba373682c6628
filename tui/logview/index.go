package logview

import (
	"bytes"
	"sort"
)

// blockSize is the distance of the index's entries, and the unit of reading.
const blockSize = 64 << 10

// index finds lines in a log that only grows. It keeps one number per block,
// 8 bytes for 64 KiB of log, however short the lines are.
type index struct {
	before []int64 // line feeds before each block
	feeds  int64   // line feeds in all
	size   int64   // bytes in all
	ended  bool    // the last byte is a line feed
}

// add takes the bytes that come next.
func (x *index) add(p []byte) {
	for len(p) > 0 {
		in := int(x.size % blockSize)
		if in == 0 {
			x.before = append(x.before, x.feeds)
		}
		n := min(len(p), blockSize-in)
		x.feeds += int64(bytes.Count(p[:n], []byte{'\n'}))
		x.size += int64(n)
		x.ended = p[n-1] == '\n'
		p = p[n:]
	}
}

// lines is the number of lines. Bytes after the last line feed are a line too.
func (x *index) lines() int64 {
	if x.size == 0 || x.ended {
		return x.feeds
	}
	return x.feeds + 1
}

// find returns the offset of the block that holds line feed n, the first being
// 0, and the number of line feeds before it in that block. There must be such a
// line feed.
func (x *index) find(n int64) (offset, skip int64) {
	b := sort.Search(len(x.before), func(i int) bool { return x.before[i] > n }) - 1
	return int64(b) * blockSize, n - x.before[b]
}
