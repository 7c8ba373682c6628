package tui

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/backend/client"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// scene is something that the window can show.
type scene struct {
	name string
	play func(a *app)
}

func scenes() []scene {
	return []scene{
		{"list", func(*app) {}},
		{"empty", func(a *app) { a.srv.set(nil, nil); a.press("ctrl+r") }},
		{"offline", func(a *app) { a.srv.set(nil, errRefused); a.press("ctrl+r"); a.wait(41 * time.Second) }},
		{"refused", func(a *app) {
			a.srv.set(nil, &client.Error{Op: "list jobs", Code: 401, Message: "http://head asks for a token", Hint: "set RAY_AUTH_MODE=token", Err: client.ErrUnauthorized})
			a.press("ctrl+r")
			a.wait(3 * time.Second)
		}},
		{"detail", func(a *app) { a.press("/", "0.03", "enter", "j", "d") }},
		{"help", func(a *app) { a.press("?") }},
		{"question", func(a *app) { a.press("j", "x") }},
		{"held", func(a *app) { a.press("j", "x", "y") }},
		{"palette", func(a *app) { a.press(":", "t", "h", "tab") }},
		{"themes", func(a *app) { a.press("T", "j", "j") }},
		{"events", func(a *app) {
			a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Good, Text: "nightly succeeded", Job: "nightly"}})
			a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Warn, Text: "stopped 2 of 3 jobs", Detail: []string{"a: stopped", "b: stopped", "c: 500 agent is gone"}}})
			a.press("!")
		}},
	}
}

func TestView_golden(t *testing.T) {
	t.Parallel()
	sizes := []struct{ w, h int }{{60, 15}, {80, 24}, {100, 30}, {140, 40}, {200, 60}}
	for _, sc := range scenes() {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s %dx%d", sc.name, size.w, size.h), func(t *testing.T) {
				t.Parallel()
				a := start(t, size.w, size.h, tuitest.Jobs20(), nil)
				sc.play(a)
				tuitest.Golden(t, a.m.View())
			})
		}
	}
}

func TestView_fillsTheWindow(t *testing.T) {
	t.Parallel()
	scenes := map[string][]string{"list": nil, "detail": {"d"}, "raw": {"y"}, "help": {"?"}, "question": {"x"}, "filter": {"/", "a"}}
	for name, keys := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.press(keys...)
			down := start(t, 80, 24, tuitest.Jobs20(), errRefused)
			for w := 1; w <= 300; w += 13 {
				for h := 1; h <= 100; h += 7 {
					a.send(tea.WindowSizeMsg{Width: w, Height: h})
					down.send(tea.WindowSizeMsg{Width: w, Height: h})
					checkFrame(t, a.m.View(), w, h)
					checkFrame(t, down.m.View(), w, h)
				}
			}
		})
	}
}

func checkFrame(t *testing.T, view string, w, h int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != h {
		t.Fatalf("%dx%d: %d lines:\n%s", w, h, len(lines), view)
	}
	for i, l := range lines {
		if got := ansi.StringWidth(l); got > w {
			t.Fatalf("%dx%d: line %d is %d wide: %q", w, h, i, got, l)
		}
	}
}

func TestView_goldenColours(t *testing.T) {
	t.Parallel()
	spec := func(name string) theme.Palette {
		s, ok := theme.Named(name)
		if !ok {
			t.Fatalf("no theme %s", name)
		}
		return s.Palette()
	}
	looks := []struct {
		name    string
		profile termenv.Profile
		palette theme.Palette
		glyphs  theme.Glyphs
	}{
		{"true colour nord", termenv.TrueColor, spec("nord"), theme.Unicode()},
		{"true colour light", termenv.TrueColor, spec("light"), theme.Unicode()},
		{"16 colours", termenv.ANSI, spec(theme.Default), theme.Unicode()},
		{"ascii", termenv.Ascii, spec(theme.Default), theme.ASCII()},
	}
	for _, sc := range scenes() {
		for _, look := range looks {
			t.Run(sc.name+" "+look.name, func(t *testing.T) {
				t.Parallel()
				r := lipgloss.NewRenderer(io.Discard)
				r.SetColorProfile(look.profile)
				styles := theme.New(r, look.palette, look.glyphs)
				a := startIn(t, styles, 80, 24, tuitest.Jobs20(), nil)
				sc.play(a)
				tuitest.Golden(t, a.m.View())
				if sc.name == "detail" { // breaks lines by its own rules
					return
				}
				plain := startIn(t, tuitest.Styles(termenv.Ascii, look.glyphs), 80, 24, tuitest.Jobs20(), nil)
				sc.play(plain)
				for _, size := range []struct{ w, h int }{{60, 15}, {80, 24}, {100, 30}, {140, 40}, {200, 60}} {
					a.m, plain.m = a.m.resize(size.w, size.h), plain.m.resize(size.w, size.h)
					checkFrame(t, a.m.View(), size.w, size.h)
					if got, want := bare(a.m.View()), bare(plain.m.View()); got != want {
						t.Errorf("at %dx%d colours change the text:\n%s\nwithout:\n%s", size.w, size.h, got, want)
					}
				}
			})
		}
	}
}

// bare is a frame without its colours, and without the brackets that stand for
// them where there are none.
func bare(view string) string {
	return strings.NewReplacer("[", " ", "]", " ").Replace(ansi.Strip(view))
}
