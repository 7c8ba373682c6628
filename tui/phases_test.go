package tui

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/tui/tuitest"
)

func TestBegun(t *testing.T) {
	t.Parallel()
	job := func(id string, s rayapi.Status) rayapi.Job { return tuitest.Job(id, s, "true", time.Minute, 0) }
	one, two := tuitest.Now(), tuitest.Now().Add(time.Second)
	first := []rayapi.Job{job("a", rayapi.StatusPending), job("b", rayapi.StatusPending), job("c", rayapi.StatusRunning)}
	second := []rayapi.Job{job("b", rayapi.StatusRunning), job("c", rayapi.StatusFailed), job("a", rayapi.StatusPending), job("d", rayapi.StatusRunning)}
	third := []rayapi.Job{job("a", rayapi.StatusStopped), job("b", rayapi.StatusRunning)}
	known := begun(nil, nil, first, one)
	if known != nil {
		t.Errorf("the first answer tells of no beginning: %v", known)
	}
	known = begun(known, first, second, one)
	later := begun(known, second, third, two)
	if diff := cmp.Diff(map[string]time.Time{"b": one, "a": two}, later); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]time.Time{"b": one}, known); diff != "" {
		t.Errorf("what pages hold was written to: %s", diff)
	}
}
