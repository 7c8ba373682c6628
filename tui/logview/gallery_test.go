package logview

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// galleryLog has something of everything: levels, colours of all depths, a bar,
// JSON, wide characters, bytes that are not text.
const galleryLog = "14:02:11 INFO  job_manager  runtime env set up in 8.2s\n" +
	"14:02:58 INFO  train        epoch 0 step 10  \x1b[32mloss\x1b[0m 6.912  lr 1.0e-4\n" +
	"14:03:24 INFO  train        epoch 0 step 20  \x1b[38;5;208mloss\x1b[0m 6.874  lr 2.0e-4\n" +
	"14:03:50 \x1b[33mWARN\x1b[0m  data         shard 0417 slow: 3.8s (p50 0.4s)\n" +
	"14:04:16 INFO  train        epoch 0 step 30  \x1b[38;2;255;100;0mloss\x1b[0m 6.790  lr 3.0e-4\n" +
	"epoch 0:  63%|██████▎   | 399/625 [10:11<05:45,  1.53s/it]\n" +
	"epoch 0:  64%|██████▍   | 400/625 [10:12<05:44,  1.53s/it]\n" +
	"14:14:10 \x1b[1;31mERROR\x1b[0m nccl         rank 3 retrying all_reduce (1/5)\n" +
	"{\"asctime\":\"14:17:24\",\"levelname\":\"WARNING\",\"message\":\"autoscaler: 0 idle nodes\"}\n" +
	"日本語のログ行 e\u0301 \xff\x00\x00 \x1b]0;owned\x07\x1b[2J\ttab\n" +
	"14:15:02 INFO  train        epoch 0 step 420 loss 5.188  lr 1.0e-3\n"

func TestGallery(t *testing.T) {
	t.Parallel()
	styles := map[string]*theme.Styles{
		"true colour": tuitest.Styles(termenv.TrueColor, theme.Unicode()),
		"16":          tuitest.Styles(termenv.ANSI, theme.Unicode()),
		"none":        tuitest.Styles(termenv.Ascii, theme.Unicode()),
		"ascii":       tuitest.Styles(termenv.Ascii, theme.ASCII()),
	}
	// The windows are 60x15, 80x24, 100x30, 140x40 and 200x60; the root keeps
	// three lines of each.
	sizes := []screen.Size{{W: 60, H: 12}, {W: 80, H: 21}, {W: 100, H: 27}, {W: 140, H: 37}, {W: 200, H: 57}}
	for name, st := range styles {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s/%dx%d", name, size.W, size.H), func(t *testing.T) {
				t.Parallel()
				f := newFeed()
				env := tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open})
				env.Styles = st
				p := openIn(t, env, job(rayapi.StatusRunning), size.W, size.H)
				f.print(t, galleryLog)
				p.lines(11)
				p.keys("g", "m", "/", "loss", "enter", "n")
				p.update(list(p.m.job))
				p.settle()
				view := p.m.View()
				if i := strings.IndexFunc(ansi.Strip(view), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
					t.Errorf("a control character is drawn at %d", i)
				}
				tuitest.Golden(t, view+"\n")
			})
		}
	}
}
