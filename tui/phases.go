package tui

import (
	"maps"
	"time"

	"dray/backend/rayapi"
)

// maxBegun bounds how many beginnings are remembered.
const maxBegun = 4096

// begun adds the jobs that waited in one answer and did no more in the next,
// which came at now. Ray tells when a job was submitted and when it ended, not
// when it began. The map is never written to, only replaced.
func begun(known map[string]time.Time, before, jobs []rayapi.Job, now time.Time) map[string]time.Time {
	waited := make(map[string]bool)
	for i := range before {
		if before[i].Status == rayapi.StatusPending {
			waited[before[i].ID()] = true
		}
	}
	if len(waited) == 0 {
		return known
	}
	var fresh []string
	for i := range jobs {
		if jobs[i].Status != rayapi.StatusPending && waited[jobs[i].ID()] {
			fresh = append(fresh, jobs[i].ID())
		}
	}
	if len(fresh) == 0 {
		return known
	}
	if len(known) > maxBegun {
		known = nil
	}
	known = maps.Clone(known)
	if known == nil {
		known = make(map[string]time.Time, len(fresh))
	}
	for _, id := range fresh {
		known[id] = now
	}
	return known
}
