//go:build unix

package paint

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// running starts a program on out, in a bubble, and returns what ends it.
func running(t *testing.T, m tea.Model, out File, rate int) (p *Program, stop func() (tea.Model, error)) {
	t.Helper()
	p = NewProgram(m, out, rate, noTerminal()...)
	var last tea.Model
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		last, err = p.Run()
	}()
	p.Send(tea.WindowSizeMsg{Width: 80, Height: 24})
	synctest.Wait()
	return p, func() (tea.Model, error) {
		p.Quit()
		<-done
		return last, err
	}
}

// counting counts its views.
type counting struct {
	text
	views *atomic.Int64
}

func (c counting) View() string {
	c.views.Add(1)
	return c.text.View()
}

func (c counting) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if s, ok := msg.(string); ok {
		c.text = text(s)
	}
	return c, nil
}

func TestProgram_viewsAFewOfManyMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var views atomic.Int64
		out := &recorder{}
		p, stop := running(t, counting{views: &views}, out, LocalRate)
		const messages = 50_000
		for i := range messages {
			p.Send(fmt.Sprint("message ", i))
			if i%1000 == 0 {
				time.Sleep(10 * time.Millisecond) // half a second in all
			}
		}
		time.Sleep(time.Second)
		if n := views.Load(); n < 2 || n > 40 {
			t.Errorf("%d views for %d messages", n, messages)
		}
		if shown := screenOf(out); !strings.Contains(shown, "message 49999") {
			t.Errorf("the screen is\n%s", shown)
		}
		last, err := stop()
		if c, ok := last.(counting); err != nil || !ok || c.text != "message 49999" {
			t.Errorf("Run() = %v, %v", last, err)
		}
	})
}

// screenOf is what the terminal shows.
func screenOf(r *recorder) string {
	e := newEmulator(80, 24)
	for _, w := range r.all() {
		e.write([]byte(w))
	}
	return e.String()
}

func TestProgram_isSilentWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var views atomic.Int64
		out := &recorder{}
		p, stop := running(t, counting{views: &views}, out, LocalRate)
		p.Send("shown")
		time.Sleep(time.Minute)
		writes, viewed := len(out.all()), views.Load()
		time.Sleep(time.Hour)
		if n := len(out.all()) - writes; n > 0 {
			t.Errorf("%d writes in an idle hour: %q", n, out.all()[writes:])
		}
		if n := views.Load() - viewed; n > 0 {
			t.Errorf("%d views in an idle hour", n)
		}
		if _, err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// pages are screens that have nothing in common.
func pages() []string {
	r := rand.New(rand.NewPCG(1, 1))
	pages := make([]string, 23) // no multiple of the time between frames
	for i := range pages {
		rows := []string{fmt.Sprint("page ", i)}
		for range 23 {
			b := make([]byte, 79)
			for i := range b {
				b[i] = 'a' + byte(r.IntN(26))
			}
			rows = append(rows, string(b))
		}
		pages[i] = strings.Join(rows, "\n")
	}
	return pages
}

func TestProgram_pacesAFlood(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{RemoteRate, LocalRate} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := &recorder{}
				p, stop := running(t, text(""), out, rate)
				pages := pages()
				const seconds = 4
				before := size(out)
				for i := range seconds * 1000 {
					p.Send(pages[i%len(pages)])
					time.Sleep(time.Millisecond)
				}
				if n := size(out) - before; n > seconds*rate+2*80*24 || n < min(seconds*rate*3/4, seconds*50*80*20) {
					t.Errorf("%d bytes in %d s at %d a second", n, seconds, rate)
				}
				for _, msg := range []tea.Msg{tea.KeyMsg{Type: tea.KeyEnter}, tea.MouseMsg{}, tea.WindowSizeMsg{Width: 80, Height: 24}} {
					time.Sleep(time.Second)
					p.Send(pages[0])
					synctest.Wait()
					p.Send(fmt.Sprintf("echo of %T", msg))
					p.Send(msg)
					synctest.Wait()
					if s := screenOf(out); !strings.HasPrefix(s, fmt.Sprintf("echo of %T", msg)) {
						t.Errorf("%T did not end the pause; the screen is\n%s", msg, s)
					}
				}
				if _, err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func size(r *recorder) (n int) {
	for _, w := range r.all() {
		n += len(w)
	}
	return n
}

func TestProgram_boundsWhatKeysMayQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &recorder{}
		p, stop := running(t, text(""), out, RemoteRate)
		pages := pages()
		before := size(out)
		const seconds = 4
		for i := range seconds * 200 {
			p.Send(pages[i%len(pages)])
			p.Send(tea.KeyMsg{Type: tea.KeyPgDown})
			time.Sleep(5 * time.Millisecond)
		}
		if n := size(out) - before; n > (seconds+1)*RemoteRate {
			t.Errorf("%d bytes in %d s at %d a second", n, seconds, RemoteRate)
		}
		if _, err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestProgram_drawsAllAfterAnySize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &recorder{}
		p, stop := running(t, text("shown"), out, LocalRate)
		for _, w := range []int{80, 80, 90} {
			time.Sleep(time.Second)
			before := len(out.all())
			p.Send(tea.WindowSizeMsg{Width: w, Height: 24})
			time.Sleep(time.Second)
			if got := strings.Join(out.all()[before:], ""); got != "\x1b[m\x1b[r\x1b[2J\x1b[1;1Hshown" {
				t.Errorf("at %d columns wrote %q", w, got)
			}
		}
		before := len(out.all())
		p.Send("shOwn")
		synctest.Wait()
		if got := strings.Join(out.all()[before:], ""); got != "\x1b[1;3HO" {
			t.Errorf("then wrote %q", got)
		}
		if _, err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestProgram_endsWhenTheTerminalIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &recorder{on: func(w string) error {
			if strings.Contains(w, "boom") {
				return syscall.EIO
			}
			return nil
		}}
		p, stop := running(t, text(""), out, LocalRate)
		p.Send("boom")
		time.Sleep(time.Second)
		if _, err := stop(); !errors.Is(err, syscall.EIO) {
			t.Errorf("Run() = %v", err)
		}
	})
}

func TestProgram_drawsAgainWhatWasNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := 3
		out := &recorder{on: func(w string) error {
			if strings.Contains(w, "text") && left > 0 {
				left--
				return syscall.EAGAIN
			}
			return nil
		}}
		p, stop := running(t, text(""), out, LocalRate)
		p.Send("text")
		time.Sleep(time.Second)
		if n := strings.Count(strings.Join(out.all(), ""), "text"); n != 4 {
			t.Errorf("drawn %d times, want 3 failures and a success", n)
		}
		if _, err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestRate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, ssh string
		want      int
	}{{"here", "", LocalRate}, {"over ssh", "10.0.0.1 1 10.0.0.2 22", RemoteRate}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Rate(func(name string) string {
				if name == "SSH_CONNECTION" {
					return tt.ssh
				}
				return ""
			})
			if got != tt.want {
				t.Errorf("Rate() = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestPace_pause(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name        string
		pace        pace
		n           int
		took        time.Duration
		rest, least time.Duration
	}{
		{"a small frame", pace{rate: 1000}, 1, 0, frame, 0},
		{"a large one", pace{rate: 1000}, 90, 0, 90 * time.Millisecond, 0},
		{"one larger than the backlog", pace{rate: 1000}, 150, 0, 150 * time.Millisecond, 50 * time.Millisecond},
		{"one that took long to write", pace{rate: 1000}, 1, time.Second, time.Second, 0},
		{"one after others that still leave", pace{rate: 1000, clear: start.Add(time.Second)}, 500, 0, 1500 * time.Millisecond, 1400 * time.Millisecond},
		{"what a key did", pace{rate: 1000, asked: true}, 1, 0, soon, 0},
		{"a large one that a key asked for", pace{rate: 1000, asked: true}, 90, 0, 90 * time.Millisecond, 0},
		{"what keys held down do", pace{rate: 1000, urgent: true, asked: true}, 1, 0, frame, frame},
		{"one that could not wait", pace{rate: 1000, urgent: true}, 1, 0, frame, frame},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rest, least := tt.pace.pause(start, start.Add(tt.took), tt.n)
			if rest != tt.rest || least != tt.least {
				t.Errorf("pause() = %s, %s, want %s, %s", rest, least, tt.rest, tt.least)
			}
		})
	}
}
