package submit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/clean"
)

// resourcesMsg brings what the cluster has, and how much of it is taken.
type resourcesMsg struct {
	list []client.Resource
	err  error
}

// askResources asks the cluster what it has. That it does not tell is no news:
// nothing is said about it then.
func (m Model) askResources() tea.Cmd {
	env := m.env
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, lookTimeout)
		defer cancel()
		list, err := env.Jobs.Resources(ctx)
		return resourcesMsg{list, err}
	}
}

// want is an amount of one resource that the job asks for.
type want struct {
	field, name, shown string
	amount             float64
}

func wants(r rayapi.SubmitRequest) []want {
	list := []want{
		{fieldCPUs, "CPU", "CPUs", r.NumCPUs}, {fieldGPUs, "GPU", "GPUs", r.NumGPUs}, {fieldMemory, "memory", "memory", float64(r.Memory)},
	}
	for _, name := range slices.Sorted(maps.Keys(r.Resources)) {
		list = append(list, want{fieldResources, name, name, r.Resources[name]})
	}
	return list
}

// is reports that h is what is asked for. Ray tells the names of custom
// resources changed: "myGpu" for "my_GPU".
func (w want) is(h client.Resource) bool {
	if w.field != fieldResources {
		return h.Name == w.name
	}
	return strings.EqualFold(strings.ReplaceAll(h.Name, "_", ""), strings.ReplaceAll(w.name, "_", ""))
}

// text is an amount with its unit.
func (w want) text(v float64) string {
	if w.field == fieldMemory {
		return size(int64(v)) + " memory"
	}
	n := number(v)
	if n == "" {
		n = "0"
	}
	return n + " " + clean.Text(w.shown)
}

// queued warns of what the cluster has not free now, or not at all. Of what the
// cluster does not tell nothing is said.
func queued(r rayapi.SubmitRequest, has []client.Resource) []problem {
	var list []problem
	for _, w := range wants(r) {
		if w.amount > 0 && len(has) > 0 && !slices.ContainsFunc(has, w.is) {
			list = append(list, problem{w.field, fmt.Sprintf("the cluster has no %s now: the job stays PENDING until it gets some", clean.Text(w.shown))})
		}
		for _, h := range has {
			free := max(0, h.Total-h.Used)
			switch {
			case !w.is(h) || w.amount <= 0:
			case w.amount > h.Total:
				list = append(list, problem{w.field, fmt.Sprintf("the cluster has %s in all: the job stays PENDING until it gets more", w.text(h.Total))})
			case w.amount > free:
				list = append(list, problem{w.field, fmt.Sprintf("%s total, %s free: the job will queue", w.text(h.Total), freeText(w, free))})
			}
		}
	}
	return list
}

func freeText(w want, free float64) string {
	text, _, _ := strings.Cut(w.text(free), " "+clean.Text(w.shown))
	return text
}

// capacity says what the cluster has, "" when it does not tell.
func (m Model) capacity() string {
	var parts []string
	for _, w := range wants(rayapi.SubmitRequest{}) {
		for _, h := range m.resources {
			if w.is(h) {
				parts = append(parts, fmt.Sprintf("%s total, %s free", w.text(h.Total), freeText(w, max(0, h.Total-h.Used))))
			}
		}
	}
	return strings.Join(parts, " "+m.st().Glyphs.Dot+" ")
}
