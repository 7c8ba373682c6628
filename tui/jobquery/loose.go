package jobquery

import (
	"strings"
	"unicode/utf8"
)

// minLoose is the shortest word that is looked for with gaps; anything shorter
// is found everywhere.
const minLoose = 3

// loose reports whether the letters of word follow each other within a line of
// text, in a stretch that is not much longer than the word.
func loose(text, word string) bool {
	if strings.Contains(text, word) {
		return true
	}
	if len(word) < minLoose {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if from, _ := stretch(line, word); from >= 0 {
			return true
		}
	}
	return false
}

// stretch finds the first stretch of line that holds the letters of word in
// their order, or returns -1.
func stretch(line, word string) (from, to int) {
	first, size := utf8.DecodeRuneInString(word)
	longest := 3*len(word) + 2
	for at := 0; at < len(line); {
		i := strings.IndexRune(line[at:], first)
		if i < 0 {
			break
		}
		at += i
		end := at + size
		rest := word[size:]
		for rest != "" && end < len(line) && end-at < longest {
			r, n := utf8.DecodeRuneInString(line[end:])
			w, wn := utf8.DecodeRuneInString(rest)
			if r == w {
				rest = rest[wn:]
			}
			end += n
		}
		if rest == "" {
			return at, end
		}
		at += size
	}
	return -1, -1
}

// Hit is a part of a text that a word of the query is found at, in bytes.
type Hit struct{ From, To int }

// Hits returns the parts of text, in their order and apart from each other,
// where words are found; with gaps if loosely.
func Hits(text string, words []string, loosely bool) []Hit {
	if len(words) == 0 {
		return nil
	}
	low := strings.ToLower(text)
	if len(low) != len(text) { // lower case of another length: places would be wrong
		return nil
	}
	var on []bool
	mark := func(from, to int) {
		if on == nil {
			on = make([]bool, len(text))
		}
		for i := from; i < to; i++ {
			on[i] = true
		}
	}
	for _, w := range words {
		found := false
		for at := 0; ; {
			i := strings.Index(low[at:], w)
			if i < 0 {
				break
			}
			mark(at+i, at+i+len(w))
			at += i + len(w)
			found = true
		}
		if !found && loosely && len(w) >= minLoose {
			markLoose(low, w, mark)
		}
	}
	return runs(on)
}

// markLoose marks the letters of word, one by one.
func markLoose(low, word string, mark func(from, to int)) {
	at, end := stretch(low, word)
	if at < 0 {
		return
	}
	for at < end && word != "" {
		r, n := utf8.DecodeRuneInString(low[at:])
		w, wn := utf8.DecodeRuneInString(word)
		if r == w {
			mark(at, at+n)
			word = word[wn:]
		}
		at += n
	}
}

func runs(on []bool) []Hit {
	var hits []Hit
	for i := 0; i < len(on); i++ {
		if !on[i] {
			continue
		}
		from := i
		for i < len(on) && on[i] {
			i++
		}
		hits = append(hits, Hit{from, i})
	}
	return hits
}
