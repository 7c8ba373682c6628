package logstore

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// maxNeedles is how many texts are looked for side by side. Each costs a scan.
const maxNeedles = 8

// required returns texts of which one stands in each line that expr matches,
// or none if no such texts are known.
func required(expr string) []needle {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return needlesOf(re.Simplify())
}

func needlesOf(re *syntax.Regexp) []needle {
	switch re.Op { //nolint:exhaustive // the others hold no text
	case syntax.OpLiteral:
		return literalOf(re)
	case syntax.OpCapture, syntax.OpPlus:
		return needlesOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needlesOf(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []needle
		for _, sub := range re.Sub {
			if n := needlesOf(sub); worth(n) > worth(best) {
				best = n
			}
		}
		return best
	case syntax.OpAlternate:
		var all []needle
		for _, sub := range re.Sub {
			n := needlesOf(sub)
			if len(n) == 0 {
				return nil
			}
			all = append(all, n...)
		}
		if len(all) <= maxNeedles {
			return all
		}
	}
	return nil
}

// literalOf returns the longest run of a literal that can be compared by bytes.
func literalOf(re *syntax.Regexp) []needle {
	fold := re.Flags&syntax.FoldCase != 0
	var best, run []rune
	for _, r := range append(slices.Clone(re.Rune), -1) {
		if r < 0 || fold && foldsFar(r) {
			if len(run) > 0 && (len(best) == 0 || newNeedle(string(run), fold).worth() > newNeedle(string(best), fold).worth()) {
				best = run
			}
			run = nil
			continue
		}
		run = append(run, r)
	}
	if len(best) == 0 {
		return nil
	}
	return []needle{newNeedle(string(best), fold)}
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
