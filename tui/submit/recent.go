package submit

import (
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/ledger"
	"dray/tui/clean"
	"dray/tui/submit/renv"
)

// maxRecent is how many runtime environments are at hand, shownRecent how many
// stand beside the fields.
const (
	maxRecent   = 50
	shownRecent = 6
)

// recent is a runtime environment of jobs that were submitted before.
type recent struct {
	value renv.Value // without the working dir, which is another job's
	text  string     // what is in it
	jobs  int
	last  time.Time
}

// used says how often and when it was used.
func (r recent) used() string {
	return count(r.jobs, "job", "jobs") + " " + r.last.Local().Format(time.DateOnly+" 15:04")
}

func recentOf(list []ledger.RuntimeEnv) []recent {
	var out []recent
	at := map[string]int{}
	for _, r := range list {
		v, err := renv.ParseJSON(r.JSON)
		if err != nil {
			continue
		}
		var kept renv.Value
		for _, k := range v {
			if k.Name != "working_dir" {
				kept = append(kept, k)
			}
		}
		if len(kept) == 0 {
			continue
		}
		key := string(kept.JSON())
		if i, has := at[key]; has {
			out[i].jobs += r.Jobs
			continue
		}
		at[key] = len(out)
		out = append(out, recent{kept, contentOf(kept), r.Jobs, r.Last})
	}
	return out
}

// contentOf names what is in a runtime environment: packages and variables, of
// secret ones the name alone.
func contentOf(v renv.Value) string {
	var parts []string
	for _, k := range v {
		switch k.Name {
		case fieldEnv:
			vars, ok := texts(k)
			if !ok {
				parts = append(parts, k.Name)
				continue
			}
			text := "env"
			for _, v := range vars {
				if line := v.key + "=" + v.value; secret(line) < 0 && !hiddenValue(v.value) {
					text += " " + line
					continue
				}
				text += " " + v.key
			}
			parts = append(parts, text)
		case fieldPip, fieldUv:
			lines, ok := newBase().packagesText(k.Raw)
			if !ok || hasCredentials(lines) {
				parts = append(parts, k.Name)
				continue
			}
			parts = append(parts, k.Name+" "+strings.ReplaceAll(lines, "\n", " "))
		default:
			parts = append(parts, k.Name)
		}
	}
	return clean.Text(strings.Join(parts, "; "))
}

// chooseRecent lists the runtime environments that were used before.
func (m Model) chooseRecent() Model {
	items := make([]item, len(m.recent))
	for i, r := range m.recent {
		items[i] = item{text: r.text, detail: r.used(), value: strconv.Itoa(i)}
	}
	c := newChooser("Recent runtime environments of this server", "nothing matches", items)
	if len(items) == 0 {
		c.hint = "no job with a runtime environment was submitted to this server from here yet"
	}
	list := m.recent
	c.pick = func(m Model, it item) (Model, tea.Cmd) {
		for i, r := range list {
			if it.value == strconv.Itoa(i) {
				return m.useRecent(r)
			}
		}
		return m, nil
	}
	return m.open(c)
}

// useRecent takes a runtime environment over. The working dir stays.
func (m Model) useRecent(r recent) (Model, tea.Cmd) {
	v := append(renv.Value{}, r.value...)
	if dir := m.typedEnv().Get("working_dir"); dir != nil {
		v = append(renv.Value{{Name: "working_dir", Raw: dir}}, v...)
	}
	m, look := m.setEnv(v)
	m.failure, m.filled = "", []string{"filled in from a recent runtime environment; the working dir stays"}
	m = m.writeText().masked()
	next, save := m.checked().autosave()
	return next, tea.Batch(look, save)
}

// recentLines list the newest ones beside the fields.
func (m Model) recentLines(w int) []string {
	if len(m.recent) == 0 {
		return nil
	}
	lines := []string{"", m.section("Recent environments ("+m.st().Glyphs.Ctrl+"r)", w, "")}
	for _, r := range m.recent[:min(len(m.recent), shownRecent)] {
		lines = append(lines, m.cut(r.text+"  "+m.st().Glyphs.Dot+" "+r.used(), w))
	}
	return lines
}
