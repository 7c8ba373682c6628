//go:build linux

package tool

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

const (
	tailLines = 50
	maxLine   = 8 << 10 // bytes; a longer line is broken
	maxOutput = 4 << 20 // bytes that one run may add to a job's log
)

var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/@\s'"]+@`)

// Mask hides the user and password of every address in text.
func Mask(text string) string {
	return userinfo.ReplaceAllString(text, "${1}<redacted>@")
}

// output passes whole lines on, masked, and keeps the last ones.
type output struct {
	mu   sync.Mutex
	w    io.Writer
	part []byte
	tail []string
	sent int
}

func newOutput(w io.Writer) *output { return &output{w: w} }

// Write never fails: a log that takes no more must not end the tool.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	rest := append(o.part, p...)
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 && len(rest) < maxLine {
			o.part = append(o.part[:0], rest...)
			return len(p), nil
		}
		if i < 0 || i > maxLine {
			o.line(string(rest[:maxLine]))
			rest = rest[maxLine:]
			continue
		}
		o.line(string(rest[:i]))
		rest = rest[i+1:]
	}
}

func (o *output) line(text string) {
	text = strings.TrimRight(text, "\r")
	o.tail = append(o.tail, text)
	if len(o.tail) > 2*tailLines {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-tailLines:]...)
	}
	if o.sent > maxOutput {
		return
	}
	if text = Mask(text); o.sent+len(text) > maxOutput {
		o.sent = maxOutput + 1
		text = fmt.Sprintf("(more than %d MiB of output: the rest is left out)", maxOutput>>20)
	}
	o.sent += len(text) + 1
	fmt.Fprintln(o.w, text)
}

func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.part) > 0 {
		o.line(string(o.part))
		o.part = nil
	}
}

func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return Mask(strings.Join(o.tail[max(0, len(o.tail)-tailLines):], "\n"))
}
