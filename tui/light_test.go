package tui

import (
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"dray/tui/tuitest"
)

func TestLightAnswer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62c": true, "\x1b]11;rgb:0000/0000/0000\a": false, "\x1b]11;rgb:fd/f6/e3\a": true,
		"\x1b[?62c": false, "": false, "\x1b]11;rgb:zz/ff/ff\a": false, "\x1b]11;rgb:ffffffffff/ff/ff\a": false,
	} {
		if got := lightAnswer([]byte(text)); got != want {
			t.Errorf("lightAnswer(%q) = %t", text, got)
		}
	}
	for text, want := range map[string]bool{"15;0": false, "0;15": true, "0;7": true, "7;8": false, "0;default;15": true, "x": false} {
		if got := lightBackground(nil, nil, func(k string) string { return map[string]string{"COLORFGBG": text}[k] }); got != want {
			t.Errorf("COLORFGBG=%s: %t", text, got)
		}
	}
}

func TestLightBackground_neverStalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer, term string
		asked, want        bool
	}{
		{"light", "\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;4c", "xterm-256color", true, true},
		{"dark", "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62c", "xterm-256color", true, false},
		{"it knows no background", "\x1b[?1;2c", "tmux-256color", true, false},
		{"it says nothing", "", "xterm", true, false},
		{"it is not asked", "", "screen.xterm", false, false},
		{"nor the console", "", "linux", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			master, slave, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer master.Close()
			defer slave.Close()
			before, err := term.GetState(int(slave.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			question := make(chan string, 1)
			go func() { // ends when the terminal is closed
				buf := make([]byte, 256)
				n, err := master.Read(buf)
				if err == nil && tt.answer != "" {
					_, err = master.WriteString(tt.answer)
				}
				if err == nil {
					question <- string(buf[:n])
				}
				close(question)
			}()
			start := time.Now()
			got := lightBackground(slave, slave, func(k string) string { return map[string]string{"TERM": tt.term}[k] })
			if took := time.Since(start); got != tt.want || took > 20*askLimit {
				t.Errorf("light: %t after %s, want %t", got, took, tt.want)
			}
			if after, err := term.GetState(int(slave.Fd())); err != nil || *after != *before {
				t.Errorf("the terminal is left in another state: %v", err)
			}
			if !tt.asked {
				_, _ = slave.WriteString("x") // so that the reader ends
			}
			if q := <-question; (q == askBackground) != tt.asked {
				t.Errorf("the terminal was sent %q", q)
			}
		})
	}
}

func TestKeys_aLateAnswerIsNoKeys(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	before := a.m.View()
	a.send(burst("11;rgb:eded/dddd/xxxx"))
	if a.m.covered() || a.m.View() != before {
		t.Errorf("the answer was taken for keys:\n%s", a.m.View())
	}
}
