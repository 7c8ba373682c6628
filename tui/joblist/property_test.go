package joblist_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"pgregory.net/rapid"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// seenRow is a row of the table as a user reads it.
type seenRow struct {
	id             string
	cursor, marked bool
}

func read(s screen.Screen) []seenRow {
	var rows []seenRow
	id := regexp.MustCompile(`job-\d\d`)
	for _, line := range strings.Split(s.View(), "\n")[2:] {
		runes := []rune(line)
		if found := id.FindString(line); found != "" && len(runes) > 2 {
			rows = append(rows, seenRow{found, runes[0] == '▌', runes[1] == '+'})
		}
	}
	return rows
}

func underCursor(rows []seenRow) string {
	for _, r := range rows {
		if r.cursor {
			return r.id
		}
	}
	return ""
}

func someJobs(rt *rapid.T) []rayapi.Job {
	var jobs []rayapi.Job
	for i := range 20 {
		if rapid.IntRange(0, 3).Draw(rt, "absent") == 0 {
			continue
		}
		status := rapid.SampledFrom([]rayapi.Status{rayapi.StatusPending, rayapi.StatusRunning, rayapi.StatusFailed, rayapi.StatusSucceeded}).Draw(rt, "status")
		jobs = append(jobs, tuitest.Job(fmt.Sprintf("job-%02d", i), status, "python train.py", time.Duration(i%5)*time.Minute, time.Second))
	}
	return rapid.Permutation(jobs).Draw(rt, "order")
}

// Whatever becomes of the list by answers, outages, orders and filters: an
// action is about the job under the cursor that can be seen, the cursor stays
// on its job, and marks stay on theirs.
func TestList_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var bulk []string
		e := env(t)
		e.Pages.StopAll = func(jobs []rayapi.Job) tea.Cmd {
			bulk = []string{}
			for _, j := range jobs {
				bulk = append(bulk, j.ID())
			}
			return func() tea.Msg { return screen.AskMsg{Title: "all"} }
		}
		list := told(someJobs(rt))
		s := page(e, 80, 40, list)
		marked := map[string]bool{}
		there := func(id string) bool {
			return slices.ContainsFunc(list.Jobs, func(j rayapi.Job) bool { return j.ID() == id })
		}
		key := func(k string) { s, _ = press(t, s, k) }
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			before := read(s)
			id := underCursor(before)
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0, 1, 2: // a new answer, an outage, or its end
				list.Answer++
				list.Link = rapid.SampledFrom([]screen.Link{screen.Live, screen.Live, screen.Offline}).Draw(rt, "link")
				if list.Link == screen.Live {
					list.Jobs = someJobs(rt)
				}
				s, _ = s.Update(list)
				if got := underCursor(read(s)); shows(read(s), id) && got != id {
					rt.Fatalf("an answer moved the cursor from %q to %q", id, got)
				}
			case 3:
				key(rapid.SampledFrom([]string{"o", "O"}).Draw(rt, "order"))
				if got := underCursor(read(s)); id != got {
					rt.Fatalf("a new order moved the cursor from %q to %q", id, got)
				}
			case 4:
				for _, k := range []string{"/", "ctrl+u", rapid.SampledFrom([]string{"status:live", "job-1", "status:failed", "5"}).Draw(rt, "filter"), "enter"} {
					key(k)
				}
			case 5:
				key(rapid.SampledFrom([]string{"&", "1", "2", "3", "[", "]", "w", "left", "right", "p"}).Draw(rt, "look"))
			case 6:
				key("*")
				on := slices.ContainsFunc(before, func(r seenRow) bool { return !r.marked })
				for _, r := range before {
					marked[r.id] = on
				}
			case 7:
				key(" ")
				if id != "" {
					marked[id] = !marked[id]
				}
			case 8:
				key("v")
				key(rapid.SampledFrom([]string{"j", "G", "g", "k"}).Draw(rt, "far"))
				now := underCursor(read(s))
				key("v")
				from, to := place(before, id), place(before, now)
				for i := min(from, to); i <= max(from, to) && i >= 0; i++ {
					marked[before[i].id] = true
				}
			default:
				key(rapid.SampledFrom([]string{"j", "k", "g", "G", "ctrl+d", "ctrl+f"}).Draw(rt, "move"))
			}
			rows := read(s)
			for _, r := range rows {
				if r.marked != marked[r.id] {
					rt.Fatalf("%s is marked: %t, want %t\n%s", r.id, r.marked, marked[r.id], s.View())
				}
			}
			check(t, rt, s, underCursor(rows), &bulk, marked, there)
		}
	})
}

func shows(rows []seenRow, id string) bool { return place(rows, id) >= 0 }

func place(rows []seenRow, id string) int {
	return slices.IndexFunc(rows, func(r seenRow) bool { return r.id == id })
}

// check acts, and looks at whom the action is about.
func check(t *testing.T, rt *rapid.T, s screen.Screen, id string, bulk *[]string, marked map[string]bool, there func(string) bool) {
	t.Helper()
	var want []string
	for m, on := range marked {
		if on && there(m) {
			want = append(want, m)
		}
	}
	slices.Sort(want)
	*bulk = nil
	_, said := press(t, s, "x")
	got := slices.Sorted(slices.Values(*bulk))
	switch {
	case len(want) > 0:
		if !slices.Equal(got, want) {
			rt.Fatalf("x asked about %q, marked are %q", got, want)
		}
	case id != "":
		if said != "stop "+id {
			rt.Fatalf("x asked %q, the cursor is on %q", said, id)
		}
		if _, said = press(t, s, "D"); said != "delete "+id {
			rt.Fatalf("D asked %q, the cursor is on %q", said, id)
		}
	}
	if _, said = press(t, s, "c"); id != "" && said != "copy "+id {
		rt.Fatalf("c said %q, the cursor is on %q", said, id)
	}
}
