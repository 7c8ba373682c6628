package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/muesli/termenv"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/tuitest"
)

// cluster is what the server of the tests has.
func cluster() []client.Resource {
	return []client.Resource{
		{Name: "CPU", Used: 11.4, Total: 16},
		{Name: "GPU", Used: 8, Total: 8},
		{Name: "memory", Used: 0.38 * (64 << 30), Total: 64 << 30},
		{Name: "object_store_memory", Used: 0, Total: 1 << 30},
	}
}

func TestGauges(t *testing.T) {
	t.Parallel()
	a := start(t, 140, 40, tuitest.Jobs20(), nil)
	if want := "CPU ▇▇▇▅▁ 71%  GPU ▇▇▇▇▇ 8/8  MEM ▇▇▁▁▁ 38%   ● live"; !a.shows(want) {
		t.Errorf("no %q in\n%s", want, strings.SplitN(a.m.View(), "\n", 2)[0])
	}
	a.m = a.m.resize(129, 40)
	if a.shows("CPU ▇") {
		t.Error("a narrow window has gauges")
	}
	styles := tuitest.Styles(termenv.Ascii, theme.ASCII())
	if b := startIn(t, styles, 140, 40, tuitest.Jobs20(), nil); !b.shows("CPU ###=. 71%  GPU ##### 8/8  MEM ##... 38%") {
		t.Errorf("in ASCII:\n%s", b.m.View())
	}
	one := start(t, 140, 40, tuitest.Jobs20(), nil)
	one.m.poll.gauges.known = []client.Resource{{Name: "CPU", Used: 0.5, Total: 4}, {Name: "GPU"}, {Name: "TPU", Used: 0.25, Total: 1}}
	if !one.shows("CPU ▅▁▁▁▁ 13%  TPU ▇▅▁▁▁ 0.3/1   ●") {
		t.Errorf("without GPUs:\n%s", one.m.View())
	}
}

// A server that does not tell has no gauges, and is left alone more and more.
func TestGauges_unknown(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(a *app){
		"nothing": func(a *app) { a.srv.resources = nil },
		"down":    func(a *app) { a.srv.set(nil, errRefused) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 140, 40, tuitest.Jobs20(), nil)
			env(a)
			a.wait(gaugePause)
			a.press("ctrl+r")
			if a.shows("CPU ▇") {
				t.Errorf("still there:\n%s", a.m.View())
			}
		})
	}
	p := poll{gauges: gauges{silent: 1}}
	first := p.gaugePause()
	p.gauges.silent = 20
	if last := p.gaugePause(); first != time.Minute || last < 10*time.Minute || last > time.Hour {
		t.Errorf("after one failure %s, after many %s", first, last)
	}
}

// The gauges are asked for together with lists, at most so often a minute, and
// not at all where nobody sees them.
func TestGauges_budget(t *testing.T) {
	t.Parallel()
	ended := []rayapi.Job{tuitest.Job("a", rayapi.StatusSucceeded, "true", time.Minute, time.Second)}
	for _, tt := range []struct {
		name  string
		width int
		jobs  []rayapi.Job
		away  bool
		most  int
		least int
	}{
		{"active", 140, tuitest.Jobs20(), false, budgetGauges, budgetGauges - 1},
		{"idle", 140, ended, false, 2, 1},
		{"away", 140, tuitest.Jobs20(), true, 0, 0},
		{"narrow", 100, tuitest.Jobs20(), false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, tt.width, 40, tt.jobs, nil)
			a.m.poll.away = tt.away
			a.srv.gauged = 0
			for range 60 {
				a.wait(time.Second)
			}
			if got := a.srv.gauged; got > tt.most || got < tt.least {
				t.Errorf("asked %d times a minute, want %d to %d", got, tt.least, tt.most)
			}
		})
	}
}

// What another server had said is no news of this one.
func TestGauges_ofAnotherServer(t *testing.T) {
	t.Parallel()
	a := start(t, 140, 40, tuitest.Jobs20(), nil)
	a.send(pageMsg{0, gaugedMsg{env: tuitest.Env(t, nil), err: errors.New("gone")}})
	if !a.shows("CPU ▇") {
		t.Error("an answer of another server was taken")
	}
}
