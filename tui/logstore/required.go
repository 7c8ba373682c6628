package logstore

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

const (
	// maxNeedles is how many texts are looked for side by side. Each costs a scan.
	maxNeedles = 8
	// maxChoices is how many ways of looking are weighed up.
	maxChoices = 8
)

// required returns choices of texts: of each choice, one text stands in each
// line that expr matches. There may be none.
func required(expr string) [][]needle {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	all := choicesOf(re.Simplify())
	slices.SortStableFunc(all, func(a, b []needle) int { return worth(b) - worth(a) })
	return all[:min(len(all), maxChoices)]
}

func choicesOf(re *syntax.Regexp) [][]needle {
	switch re.Op { //nolint:exhaustive // the others hold no text
	case syntax.OpLiteral:
		return literalOf(re)
	case syntax.OpCapture, syntax.OpPlus:
		return choicesOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return choicesOf(re.Sub[0])
		}
	case syntax.OpConcat:
		var all [][]needle
		for _, sub := range re.Sub {
			all = append(all, choicesOf(sub)...)
		}
		return all
	case syntax.OpAlternate:
		var all []needle
		for _, sub := range re.Sub {
			n := choicesOf(sub)
			if len(n) == 0 {
				return nil
			}
			all = append(all, slices.MaxFunc(n, func(a, b []needle) int { return worth(a) - worth(b) })...)
		}
		if len(all) <= maxNeedles {
			return [][]needle{all}
		}
	}
	return nil
}

// literalOf returns the runs of a literal that can be compared by bytes.
func literalOf(re *syntax.Regexp) [][]needle {
	fold := re.Flags&syntax.FoldCase != 0
	var all [][]needle
	var run []rune
	for _, r := range append(slices.Clone(re.Rune), -1) {
		if r >= 0 && (!fold || !foldsFar(r)) {
			run = append(run, r)
			continue
		}
		if len(run) > 0 {
			all = append(all, []needle{newNeedle(string(run), fold)})
		}
		run = nil
	}
	return all
}

// foldsFar reports whether r has another case outside of ASCII.
func foldsFar(r rune) bool {
	switch r {
	case 'k', 'K', 's', 'S':
		return true // the Kelvin sign, the long s
	}
	return r >= utf8.RuneSelf
}

// worth is how much a set of needles narrows a search down: as much as the one
// that is found most often, less for each more.
func worth(all []needle) int {
	if len(all) == 0 {
		return 0
	}
	w := 1 << 20
	for _, n := range all {
		w = min(w, n.worth())
	}
	return max(1, w/len(all))
}
