package jobview

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/bubbles/key"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
)

// The ids of the page's actions.
const (
	actDown     = "view.down"
	actUp       = "view.up"
	actHalfDn   = "view.half-down"
	actHalfUp   = "view.half-up"
	actPageDn   = "view.page-down"
	actPageUp   = "view.page-up"
	actFirst    = "view.first"
	actLast     = "view.last"
	actBack     = "view.back"
	actNextTab  = "view.next-tab"
	actPrevTab  = "view.previous-tab"
	actTab      = "view.tab-" // and its number
	actFind     = "view.find"
	actNext     = "view.find-next"
	actPrev     = "view.find-previous"
	actFindKeep = "find.keep"
	actFindEnd  = "find.cancel"
	actRaw      = "view.raw"
	actReveal   = "view.reveal"
	actLog      = "job.log"
	actLogError = "job.log-error"
	actStop     = "job.stop"
	actRerun    = "job.rerun"
	actEdit     = "job.edit"
	actDelete   = "job.delete"
	actCopy     = "job.copy-id"
	actCopyAll  = "job.copy-record"
	actWatch    = "job.watch"
)

// tabOf is the tab that an action opens.
func tabOf(id string) (tab, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(id, actTab))
	if !strings.HasPrefix(id, actTab) || err != nil {
		return 0, false
	}
	return tab(n - 1), true
}

func bind(id, group string, rank int, show, desc string, keys ...string) screen.Binding {
	return screen.Binding{
		Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
		ID:      id, Group: group, Rank: rank,
	}
}

// registry are the keys of the page. The hint line offers a stop for a job
// that is active, and a delete for one that has ended.
func (m Model) registry() []screen.Binding {
	g := m.env.Styles.Glyphs
	if m.find.typing {
		return findKeys(g)
	}
	stop, del := 0, 8
	if !m.job.Status.IsTerminal() {
		stop, del = 2, 0
	}
	raw := "raw record"
	if m.tab == tabRaw {
		raw = "JSON or YAML"
	}
	failed, watch, reveal := "open the log", "watch", "reveal secrets"
	if m.job.Status == rayapi.StatusFailed {
		failed = "log at the error"
	}
	if m.tab == tabHistory {
		failed = "open the run"
	}
	if m.list.Watched[m.job.ID()] {
		watch = "watch no more"
	}
	if !m.revealed.IsZero() {
		reveal = "mask secrets"
	}
	bindings := []screen.Binding{
		bind(actDown, "MOVE", 0, "j "+g.KeyDown, "down", "j", "down"),
		bind(actUp, "MOVE", 0, "k "+g.KeyUp, "up", "k", "up"),
		bind(actHalfDn, "MOVE", 0, g.Ctrl+"d", "half page down", "ctrl+d"),
		bind(actHalfUp, "MOVE", 0, g.Ctrl+"u", "half page up", "ctrl+u"),
		bind(actPageDn, "MOVE", 0, g.Ctrl+"f pgdn", "page down", "ctrl+f", "pgdown", " "),
		bind(actPageUp, "MOVE", 0, g.Ctrl+"b pgup", "page up", "ctrl+b", "pgup"),
		bind(actFirst, "MOVE", 0, "g home", "start", "g", "home"),
		bind(actLast, "MOVE", 0, "G end", "end", "G", "end"),
		bind(actLogError, "JOB", m.errorRank(), g.Enter, failed, "enter").Leading(),
		bind(actLog, "JOB", 1, "l", "logs", "l").Leading(),
		bind(actStop, "JOB", stop, "x", "stop", "x").Leading(),
		bind(actRerun, "JOB", 3, "r", "rerun", "r").Leading(),
		bind(actEdit, "JOB", 4, "e", "edit+rerun", "e").Leading(),
		bind(actDelete, "JOB", del, "D", "delete", "D").Leading(),
		bind(actCopy, "JOB", 9, "c", "copy id", "c"),
		bind(actCopyAll, "JOB", 0, "C", "copy record", "C"),
		bind(actWatch, "JOB", 0, "W", watch, "W"),
		bind(actNextTab, "VIEW", 10, "tab", "next part", "tab"),
		bind(actPrevTab, "VIEW", 0, "shift+tab", "part before", "shift+tab"),
		bind(actFind, "VIEW", 7, "/", "find", "/"),
		bind(actNext, "VIEW", 0, "n", "hit after", "n"),
		bind(actPrev, "VIEW", 0, "N", "hit before", "N"),
		bind(actRaw, "VIEW", 6, "y", raw, "y"),
		bind(actReveal, "VIEW", 0, "F4 R", reveal, "f4", "R"),
		bind(actBack, "VIEW", 5, "esc", "back", "esc").Leading(),
	}
	for t := range tabs {
		n := strconv.Itoa(int(t) + 1)
		bindings = append(bindings, bind(actTab+n, "VIEW", 0, n, "part: "+strings.ToLower(t.name()), n))
	}
	return bindings
}

// findKeys are the keys while a text to find is typed; the rest is text.
func findKeys(g theme.Glyphs) []screen.Binding {
	return []screen.Binding{
		bind(actFindKeep, "VIEW", 1, g.Enter, "keep, then n N", "enter"),
		bind(actFindEnd, "VIEW", 2, "esc", "cancel", "esc"),
	}
}

// errorRank puts the way to the error first where there is one, and in the
// history that to the run.
func (m Model) errorRank() int {
	if m.job.Status == rayapi.StatusFailed || m.tab == tabHistory {
		return 1
	}
	return 0
}
