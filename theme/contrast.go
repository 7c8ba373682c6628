package theme

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// rgb is a colour by its parts, from 0 to 1.
type rgb [3]float64

// parse reads "#rrggbb". A colour by number is the terminal's own affair.
func parse(c string) (rgb, bool) {
	hex, ok := strings.CutPrefix(c, "#")
	n, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return rgb{}, false
	}
	return rgb{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}, true
}

func (c rgb) String() string {
	part := func(f float64) int { return int(math.Round(f * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", part(c[0]), part(c[1]), part(c[2]))
}

// luminance is the relative luminance of WCAG 2.
func (c rgb) luminance() float64 {
	lin := func(f float64) float64 {
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c[0]) + 0.7152*lin(c[1]) + 0.0722*lin(c[2])
}

// Contrast is the contrast of two colours by WCAG 2, from 1 to 21; 0 where one
// of them is the terminal's own.
func Contrast(a, b string) float64 {
	x, okX := parse(a)
	y, okY := parse(b)
	if !okX || !okY {
		return 0
	}
	hi, lo := x.luminance(), y.luminance()
	if hi < lo {
		hi, lo = lo, hi
	}
	return (hi + 0.05) / (lo + 0.05)
}

// Legible moves a colour towards that of the text, and where that is not
// enough to black or white, until its contrast with the background is least.
func Legible(c, background, text string, least float64) string {
	from, okFrom := parse(c)
	bg, okBG := parse(background)
	if !okFrom || !okBG {
		return c
	}
	ends := []rgb{{0, 0, 0}}
	if bg.luminance() < 0.18 {
		ends[0] = rgb{1, 1, 1}
	}
	if t, ok := parse(text); ok {
		ends = []rgb{t, ends[0]}
	}
	const steps = 20
	for _, to := range ends {
		for i := range steps + 1 {
			f := float64(i) / steps
			mixed := rgb{}
			for k := range mixed {
				mixed[k] = from[k] + (to[k]-from[k])*f
			}
			if Contrast(mixed.String(), background) >= least {
				return mixed.String()
			}
		}
	}
	return ends[len(ends)-1].String()
}
