package loglevel

import "strings"

// Telling returns at most limit lines of the card that say where the job
// failed: the innermost frame of the user's own code first, and then, behind
// gap, as many whole frames from the end as there is room for. Without frames
// they are the lines after the first.
func (c Card) Telling(limit int, gap string) []string {
	frames := c.frames()
	if len(frames) == 0 {
		return c.Lines[min(1, len(c.Lines)):min(len(c.Lines), limit+1)]
	}
	own := innermost(frames)
	last := len(frames)
	for room := limit; last > 0 && last-1 > own; last-- {
		room -= len(frames[last-1])
		if room < len(frames[own])+1 {
			break
		}
	}
	if last == own+1 { // all that follows it is shown, so what led to it may be too
		for room := limit - lines(frames[own:]); own > 0 && room >= len(frames[own-1]); own-- {
			room -= len(frames[own-1])
		}
		return flat(frames[own:], limit)
	}
	out := append(flat(frames[own:own+1], limit), "  "+gap)
	return flat(append([][]string{out}, frames[last:]...), limit)
}

// frames splits the lines of a traceback into its frames.
func (c Card) frames() [][]string {
	var frames [][]string
	inside := false
	for _, l := range c.Lines {
		text := inGroup(l)
		switch {
		case strings.HasPrefix(text, fileTag):
			frames, inside = append(frames, []string{l}), true
		case inside && strings.HasPrefix(text, "    "):
			frames[len(frames)-1] = append(frames[len(frames)-1], l)
		default:
			inside = false
		}
	}
	return frames
}

// innermost returns the index of the last frame of the user's code. A command
// that is given to Python as text is such code when nothing else is.
func innermost(frames [][]string) int {
	text := -1
	for at := len(frames) - 1; at >= 0; at-- {
		head := inGroup(frames[at][0])
		if isUsers(head) {
			return at
		}
		if text < 0 && strings.Contains(head, `"<string>"`) {
			text = at
		}
	}
	if text >= 0 {
		return text
	}
	return len(frames) - 1
}

func lines(frames [][]string) int {
	n := 0
	for _, f := range frames {
		n += len(f)
	}
	return n
}

func flat(frames [][]string, limit int) []string {
	var out []string
	for _, f := range frames {
		out = append(out, f...)
	}
	return out[:min(len(out), limit)]
}
