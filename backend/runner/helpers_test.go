//go:build linux

package runner

import (
	"testing"
	"time"

	"dray/backend/supervise/proctree"
)

// eventually waits for something that sends no event.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("it never happens: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// treeOf returns the living descendants of a process.
func treeOf(t testing.TB, pid int) []proctree.Stat {
	t.Helper()
	all, err := proctree.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return proctree.Alive(proctree.Descendants(all, func(s proctree.Stat) bool { return s.PPID == pid }))
}

// stillAlive returns those of the processes that have not ended.
func stillAlive(seen []proctree.Stat) []proctree.Stat {
	var alive []proctree.Stat
	for _, s := range seen {
		if now, err := proctree.ReadStat(s.PID); err == nil && now.StartTicks == s.StartTicks && !now.Dead() {
			alive = append(alive, now)
		}
	}
	return alive
}
