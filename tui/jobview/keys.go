package jobview

import (
	"github.com/charmbracelet/bubbles/key"

	"dray/theme"
	"dray/tui/screen"
)

// The ids of the page's actions.
const (
	actDown   = "view.down"
	actUp     = "view.up"
	actHalfDn = "view.half-down"
	actHalfUp = "view.half-up"
	actPageDn = "view.page-down"
	actPageUp = "view.page-up"
	actFirst  = "view.first"
	actLast   = "view.last"
	actBack   = "view.back"
	actRaw    = "view.raw"
	actLog    = "job.log"
	actStop   = "job.stop"
	actRerun  = "job.rerun"
	actEdit   = "job.edit"
	actDelete = "job.delete"
	actCopy   = "job.copy-id"
)

func bind(id, group string, rank int, show, desc string, keys ...string) screen.Binding {
	return screen.Binding{
		Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
		ID:      id, Group: group, Rank: rank,
	}
}

// viewKeys are the keys of the page. The hint line offers a stop for a job
// that is active, and a delete for one that has ended.
func viewKeys(g theme.Glyphs, raw, active bool) []screen.Binding {
	stop, del := 0, 6
	if active {
		stop, del = 2, 0
	}

	other := "raw record"
	if raw {
		other = "description"
	}
	return []screen.Binding{
		bind(actDown, "MOVE", 0, "j "+g.Down, "down", "j", "down"),
		bind(actUp, "MOVE", 0, "k "+g.Up, "up", "k", "up"),
		bind(actHalfDn, "MOVE", 0, g.Ctrl+"d", "half page down", "ctrl+d"),
		bind(actHalfUp, "MOVE", 0, g.Ctrl+"u", "half page up", "ctrl+u"),
		bind(actPageDn, "MOVE", 0, g.Ctrl+"f pgdn", "page down", "ctrl+f", "pgdown", " "),
		bind(actPageUp, "MOVE", 0, g.Ctrl+"b pgup", "page up", "ctrl+b", "pgup"),
		bind(actFirst, "MOVE", 0, "g home", "start", "g", "home"),
		bind(actLast, "MOVE", 0, "G end", "end", "G", "end"),
		bind(actLog, "JOB", 1, "l", "logs", "l").Leading(),
		bind(actStop, "JOB", stop, "x", "stop", "x").Leading(),
		bind(actRerun, "JOB", 3, "r", "rerun", "r").Leading(),
		bind(actEdit, "JOB", 4, "e", "edit+rerun", "e").Leading(),
		bind(actDelete, "JOB", del, "D", "delete", "D").Leading(),
		bind(actCopy, "JOB", 7, "c", "copy id", "c"),
		bind(actRaw, "VIEW", 5, "y", other, "y"),
		bind(actBack, "VIEW", 8, "esc", "back", "esc").Leading(),
	}
}
