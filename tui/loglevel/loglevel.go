// Package loglevel tells what a line of a job's output is about: whether it
// warns, tells of an error or begins a traceback, and which traceback of a log
// says best why the job failed.
//
// It looks at lines alone: reading logs, searching them and drawing is left to
// others.
package loglevel

import (
	"bytes"
)

// Level is how much a line matters.
type Level int

// The levels of a line. Trace is the first line of a traceback.
const (
	None Level = iota
	Warn
	Error
	Trace
)

// looked is how much of a line is looked at: levels stand near its beginning.
const looked = 512

// Of returns the level of a line without its line feed. Colours may be in it.
func Of(line []byte) Level {
	line = line[:min(len(line), looked)]
	var plain [looked]byte
	if bytes.IndexByte(line, 0x1b) >= 0 {
		line = uncoloured(plain[:0], line)
	}
	line = withoutPrefix(line)
	switch {
	case bytes.HasPrefix(line, []byte("Traceback (most recent call last)")):
		return Trace
	case bytes.HasPrefix(line, []byte("Fatal Python error")):
		return Error
	}
	if l, ok := glog(line); ok {
		return l
	}
	if len(line) > 0 && line[0] == '{' {
		return jsonLevel(line)
	}
	if l := named(line); l != None {
		return l
	}
	if exceptionName(line) != nil {
		return Error
	}
	return None
}

// Inside reports whether a line can stand between the first line of a traceback
// and the exception: it is indented, or empty.
func Inside(line []byte) bool {
	line = line[:min(len(line), looked)]
	var plain [looked]byte
	if bytes.IndexByte(line, 0x1b) >= 0 {
		line = uncoloured(plain[:0], line)
	}
	if rest := withoutPrefix(line); len(line) > 0 && line[0] == '(' && len(rest) < len(line) {
		_, line, _ = bytes.Cut(line, []byte(") "))
	}
	line = bytes.TrimRight(line, "\r")
	return len(line) == 0 || line[0] == ' ' || line[0] == '\t'
}

// uncoloured appends line without its control sequences.
func uncoloured(dst, line []byte) []byte {
	for i := 0; i < len(line); i++ {
		if line[i] != 0x1b {
			dst = append(dst, line[i])
			continue
		}
		i++
		if i < len(line) && line[i] == '[' {
			for i++; i < len(line) && (line[i] < 0x40 || line[i] > 0x7e); i++ {
			}
		}
	}
	return dst
}

// withoutPrefix leaves out what Ray puts before the lines of a worker,
// "(train pid=12, ip=10.0.0.1) ", and blanks.
func withoutPrefix(line []byte) []byte {
	line = bytes.TrimLeft(line, " \t")
	if len(line) == 0 || line[0] != '(' {
		return line
	}
	end := bytes.IndexByte(line, ')')
	if end < 0 || !bytes.Contains(line[:end], []byte("pid=")) {
		return line
	}
	return bytes.TrimLeft(line[end+1:], " \t")
}

// glog reads the level of a line such as "E1124 09:30:00.123456 12 file.cc:1]",
// and of Ray's own "[2026-11-24 09:30:00,123 E 12 34] file.cc:1:".
func glog(line []byte) (Level, bool) {
	if len(line) > 6 && digits(line[1:5]) && line[5] == ' ' && digits(line[6:7]) {
		return letter(line[0])
	}
	if len(line) > 28 && line[0] == '[' && digits(line[1:5]) && line[5] == '-' {
		if line[24] == ' ' && line[26] == ' ' {
			return letter(line[25])
		}
	}
	return None, false
}

func letter(c byte) (Level, bool) {
	switch c {
	case 'I', 'D':
		return None, true
	case 'W':
		return Warn, true
	case 'E', 'F', 'C':
		return Error, true
	}
	return None, false
}

func digits(p []byte) bool {
	for _, c := range p {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// jsonLevel reads the level of a line that is a JSON object.
func jsonLevel(line []byte) Level {
	for _, key := range [][]byte{[]byte(`"level"`), []byte(`"levelname"`), []byte(`"severity"`), []byte(`"lvl"`)} {
		_, rest, ok := bytes.Cut(line, key)
		if !ok {
			continue
		}
		rest = bytes.TrimLeft(rest, " :\"")
		end := 0
		for end < len(rest) && isWord(rest[end]) {
			end++
		}
		l, _ := levelOf(rest[:end])
		return l
	}
	return None
}

// named reads a level that stands as a word of its own near the beginning of
// the line: the fields before it hold a time, a name, brackets. The first counts.
func named(line []byte) Level {
	const words = 6
	seen := 0
	for i := 0; i < len(line) && seen < words; {
		if !isWord(line[i]) {
			i++
			continue
		}
		end := i
		for end < len(line) && isWord(line[end]) {
			end++
		}
		if l, ok := levelOf(line[i:end]); ok && delimited(line, i, end) {
			return l
		}
		if !digits(line[i:end]) {
			seen++
		}
		i = end
	}
	return None
}

// delimited reports whether the word in capitals, or the one with a colon or in
// brackets, is a level and not part of a sentence.
func delimited(line []byte, from, to int) bool {
	if 'A' <= line[from] && line[from] <= 'Z' && 'A' <= line[to-1] && line[to-1] <= 'Z' {
		return true
	}
	if from > 0 && to < len(line) && (line[from-1] == '[' && line[to] == ']' || line[from-1] == '|' || line[from-1] == '=') {
		return true
	}
	return from == 0 && to < len(line) && line[to] == ':'
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// levelOf reads the name of a level.
func levelOf(word []byte) (Level, bool) {
	if len(word) < 3 || len(word) > 9 {
		return None, false
	}
	var lower [9]byte
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(word)]) {
	case "trace", "debug", "info", "notice":
		return None, true
	case "warn", "warning":
		return Warn, true
	case "error", "critical", "fatal", "panic", "exception", "err":
		return Error, true
	}
	return None, false
}

// exceptionName returns the dotted name of an exception that a line begins
// with, as in "torch.cuda.OutOfMemoryError: CUDA out of memory", or nil.
func exceptionName(line []byte) []byte {
	end := 0
	for end < len(line) && (isWord(line[end]) || line[end] == '.') {
		end++
	}
	if end == 0 || end < len(line) && line[end] != ':' && line[end] != '(' {
		return nil
	}
	name := line[:end]
	short := name[bytes.LastIndexByte(name, '.')+1:]
	if len(short) == 0 || short[0] < 'A' || short[0] > 'Z' {
		return nil
	}
	for _, suffix := range []string{"Error", "Exception", "Interrupt", "Exit", "StopIteration", "Timeout"} {
		if bytes.HasSuffix(short, []byte(suffix)) {
			return name
		}
	}
	return nil
}
