package logview

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/logstore"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

const trainLog = "14:02:11 INFO  job_manager  runtime env set up in 8.2s\n" +
	"14:02:12 INFO  worker.py    Connecting to existing Ray cluster at 10.4.0.9:6379, with a name that goes on and on\n" +
	"14:02:13 INFO  worker.py    Connected. View the dashboard at 10.4.0.9:8265\n" +
	"\x1b[33m14:03:50 WARN\x1b[0m  data         shard 0417 slow: \x1b[1m3.8s\x1b[0m (p50 0.4s)\n" +
	"epoch 0:  10%|█▏        | 62/625\repoch 0:  64%|██████▍   | 400/625 [10:12<05:44,  1.53s/it]\n" +
	"日本語のログ行、とても長い日本語のログ行、とても長い日本語のログ行、とても長い日本語のログ行、とても長い\n" +
	"\x1b]0;owned\x07\x1b[2Jtitle and clear\ttab\te\u0301\n" +
	"14:14:10 \x1b[31mERROR nccl         rank 3 retrying all_reduce (1/5), a red line that is not closed and too long\n" +
	"last line without a line feed"

func TestFrames(t *testing.T) {
	t.Parallel()
	sizes := []screen.Size{{W: 60, H: 12}, {W: 80, H: 21}, {W: 140, H: 37}}
	scenes := []struct {
		name   string
		status rayapi.Status
		play   func(t *testing.T, f *feed, p *page)
	}{
		{"following", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.print(t, trainLog)
			p.lines(9)
		}},
		{"wrapped", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.print(t, trainLog)
			p.lines(9)
			p.keys("w")
		}},
		{"behind", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.print(t, numbered(0, 47_000))
			p.lines(47_000)
			p.keys("b")
			f.print(t, numbered(47_000, 47_312))
			p.lines(47_312)
		}},
		{"found", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.print(t, numbered(0, 200))
			p.lines(200)
			p.keys("/", "1", "7", "enter", "N")
		}},
		{"typing", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.print(t, numbered(0, 200))
			p.lines(200)
			p.keys("/", "L", "i")
		}},
		{"pending", rayapi.StatusPending, func(_ *testing.T, _ *feed, p *page) {
			p.until("live", func(m Model) bool { return m.news.Link == logstore.Live })
			j := p.m.job
			text := rayapi.MessagePending(false, false)
			j.Message = &text
			p.update(list(j))
		}},
		{"complete", rayapi.StatusSucceeded, func(t *testing.T, f *feed, p *page) {
			f.print(t, numbered(0, 5))
			f.finish(t, io.EOF)
			p.until("end", func(m Model) bool { return m.news.Link == logstore.Complete })
		}},
		{"unreachable", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.finish(t, &client.Error{Op: "follow the log of job raysubmit_Xe7cvjyGJC", Message: "the node that held the log is gone", Err: rayapi.ErrNotFound})
			p.until("end", func(m Model) bool { return m.news.Link == logstore.Broken })
		}},
		{"gap", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.print(t, "one\ntwo\nthr")
			f.give(t, client.Chunk{Data: "seven\n", Offset: 400, Gap: true})
			p.lines(4)
		}},
		{"deleted", rayapi.StatusRunning, func(t *testing.T, f *feed, p *page) {
			f.print(t, "one\n")
			p.lines(1)
			p.update(list())
			p.settle()
		}},
	}
	for _, s := range scenes {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s/%dx%d", s.name, size.W, size.H), func(t *testing.T) {
				t.Parallel()
				f := newFeed()
				p := open(t, f, job(s.status), size.W, size.H)
				s.play(t, f, p)
				p.settle()
				tuitest.Golden(t, p.m.View()+"\n")
			})
		}
	}
}

func TestFramesInColour(t *testing.T) {
	t.Parallel()
	profiles := map[string]*theme.Styles{
		"ansi":        tuitest.Styles(termenv.ANSI, theme.Unicode()),
		"ascii signs": tuitest.Styles(termenv.Ascii, theme.ASCII()),
	}
	for name, styles := range profiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed()
			env := tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open})
			env.Styles = styles
			env.Target = screen.Target{Name: "head", Address: "http://head:8265"}
			p := openIn(t, env, job(rayapi.StatusRunning), 80, 21)
			f.print(t, trainLog)
			p.lines(9)
			p.keys("/", "r", "a", "enter")
			tuitest.Golden(t, p.m.View()+"\n")
		})
	}
}

func TestHeightAndWidth(t *testing.T) {
	t.Parallel()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusRunning), 80, 21)
	check := func(state string) {
		t.Helper()
		for _, size := range []screen.Size{{W: 60, H: 12}, {W: 61, H: 13}, {W: 79, H: 21}, {W: 80, H: 21}, {W: 100, H: 30}, {W: 140, H: 37}, {W: 200, H: 57}, {W: 300, H: 97}, {W: 1, H: 1}, {W: 7, H: 3}} {
			m, ok := p.m.Resize(size).(Model)
			if !ok {
				t.Fatal("Resize returns another page")
			}
			p.m = m
			for _, when := range []string{"before", "after"} {
				lines := strings.Split(p.m.View(), "\n")
				if len(lines) != size.H {
					t.Errorf("%s, %s the new layout: %d lines at %dx%d", state, when, len(lines), size.W, size.H)
				}
				for i, l := range lines {
					if n := ansi.StringWidth(l); n > size.W {
						t.Errorf("%s, %s the new layout: line %d is %d cells at %dx%d: %q", state, when, i, n, size.W, size.H, l)
					}
				}
				p.settle()
			}
		}
	}
	check("opening")
	f.print(t, trainLog)
	p.lines(9)
	check("following")
	p.keys("w")
	check("wrapped")
	p.keys("w", "right", "right")
	check("panned")
	p.keys("/", "n")
	check("typing")
	p.keys("enter")
	check("found")
	f.give(t, client.Chunk{Data: "late\n", Offset: 9000, Gap: true})
	p.lines(10)
	check("gap")
	f.finish(t, fmt.Errorf("a very long reason %s", strings.Repeat("why ", 100)))
	p.until("retry", func(m Model) bool { return m.news.Link == logstore.Retry })
	check("retrying")
}

func TestStateInWords(t *testing.T) {
	t.Parallel()
	gone := &client.Error{Op: "follow", Code: 400, Message: "Can only get logs of submission type jobs"}
	tests := []struct {
		name     string
		status   rayapi.Status
		embedded bool
		lines    bool
		link     logstore.Link
		err      error
		conn     client.State
		want     string
	}{
		{"opening", rayapi.StatusRunning, true, false, logstore.Opening, nil, client.State{}, "opening"},
		{"pending", rayapi.StatusPending, true, false, logstore.Live, nil, client.State{}, "waiting for output, job PENDING"},
		{"no output", rayapi.StatusRunning, true, false, logstore.Live, nil, client.State{}, "waiting for output"},
		{"live", rayapi.StatusRunning, true, true, logstore.Live, nil, client.State{}, "live"},
		{"live on Ray", rayapi.StatusRunning, false, true, logstore.Live, nil, client.State{}, "live, server lags"},
		{"live on another dray", rayapi.StatusRunning, false, true, logstore.Live, nil, client.State{}, "wrap:off  live  "},
		{"ended", rayapi.StatusSucceeded, true, true, logstore.Live, nil, client.State{}, "job ended, reading the rest"},
		{"ended on Ray", rayapi.StatusSucceeded, false, true, logstore.Live, nil, client.State{}, "job ended, server lags"},
		{"client reconnects", rayapi.StatusRunning, true, true, logstore.Live, nil, client.State{Phase: client.Reconnecting, Retry: tuitest.Now().Add(4e9)}, "reconnecting in 4 s"},
		{"complete", rayapi.StatusFailed, true, true, logstore.Complete, io.EOF, client.State{}, "END  wrap:off  complete"},
		{"unconfirmed", rayapi.StatusFailed, true, true, logstore.Unconfirmed, client.ErrTailUnconfirmed, client.State{}, "tail unconfirmed"},
		{"disk full", rayapi.StatusRunning, false, true, logstore.Broken, logstore.ErrNoRoom, client.State{}, "no room for the rest"},
		{"broken", rayapi.StatusRunning, true, false, logstore.Broken, gone, client.State{}, "log not reachable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFeed()
			p := open(t, f, job(tt.status), 80, 21)
			p.env.Target.Embedded = tt.embedded
			p.m.realRay = !tt.embedded && tt.name != "live on another dray"
			p.m.news = logstore.News{Link: tt.link, Err: tt.err}
			p.m.conn = tt.conn
			if tt.lines {
				p.m.news.Size, p.m.win.end = 1, true
			}
			p.wantState(tt.want)
		})
	}
}
