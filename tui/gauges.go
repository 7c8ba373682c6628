package tui

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/tui/screen"
)

const (
	// gaugesAt is how many columns a window has in which the gauges have room.
	gaugesAt = 130
	// gaugePause lies between two questions about the cluster's resources, and
	// gaugeIdlePause while no job is active. They are put after a list has come,
	// so that they wake nobody.
	gaugePause     = 10 * time.Second
	gaugeIdlePause = time.Minute
	gaugeTimeout   = 10 * time.Second
	// gaugeCells is the length of a bar.
	gaugeCells = 5
)

// gauges are what the cluster has and how much of it is taken.
type gauges struct {
	known  []client.Resource // nil: not known
	busy   bool              // a question is under way
	at     time.Time         // when the last answer came
	took   time.Duration     // that it needed
	silent int               // questions in a row without a useful answer
}

// gaugedMsg is the answer to a question that was put for env.
type gaugedMsg struct {
	env   *screen.Env
	known []client.Resource
	took  time.Duration
	err   error
}

// askGauges asks for the cluster's resources if they are due and somebody sees
// them.
func (p poll) askGauges(width int) (poll, tea.Cmd) {
	if width < gaugesAt || p.asOf.IsZero() || p.link.Down() || p.paused || p.away || p.gauges.busy {
		return p, nil
	}
	env := p.env
	if at := p.gauges.at; !at.IsZero() && env.Now().Before(at.Add(p.gaugePause())) {
		return p, nil
	}
	p.gauges.busy = true
	return p, func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, gaugeTimeout)
		defer cancel()
		start := env.Now()
		known, err := env.Jobs.Resources(ctx)
		return gaugedMsg{env, known, env.Now().Sub(start), err}
	}
}

// gaugePause is the time from the last answer to the next question. A server
// that does not tell is asked ever more rarely.
func (p poll) gaugePause() time.Duration {
	switch {
	case p.gauges.silent > 0:
		return gaugeIdlePause << min(4, p.gauges.silent-1)
	case p.quiet > 0:
		return gaugeIdlePause
	}
	return max(gaugePause, min(slowMost, slowFactor*p.gauges.took))
}

// gauged takes the answer.
func (p poll) gauged(msg gaugedMsg) poll {
	if msg.env != p.env {
		return p
	}
	p.gauges = gauges{known: msg.known, at: p.env.Now(), took: msg.took, silent: p.gauges.silent}
	if msg.err != nil || len(msg.known) == 0 {
		p.gauges.known = nil
		p.gauges.silent++
		return p
	}
	p.gauges.silent = 0
	return p
}

// askGauges asks for them if the window shows them.
func (m model) askGauges() (model, tea.Cmd) {
	p, cmd := m.poll.askGauges(m.w)
	m.poll = p
	return m, m.run(0, cmd)
}

// gaugeLine draws a bar for each resource that jobs compete for.
func (m model) gaugeLine() string {
	if m.w < gaugesAt || m.poll.link.Down() {
		return ""
	}
	var parts []string
	for _, g := range []struct {
		name, label string
		counted     bool // few enough to be counted rather than measured
	}{{"CPU", "CPU", false}, {"GPU", "GPU", true}, {"TPU", "TPU", true}, {"memory", "MEM", false}} {
		i := slices.IndexFunc(m.poll.gauges.known, func(r client.Resource) bool { return r.Name == g.name })
		if i < 0 || m.poll.gauges.known[i].Total <= 0 {
			continue
		}
		parts = append(parts, m.gauge(g.label, m.poll.gauges.known[i], g.counted))
	}
	return strings.Join(parts, "  ")
}

func (m model) gauge(label string, r client.Resource, counted bool) string {
	s := m.env.Styles
	g := s.Glyphs
	share := min(1, max(0, r.Used/r.Total))
	var bar strings.Builder
	for i := range gaugeCells {
		switch fill := share*gaugeCells - float64(i); {
		case fill >= 0.75:
			bar.WriteString(g.GaugeFull)
		case fill >= 0.25:
			bar.WriteString(g.GaugePart)
		default:
			bar.WriteString(g.GaugeNone)
		}
	}
	amount := fmt.Sprintf("%2.0f%%", math.Round(share*100))
	if counted {
		amount = plainNumber(r.Used) + "/" + plainNumber(r.Total)
	}
	return s.Muted.Render(label) + " " + s.Running.Render(bar.String()) + " " + s.Muted.Render(amount)
}

// plainNumber has at most one digit after the point.
func plainNumber(f float64) string {
	return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64)
}
