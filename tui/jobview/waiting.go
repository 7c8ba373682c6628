package jobview

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/widget/jobtext"
)

// demand is what a request asks for.
func demand(r rayapi.SubmitRequest, dot string) string {
	var parts []string
	for _, a := range needs(r) {
		parts = append(parts, amount(a.name, a.n))
	}
	return strings.Join(parts, dot)
}

type need struct {
	name string
	n    float64
}

func needs(r rayapi.SubmitRequest) []need {
	var out []need
	add := func(name string, n float64) {
		if n > 0 {
			out = append(out, need{name, n})
		}
	}
	add("CPU", r.NumCPUs)
	add("GPU", r.NumGPUs)
	add("memory", float64(r.Memory))
	for _, name := range slices.Sorted(maps.Keys(r.Resources)) {
		add(name, r.Resources[name])
	}
	return out
}

func amount(name string, n float64) string {
	if name == "memory" || name == "object_store_memory" {
		return jobtext.Bytes(int64(n)) + " " + strings.ReplaceAll(name, "_", " ")
	}
	return strconv.FormatFloat(n, 'g', 6, 64) + " " + clean.Text(name)
}

// waiting says what a job that has not begun waits for: what it asked for
// against what there is.
func (m Model) waiting(w int) []string {
	if m.job.Status != rayapi.StatusPending {
		return nil
	}
	lines := []string{m.heading("Why it waits", w)}
	var asked []need
	if m.about.entry != nil {
		asked = needs(m.about.entry.Request)
	}
	for _, a := range asked {
		lines = append(lines, m.field("asks for", amount(a.name, a.n)+", "+m.free(a), w)...)
	}
	if len(asked) == 0 && len(m.supply.known) > 0 {
		var free []string
		for _, r := range m.supply.known {
			if r.Name != "object_store_memory" {
				free = append(free, fmt.Sprintf("%s of %s", plainAmount(r.Name, r.Total-r.Used), amount(r.Name, r.Total)))
			}
		}
		lines = append(lines, m.field("free now", strings.Join(free, m.dot()), w)...)
	}
	if left := m.startsWithin(); left != "" {
		lines = append(lines, m.field("time left", left, w)...)
	}
	if len(lines) == 1 {
		lines = append(lines, m.env.Styles.Muted.Render("the server says no more than the message below"))
	}
	return append(lines, "")
}

// free says how much there is of what is asked for.
func (m Model) free(a need) string {
	for _, r := range m.supply.known {
		if r.Name != a.name {
			continue
		}
		text := fmt.Sprintf("%s of %s free", plainAmount(r.Name, r.Total-r.Used), amount(r.Name, r.Total))
		if a.n > r.Total {
			text += ": the cluster never has that much"
		}
		return text
	}
	if len(m.supply.known) > 0 {
		return "of which the cluster has none"
	}
	return "the cluster does not say how much is free"
}

func plainAmount(name string, n float64) string {
	return strings.TrimSuffix(amount(name, math.Max(0, n)), " "+strings.ReplaceAll(clean.Text(name), "_", " "))
}

// startTimeout is how long Ray lets a job with resource demands wait before it
// fails (RAY_JOB_START_TIMEOUT_SECONDS of the head, which it does not tell).
const startTimeout = 900 * time.Second

func (m Model) startsWithin() string {
	if !m.list.RealRay || m.job.Started().IsZero() {
		return ""
	}
	left := startTimeout - m.list.Now.Sub(m.job.Started())
	if left <= 0 {
		return "the usual 15 minutes are over: the head has another limit"
	}
	return jobtext.Duration(left) + " until Ray gives up, unless the head has another limit than 15 minutes"
}

// slowStop is after how long a stop is unusual.
const slowStop = 10 * time.Second

// stopping shows a stop as the steps that it takes until the job is proven to
// be gone.
func (m Model) stopping(w int) []string {
	since, ok := m.list.Stopping[m.job.ID()]
	if !ok || m.job.Status.IsTerminal() {
		return nil
	}
	s := m.env.Styles
	took := m.list.Now.Sub(since)
	steps := flowed([]string{
		s.OK.Render(s.Glyphs.Succeeded + " asked " + jobtext.Duration(took) + " ago"),
		s.Running.Render(s.Glyphs.Running + " signalled"),
		s.Muted.Render(s.Glyphs.Pending + " killed after the grace"),
		s.Muted.Render(s.Glyphs.Pending + " gone"),
	}, " "+s.Muted.Render(s.Glyphs.Crumb)+" ", w)
	lines := append([]string{m.heading("Stopping", w)}, steps...)
	if took > slowStop {
		hint := "This takes long: a process waits for a disk or a device, the grace is long, or the head is slow. Until the server says STOPPED nothing is proven."
		lines = append(lines, inked(s.Warn, hint, w)...)
	}
	return append(lines, "")
}
