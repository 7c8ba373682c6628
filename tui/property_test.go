package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dray/backend/rayapi"
	"dray/tui/tuitest"
)

// Whatever the list does between the key and the answer, what is written is
// about the job that the question named.
func TestQuestion_hitsTheJobItNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := start(t, 80, 24, randomJobs(rt), nil)
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			a.srv.set(randomJobs(rt), nil)
			a.press(rapid.SampledFrom([]string{"j", "k", "G", "g", "ctrl+d", "o", "O", "ctrl+r", "jj", "esc"}).Draw(rt, "key"))
			before := len(a.srv.written())
			key := rapid.SampledFrom([]string{"x", "r", "D"}).Draw(rt, "write")
			a.press(key)
			if a.m.question == nil {
				continue
			}
			named, _ := strings.CutPrefix(a.m.question.msg.Lines[0], "job     ")
			a.srv.set(randomJobs(rt), nil)
			a.wait(2 * time.Second)
			a.press("y", "enter")
			verb := map[string]string{"x": "stop", "r": "submit", "D": "delete"}[key]
			if got, want := a.srv.written()[before:], []string{verb + " " + named}; !slices.Equal(got, want) {
				rt.Fatalf("%s wrote %q, the question named %q", key, got, want)
			}
		}
	})
}

func randomJobs(rt *rapid.T) []rayapi.Job {
	var jobs []rayapi.Job
	for i := range 30 {
		if rapid.IntRange(0, 3).Draw(rt, "absent") == 0 {
			continue
		}
		status := rapid.SampledFrom([]rayapi.Status{rayapi.StatusPending, rayapi.StatusRunning, rayapi.StatusFailed, rayapi.StatusSucceeded}).Draw(rt, "status")
		jobs = append(jobs, tuitest.Job(fmt.Sprintf("job-%02d", i), status, "true", time.Duration(i)*time.Minute+time.Minute, time.Second))
	}
	return rapid.Permutation(jobs).Draw(rt, "order")
}

// Going back, closing and quitting change nothing, in whatever order.
func TestKeys_leavingNeverWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := start(t, 80, 24, tuitest.Jobs20(), nil)
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{
			"esc", "q", "n", "x", "r", "D", "d", "l", "e", "/", "?", "tab", "enter", "j", "G", "ctrl+r",
		}), 1, 40).Draw(rt, "keys")
		for _, k := range keys {
			// Enter on a selected Yes is the one way in this walk to agree.
			if k == "enter" && a.m.question != nil && a.m.question.yes {
				continue
			}
			a.press(k)
		}
		a.press("esc", "q", "ctrl+c")
		if got := a.srv.written(); len(got) > 0 {
			rt.Fatalf("%v wrote %q", keys, got)
		}
	})
}

// The cursor stays on its job through any change of the list, as long as the
// job is there.
func TestCursor_staysOnItsJob(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := start(t, 80, 24, randomJobs(rt), nil)
		cursor := func() string {
			for line := range strings.SplitSeq(a.m.View(), "\n") {
				if strings.HasPrefix(line, "▌") {
					return strings.Fields(line)[3]
				}
			}
			return ""
		}
		for range 6 {
			a.press(rapid.SampledFrom([]string{"j", "k", "G", "g", "o", "O", "ctrl+f", "ctrl+b"}).Draw(rt, "key"))
			id := cursor()
			jobs := randomJobs(rt)
			a.srv.set(jobs, nil)
			a.press("ctrl+r")
			there := slices.ContainsFunc(jobs, func(j rayapi.Job) bool { return j.ID() == id })
			if got := cursor(); there && got != id {
				rt.Fatalf("the cursor went from %q to %q", id, got)
			}
		}
	})
}
