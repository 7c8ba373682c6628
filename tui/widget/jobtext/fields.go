package jobtext

import (
	"strings"
	"time"

	"dray/backend/rayapi"
	"dray/tui/clean"
)

// Field is one labelled line of a job's description.
type Field struct{ Label, Text string }

// maxEntrypoint and maxMessage bound how much of a text is laid out, in bytes;
// the raw record has all of it.
const (
	maxEntrypoint = 16 << 10
	maxMessage    = 24 << 10
)

// Fields describes job in full, without the texts that need lines of their
// own: message, metadata and runtime environment.
func Fields(job *rayapi.Job, now time.Time) []Field {
	fields := []Field{{"entrypoint", Entrypoint(job, maxEntrypoint)}}
	add := func(label, text string) {
		if text != "" {
			fields = append(fields, Field{label, text})
		}
	}
	if job.SubmissionID != nil {
		add("submission id", clean.Text(*job.SubmissionID))
	}
	if job.JobID != nil {
		add("ray job id", clean.Text(*job.JobID))
	}
	add("type", typeText(job))
	fields = append(fields, Times(job, now)...)
	add("exit", Exit(job))
	add("error type", clean.Text(job.ErrorTypeText()))
	add("node", nodeText(job))
	return fields
}

// Brief describes job in what fits beside a list.
func Brief(job *rayapi.Job, now time.Time) []Field {
	fields := []Field{{"entrypoint", Entrypoint(job, 1024)}}
	fields = append(fields, Times(job, now)...)
	add := func(label, text string) {
		if text != "" {
			fields = append(fields, Field{label, text})
		}
	}
	add("exit", Exit(job))
	add("error", ErrorShort(job))
	if job.Type == rayapi.TypeDriver {
		add("type", typeText(job))
	}
	add("node", nodeText(job))
	add("metadata", strings.Join(Metadata(job), "  "))
	return fields
}

// Times tells when the job was submitted, when it ended, and how long it took.
func Times(job *rayapi.Job, now time.Time) []Field {
	var fields []Field
	label := "submitted"
	if job.Type == rayapi.TypeDriver {
		label = "connected"
	}
	if t := job.Started(); !t.IsZero() {
		fields = append(fields, Field{label, Instant(t, now) + "  (" + Ago(now.Sub(t)) + ")"})
	}
	took, known := Took(job, now)
	switch end := job.Ended(); {
	case !known:
	case !end.IsZero():
		fields = append(fields, Field{"ended", Instant(end, now) + "  (after " + Duration(took) + ")"})
	case job.Status == rayapi.StatusPending:
		fields = append(fields, Field{"waiting for", Duration(took)})
	default:
		fields = append(fields, Field{"running for", Duration(took)})
	}
	return fields
}

func typeText(job *rayapi.Job) string {
	switch {
	case job.Type == rayapi.TypeDriver && job.Status.IsTerminal():
		return "DRIVER: started without a submit; Ray does not tell how it ended"
	case job.Type == rayapi.TypeDriver:
		return "DRIVER: started without a submit, so it cannot be stopped from here"
	default:
		return clean.Text(string(job.Type))
	}
}

func nodeText(job *rayapi.Job) string {
	var parts []string
	if d := job.DriverInfo; d != nil {
		if d.NodeIPAddress != "" {
			parts = append(parts, d.NodeIPAddress)
		}
		if d.PID != "" {
			parts = append(parts, "pid "+d.PID)
		}
	}
	if job.DriverNodeID != nil && *job.DriverNodeID != "" {
		id := head(*job.DriverNodeID, 12)
		if len(parts) > 0 {
			id = "node " + id
		}
		parts = append(parts, id)
	}
	return clean.Text(strings.Join(parts, "  "))
}

// Message returns the job's status message as safe lines. Of a very long one
// the end is left, which is where the reason is.
func Message(job *rayapi.Job) []string {
	text := job.MessageText()
	if cut := len(text) - maxMessage; cut > 0 {
		text = "[...] " + strings.ToValidUTF8(text[cut:], "")
	}
	return clean.Block(text)
}
