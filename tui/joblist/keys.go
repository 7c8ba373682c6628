package joblist

import (
	"github.com/charmbracelet/bubbles/key"

	"dray/theme"
	"dray/tui/screen"
)

// The ids of the list's actions.
const (
	actDown    = "list.down"
	actUp      = "list.up"
	actHalfDn  = "list.half-down"
	actHalfUp  = "list.half-up"
	actPageDn  = "list.page-down"
	actPageUp  = "list.page-up"
	actFirst   = "list.first"
	actLast    = "list.last"
	actOpen    = "job.open"
	actLog     = "job.log"
	actRaw     = "job.raw"
	actStop    = "job.stop"
	actRerun   = "job.rerun"
	actEdit    = "job.edit"
	actNew     = "job.new"
	actDelete  = "job.delete"
	actCopy    = "job.copy-id"
	actFilter  = "list.filter"
	actSort    = "list.sort"
	actReverse = "list.reverse"
	actPreview = "list.preview"
	actClear   = "list.clear"
	actKeep    = "filter.keep"
	actCancel  = "filter.cancel"
)

func bind(id, group string, rank int, show, desc string, keys ...string) screen.Binding {
	return screen.Binding{
		Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
		ID:      id, Group: group, Rank: rank,
	}
}

// listKeys are the keys of the list. While the server is down, enter belongs
// to the retry, and what changes jobs is not offered in the hint line.
func listKeys(g theme.Glyphs, down bool) []screen.Binding {
	write := func(rank int) int {
		if down {
			return 0
		}
		return rank
	}
	open := bind(actOpen, "JOB", 1, g.Enter+" d", "open", "enter", "d").Leading()
	if down {
		open = bind(actOpen, "JOB", 3, "d", "open", "d").Leading()
	}
	return []screen.Binding{
		bind(actDown, "MOVE", 0, "j "+g.Down, "down", "j", "down"),
		bind(actUp, "MOVE", 0, "k "+g.Up, "up", "k", "up"),
		bind(actHalfDn, "MOVE", 0, g.Ctrl+"d", "half page down", "ctrl+d"),
		bind(actHalfUp, "MOVE", 0, g.Ctrl+"u", "half page up", "ctrl+u"),
		bind(actPageDn, "MOVE", 0, g.Ctrl+"f pgdn", "page down", "ctrl+f", "pgdown"),
		bind(actPageUp, "MOVE", 0, g.Ctrl+"b pgup", "page up", "ctrl+b", "pgup"),
		bind(actFirst, "MOVE", 0, "g home", "first", "g", "home"),
		bind(actLast, "MOVE", 0, "G end", "last", "G", "end"),
		open,
		bind(actLog, "JOB", 2, "l", "logs", "l").Leading(),
		bind(actStop, "JOB", write(3), "x", "stop", "x").Leading(),
		bind(actRerun, "JOB", write(4), "r", "rerun", "r").Leading(),
		bind(actEdit, "JOB", write(5), "e", "edit+rerun", "e").Leading(),
		bind(actNew, "JOB", write(6), "n", "new", "n").Leading(),
		bind(actDelete, "JOB", write(8), "D", "delete", "D").Leading(),
		bind(actCopy, "JOB", 9, "c", "copy id", "c"),
		bind(actRaw, "JOB", 0, "y", "raw record", "y").Leading(),
		bind(actFilter, "VIEW", 7, "/", "filter", "/"),
		bind(actSort, "VIEW", 10, "o", "sort by", "o"),
		bind(actReverse, "VIEW", 0, "O", "reverse order", "O"),
		bind(actPreview, "VIEW", 0, "p", "preview on/off", "p"),
		bind(actClear, "VIEW", 0, "esc", "clear filter", "esc"),
	}
}

// filterKeys are the keys while a filter is typed; the rest is text.
func filterKeys(g theme.Glyphs) []screen.Binding {
	return []screen.Binding{
		bind(actKeep, "VIEW", 1, g.Enter, "keep filter", "enter"),
		bind(actCancel, "VIEW", 2, "esc", "cancel", "esc"),
		bind(actDown, "MOVE", 3, g.Down, "down", "down", "ctrl+n"),
		bind(actUp, "MOVE", 4, g.Up, "up", "up", "ctrl+p"),
	}
}
