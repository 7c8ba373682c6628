package jobview_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/jobview"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// scene is something that the page can show.
type scene struct {
	name string
	job  rayapi.Job
	keys []string
	// telling scenes hold every style of the page.
	telling bool
}

func scenes() []scene {
	running := tuitest.Job("a", rayapi.StatusRunning, "sleep 9", time.Minute, 0)
	stopping := running
	stopping.SubmissionID = ptr("stopping")
	waiting := tuitest.Job("waits", rayapi.StatusPending, "python train.py --gpu", 4*time.Minute, 0)
	return []scene{
		{"failed", failed(), nil, true},
		{"waiting", waiting, nil, true},
		{"stopping", stopping, nil, true},
		{"running", running, nil, false},
		{"driver", tuitest.Driver("02000000", rayapi.StatusRunning, time.Hour, 0), nil, false},
		{"log", failed(), []string{"2"}, false},
		{"env", failed(), []string{"3"}, false},
		{"raw json", failed(), []string{"4"}, false},
		{"raw yaml", failed(), []string{"y", "y"}, false},
		{"history", failed(), []string{"5"}, true},
		{"found", failed(), []string{"4", "/", "s", "w", "e", "e", "p", "enter", "n"}, true},
	}
}

// list is what the dashboard knows while a scene is drawn.
func list() screen.ListMsg {
	l := told(1)
	again := failed()
	again.SubmissionID = ptr("sweep-lr-0.03-r1")
	again.Status, again.DriverExitCode = rayapi.StatusSucceeded, ptr(0)
	l.Jobs = append(slices.Clone(tuitest.Jobs20()), again)
	l.Stopping = map[string]time.Time{"stopping": tuitest.Now().Add(-12 * time.Second)}
	l.Begun = map[string]time.Time{"a": tuitest.Now().Add(-51 * time.Second)}
	l.RealRay = true
	return l
}

func (sc scene) drawn(t *testing.T, styles *theme.Styles, size [2]int) string {
	t.Helper()
	e := env(t, func() (rayapi.Job, error) { return sc.job, nil })
	e.Styles = styles
	e.Pages.Tail = func(rayapi.Job) screen.Screen { return still{} }
	jobs, _ := e.Jobs.(*tuitest.Jobs)
	jobs.ResourcesFn = func(context.Context) ([]client.Resource, error) {
		return []client.Resource{{Name: "CPU", Used: 3, Total: 16}, {Name: "GPU", Used: 8, Total: 8}}, nil
	}
	m := jobview.New(e, sc.job)
	s := feed(t, m.Resize(screen.Size{W: size[0], H: size[1] - 3}), m.Init()(), list())
	return keys(s, sc.keys...).View()
}

// Every part at every size without colours, and those that show the most in
// every look.
func TestView_golden(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{60, 15}, {80, 24}, {100, 30}, {140, 40}, {200, 60}} {
		for _, sc := range scenes() {
			t.Run(fmt.Sprintf("%s/%dx%d", sc.name, size[0], size[1]), func(t *testing.T) {
				t.Parallel()
				draw := func(styles *theme.Styles) string { return sc.drawn(t, styles, size) }
				if sc.telling {
					tuitest.GoldenLooks(t, draw)
				} else {
					tuitest.Golden(t, draw(tuitest.Looks()[0].Styles))
				}
			})
		}
	}
}
