package action

import (
	"slices"

	"dray/backend/rayapi"
	"dray/tui/screen"
)

// Offered returns bindings with those switched off that are of no use for job,
// so that hint line and help tell the truth. Without a job (known is false)
// all that need one are off. The ids are those that all pages share.
func Offered(bindings []screen.Binding, job rayapi.Job, known bool) []screen.Binding {
	out := slices.Clone(bindings)
	for i := range out {
		if !useful(out[i].ID, job, known) {
			out[i].SetEnabled(false)
		}
	}
	return out
}

func useful(id string, job rayapi.Job, known bool) bool {
	driver := job.Type == rayapi.TypeDriver
	switch id {
	case "job.stop":
		return known && !driver && !job.Status.IsTerminal()
	case "job.delete":
		return known && !driver && job.Status.IsTerminal()
	case "job.rerun", "job.edit":
		return known && !driver && !job.IsGhost()
	case "job.log":
		return known && !driver
	case "job.open", "job.raw", "job.copy-id":
		return job.ID() != ""
	}
	return true
}
