package logstore

import "slices"

const (
	// samples pieces of sampleSize are looked at before a search, from all over
	// the log, to see which bytes are rare in it.
	samples, sampleSize = 8, 8 << 10
	// What a search costs, in nanoseconds: a scan for a byte for so many bytes, a
	// place where the byte stands, a line that holds the text.
	scanned, perByte, perLine = 32, 3, 1000
)

// sample is a part of a log that stands for all of it.
type sample struct {
	text  []byte
	count [256]int
}

// sample reads a few pieces of the log. What cannot be read is left out: it
// only makes the search slower.
func (s *Store) sample() sample {
	size := s.Extent().Size
	p := sample{text: make([]byte, 0, samples*sampleSize)}
	for i := range int64(samples) {
		from := size / samples * i
		piece := make([]byte, min(sampleSize, size-from))
		if n, err := s.ReadAt(piece, from); err == nil {
			p.text = append(p.text, piece[:n]...)
		}
	}
	for _, c := range p.text {
		p.count[c]++
	}
	return p
}

// tuned returns q looking for the texts and the bytes that are rare in the
// sample.
func (q Query) tuned(p sample) Query {
	if len(p.text) == 0 || len(q.choices) == 0 {
		return q
	}
	best := -1
	for _, choice := range q.choices {
		choice = slices.Clone(choice)
		cost := 0
		for i := range choice {
			n := &choice[i]
			*n = n.by(func(c byte) int { return p.cost(n, c) })
			cost += p.cost(n, n.text[n.rare])
			if len(q.choices) > 1 {
				cost += perLine * p.hits(n) * len(common)
			}
		}
		if best < 0 || cost < best {
			best, q.needles = cost, choice
		}
	}
	if q.re == nil && q.is == nil {
		q.literal = q.needles[0]
	}
	return q
}

// cost is what it takes to look for a byte of n all over the sample, times the
// number of common bytes: those that are not in it cost less the rarer they are
// in other logs.
func (p *sample) cost(n *needle, c byte) int {
	cost := len(p.text)/scanned + perByte*p.count[c]
	if n.cased(c) {
		cost += len(p.text)/scanned + perByte*p.count[c-toLower]
	}
	return cost*len(common) - rarity(c)
}

// hits is how often n stands in the sample.
func (p *sample) hits(n *needle) int {
	hits := 0
	var k known
	for at := 0; ; hits++ {
		i := n.from(p.text, at, &k)
		if i < 0 {
			return hits
		}
		at = i + len(n.text)
	}
}
