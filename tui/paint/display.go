package paint

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/charmbracelet/x/ansi"
)

// display is the output of Bubble Tea and of the drawing loop. Bubble Tea
// writes one sequence or one frame at a time, and from these it learns whose
// the screen is. It has no embedded file: promoted methods, such as
// WriteString, would go round Write.
type display struct {
	out   File
	epoch atomic.Uint64 // counts how often the screen was taken

	mu     sync.Mutex
	canvas canvas
	ours   bool // in the alternate screen
	known  bool // the canvas is what the screen shows
}

const (
	wrapOff = "\x1b[?7l"
	wrapOn  = "\x1b[?7h"
)

// Write passes on what Bubble Tea writes, but for its frames.
func (d *display) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case string(p) == ansi.SetModeAltScreenSaveCursor:
		d.epoch.Add(1)
		d.ours, d.known = true, false
		// A row that the terminal takes for wider than it is must not spill.
		return d.whole(p, ansi.SetModeAltScreenSaveCursor+wrapOff)
	case string(p) == ansi.ResetModeAltScreenSaveCursor:
		d.ours = false
		return d.whole(p, wrapOn+ansi.ResetModeAltScreenSaveCursor)
	case string(p) == ansi.EraseEntireScreen:
		d.known = false
	case d.ours && len(p) > len(ansi.CursorHomePosition) && bytes.HasPrefix(p, []byte(ansi.CursorHomePosition)):
		return len(p), nil
	}
	return d.out.Write(p)
}

// whole writes seq in place of p.
func (d *display) whole(p []byte, seq string) (int, error) {
	if _, err := d.out.Write([]byte(seq)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// draw draws v, unless the screen is not ours or its size not known, and
// returns how many bytes that took. Again means that the terminal took only a
// part, and that all is to be drawn anew.
func (d *display) draw(v view) (n int, again bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ours || v.epoch != d.epoch.Load() || v.w <= 0 || v.h <= 0 {
		return 0, false, nil
	}
	b := d.canvas.draw(v.text, v.w, v.h, v.full || !d.known)
	d.known = true
	if len(b) == 0 {
		return 0, false, nil
	}
	n, err = d.out.Write(b)
	if errors.Is(err, syscall.EAGAIN) { // another program left the terminal non-blocking
		d.known = false
		return n, true, nil
	}
	return n, false, err
}

// Read reads from the terminal.
func (d *display) Read(p []byte) (int, error) { return d.out.Read(p) }

// Close does nothing: the file is the caller's.
func (d *display) Close() error { return nil }

// Fd lets Bubble Tea see that this is a terminal, and ask for its size.
func (d *display) Fd() uintptr { return d.out.Fd() }
