package loglevel

import (
	"bytes"
	"strings"
)

// Card is what a log says about why its job failed.
type Card struct {
	// Lines are the whole traceback, or the line of an error and what follows,
	// without colours and without the prefixes that Ray gives to workers' lines.
	Lines []string
	// Exception is the dotted name, "" when the log holds no traceback. Message is
	// what follows it.
	Exception, Message string
	// Offset is where the first of Lines begins, in the bytes that were looked
	// through.
	Offset int64
}

// after is how many lines after one of an error belong to it when there is no
// traceback.
const after = 3

// Best returns the traceback that tells best why the job that wrote the tail of
// a log failed, or else the last line of an error.
//
// Of several the last counts, except those of Python's own end and of an
// interrupt. Of exceptions that led to each other, the first one that the
// user's code took part in.
func Best(tail []byte) (Card, bool) {
	lines := split(tail)
	blocks := parse(lines)
	if len(blocks) == 0 {
		return lastError(lines)
	}
	last := len(blocks) - 1
	for at := last; at >= 0; at-- {
		if !blocks[at].idle {
			last = at
			break
		}
	}
	first := last
	for first > 0 && blocks[first].chained {
		first--
	}
	best := last
	for at := first; at <= last; at++ {
		if blocks[at].user {
			best = at
			break
		}
	}
	return blocks[best].Card, true
}

// textLine is a line of a log and what Ray wrote before it.
type textLine struct {
	text   string
	prefix string
	offset int64
}

func split(tail []byte) []textLine {
	var lines []textLine
	for off := 0; off < len(tail); {
		end := len(tail)
		if i := bytes.IndexByte(tail[off:], '\n'); i >= 0 {
			end = off + i
		}
		raw := tail[off:end]
		if i := bytes.LastIndexByte(bytes.TrimRight(raw, "\r"), '\r'); i >= 0 {
			raw = raw[i+1:]
		}
		text := string(uncoloured(nil, bytes.TrimRight(raw, "\r")))
		l := textLine{text: text, offset: int64(off)}
		if strings.HasPrefix(text, "(") {
			if i := strings.Index(text, ") "); i > 0 && strings.Contains(text[:i], "pid=") {
				l.prefix, l.text = text[:i+2], text[i+2:]
			}
		}
		lines = append(lines, l)
		off = end + 1
	}
	return lines
}

// block is one traceback.
type block struct {
	Card
	prefix  string
	chained bool // the one before led to it
	user    bool // it passes through code that is not a library's
	idle    bool // it tells of the end of a process and not of its cause
}

const (
	header  = "Traceback (most recent call last):"
	fileTag = `  File "`
)

// parse finds the tracebacks.
func parse(lines []textLine) []block {
	var blocks []block
	for i := 0; i < len(lines); i++ {
		text := inGroup(lines[i].text)
		if !strings.HasPrefix(text, header) && !strings.HasPrefix(text, fileTag) {
			continue
		}
		b := block{prefix: lines[i].prefix, Card: Card{Offset: lines[i].offset}}
		next := b.read(lines, i)
		if b.Exception == "" {
			continue
		}
		b.chained = len(blocks) > 0 && blocks[len(blocks)-1].prefix == b.prefix && leadsTo(lines, i)
		b.idle = b.endsOnly(lines, i)
		blocks = append(blocks, b)
		i = next - 1
	}
	return blocks
}

// inGroup leaves out the margin of an exception group.
func inGroup(text string) string {
	if strings.HasPrefix(text, "  + Exception Group ") {
		return text[len("  + Exception Group "):]
	}
	return strings.TrimPrefix(text, "  | ")
}

// read takes the lines of a traceback that begins at line i, leaving out those
// that other workers wrote between them, and returns the line after it.
func (b *block) read(lines []textLine, i int) int {
	for first := true; i < len(lines); i++ {
		if lines[i].prefix != b.prefix {
			continue
		}
		text := inGroup(lines[i].text)
		indented := strings.HasPrefix(text, "  ")
		switch {
		case first && strings.HasPrefix(text, header):
		case indented && b.Exception != "" && !strings.HasPrefix(text, fileTag) && !b.inFrames():
			// More of a message. A frame of a task's traceback may follow.
		case indented:
			b.user = b.user || strings.HasPrefix(text, fileTag) && isUsers(text)
		case b.Exception != "" && !b.inFrames():
			return i
		default:
			if !b.exception(text) {
				return i
			}
		}
		first = false
		b.Lines = append(b.Lines, lines[i].text)
	}
	return i
}

// inFrames reports whether the last line belongs to a frame, so that an
// exception follows.
func (b *block) inFrames() bool {
	for i := len(b.Lines) - 1; i >= 0; i-- {
		text := inGroup(b.Lines[i])
		if strings.HasPrefix(text, fileTag) {
			return true
		}
		if !strings.HasPrefix(text, "    ") {
			return false
		}
	}
	return false
}

// exception takes the line that ends the frames.
func (b *block) exception(text string) bool {
	name, message, _ := strings.Cut(text, ":")
	if name == "" || strings.ContainsAny(name, " \t") && !strings.HasSuffix(name, ")") {
		return false
	}
	b.Exception, b.Message = name, strings.TrimSpace(message)
	return true
}

// isUsers reports whether a frame is of code that is not a library's.
func isUsers(frame string) bool {
	for _, l := range [...]string{"/site-packages/", "/dist-packages/", "/lib/python3", "/lib64/python3", `"<frozen `, `"<string>"`, "/ray/_private/", "/ray/python/"} {
		if strings.Contains(frame, l) {
			return false
		}
	}
	return true
}

// leadsTo reports whether one of the sentences stands before line i by which
// Python joins tracebacks.
func leadsTo(lines []textLine, i int) bool {
	for back := 1; back <= 4 && i-back >= 0; back++ {
		text := lines[i-back].text
		if strings.Contains(text, "was the direct cause of the following exception") || strings.Contains(text, "another exception occurred:") {
			return true
		}
	}
	return false
}

// endsOnly reports whether the block comes from the end of the process.
func (b *block) endsOnly(lines []textLine, i int) bool {
	if b.Exception == "KeyboardInterrupt" || b.Exception == "SystemExit" {
		return true
	}
	if i == 0 {
		return false
	}
	before := lines[i-1].text
	return strings.HasPrefix(before, "Exception ignored in") || strings.HasPrefix(before, "Error in atexit") || strings.HasPrefix(before, "Error in sys.excepthook")
}

// lastError returns the last line of an error, and a few lines after it.
func lastError(lines []textLine) (Card, bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		if Of([]byte(lines[i].text)) < Error {
			continue
		}
		c := Card{Offset: lines[i].offset}
		for _, l := range lines[i:min(len(lines), i+1+after)] {
			c.Lines = append(c.Lines, l.text)
		}
		if name := exceptionName([]byte(lines[i].text)); name != nil {
			c.Exception = string(name)
			c.Message = strings.TrimSpace(strings.TrimPrefix(lines[i].text[len(name):], ":"))
		}
		return c, true
	}
	return Card{}, false
}
