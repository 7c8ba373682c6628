package joblist

import (
	"fmt"

	"github.com/charmbracelet/bubbles/key"

	"dray/theme"
	"dray/tui/screen"
	"dray/tui/settings"
)

// The ids of the list's actions.
const (
	actDown   = "list.down"
	actUp     = "list.up"
	actHalfDn = "list.half-down"
	actHalfUp = "list.half-up"
	actPageDn = "list.page-down"
	actPageUp = "list.page-up"
	actFirst  = "list.first"
	actLast   = "list.last"
	actLeft   = "list.left"
	actRight  = "list.right"

	actOpen   = "job.open"
	actLog    = "job.log"
	actRaw    = "job.raw"
	actStop   = "job.stop"
	actRerun  = "job.rerun"
	actEdit   = "job.edit"
	actNew    = "job.new"
	actDelete = "job.delete"
	actCopy   = "job.copy-id"
	actMenu   = "job.copy-menu"
	actWatch  = "job.watch"

	actMark  = "list.mark"
	actRange = "list.range"
	actAll   = "list.mark-all"

	actFilter  = "list.filter"
	actInvert  = "list.invert"
	actSort    = "list.sort"
	actReverse = "list.reverse"
	actWide    = "list.wide"
	actPreview = "list.preview"
	actZoom    = "list.zoom"
	actPane    = "list.pane"
	actBack    = "list.look-back"
	actForward = "list.look-forward"
	actClear   = "list.clear"
	actView    = "list.view-" // and its number

	actKeep     = "filter.keep"
	actCancel   = "filter.cancel"
	actComplete = "filter.complete"
	actEarlier  = "filter.earlier"
	actLater    = "filter.later"

	actCopyID     = "copy.id"
	actCopyCmd    = "copy.entrypoint"
	actCopyLog    = "copy.log"
	actCopyJSON   = "copy.json"
	actCopyLine   = "copy.submit-line"
	actCopyCancel = "copy.cancel"
)

func bind(id, group string, rank int, show, desc string, keys ...string) screen.Binding {
	return screen.Binding{
		Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
		ID:      id, Group: group, Rank: rank,
	}
}

// listKeys are the keys of the list. While the server is down, enter belongs
// to the retry, and what changes jobs is not offered in the hint line.
func listKeys(g theme.Glyphs, views []settings.View, down bool) []screen.Binding {
	keys := append(moveKeys(g), jobKeys(g, down)...)
	keys = append(keys,
		bind(actMark, "MARK", 11, "space", "mark", " "),
		bind(actRange, "MARK", 0, "v", "mark a range", "v"),
		bind(actAll, "MARK", 0, "*", "mark all, none", "*"),
		bind(actFilter, "VIEW", 7, "/", "filter", "/"),
		bind(actInvert, "VIEW", 0, "&", "invert filter", "&"),
		bind(actSort, "VIEW", 10, "o", "sort by", "o"),
		bind(actReverse, "VIEW", 0, "O", "sort reversed", "O"),
		bind(actWide, "VIEW", 0, "w", "wide: all columns", "w"),
		bind(actPreview, "VIEW", 12, "p", "preview on/off", "p"),
		bind(actZoom, "VIEW", 0, "z", "zoom the preview", "z"),
		bind(actPane, "VIEW", 0, "tab", "next pane", "tab"),
		bind(actBack, "VIEW", 0, "[", "view before", "["),
		bind(actForward, "VIEW", 0, "]", "view after", "]"),
		bind(actClear, "VIEW", 0, "esc", "clear filter/marks", "esc"),
	)
	for i, v := range views[:min(len(views), maxViews)] {
		n := fmt.Sprint(i + 1)
		keys = append(keys, bind(actView+n, "VIEW", 0, n, "view: "+v.Name, n))
	}
	return keys
}

// maxViews is how many saved views have a key.
const maxViews = 5

func moveKeys(g theme.Glyphs) []screen.Binding {
	return []screen.Binding{
		bind(actDown, "MOVE", 0, "j "+g.KeyDown, "down", "j", "down"),
		bind(actUp, "MOVE", 0, "k "+g.KeyUp, "up", "k", "up"),
		bind(actHalfDn, "MOVE", 0, g.Ctrl+"d", "half page down", "ctrl+d"),
		bind(actHalfUp, "MOVE", 0, g.Ctrl+"u", "half page up", "ctrl+u"),
		bind(actPageDn, "MOVE", 0, g.Ctrl+"f pgdn", "page down", "ctrl+f", "pgdown"),
		bind(actPageUp, "MOVE", 0, g.Ctrl+"b pgup", "page up", "ctrl+b", "pgup"),
		bind(actFirst, "MOVE", 0, "g home", "first", "g", "home"),
		bind(actLast, "MOVE", 0, "G end", "last", "G", "end"),
		bind(actLeft, "MOVE", 0, g.KeyLeft, "columns back", "left"),
		bind(actRight, "MOVE", 0, g.KeyRight, "columns on", "right"),
	}
}

func jobKeys(g theme.Glyphs, down bool) []screen.Binding {
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
		open,
		bind(actLog, "JOB", 2, "l", "logs", "l").Leading(),
		bind(actStop, "JOB", write(3), "x", "stop", "x").Leading(),
		bind(actRerun, "JOB", write(4), "r", "rerun", "r").Leading(),
		bind(actEdit, "JOB", write(5), "e", "edit+rerun", "e").Leading(),
		bind(actNew, "JOB", write(6), "n", "new", "n").Leading(),
		bind(actDelete, "JOB", write(8), "D", "delete", "D").Leading(),
		bind(actCopy, "JOB", 9, "c", "copy id", "c"),
		bind(actMenu, "JOB", 0, "C", "copy menu", "C"),
		bind(actWatch, "JOB", 0, "W", "watch on/off", "W"),
		bind(actRaw, "JOB", 0, "y", "raw record", "y").Leading(),
	}
}

// filterKeys are the keys while a filter is typed; the rest is text.
func filterKeys(g theme.Glyphs) []screen.Binding {
	return []screen.Binding{
		bind(actKeep, "VIEW", 1, g.Enter, "keep filter", "enter"),
		bind(actCancel, "VIEW", 2, "esc", "cancel", "esc"),
		bind(actComplete, "VIEW", 3, "tab", "complete", "tab"),
		bind(actEarlier, "VIEW", 4, g.KeyUp, "earlier filter", "up"),
		bind(actLater, "VIEW", 5, g.KeyDown, "later filter", "down"),
		bind(actDown, "MOVE", 6, g.Ctrl+"n", "next job", "ctrl+n"),
		bind(actUp, "MOVE", 7, g.Ctrl+"p", "previous job", "ctrl+p"),
	}
}

// menuKeys are the keys of the copy menu.
func menuKeys(local bool) []screen.Binding {
	log := "log command"
	if local {
		log = "log file"
	}
	return []screen.Binding{
		bind(actCopyID, "JOB", 1, "i", "id", "i"),
		bind(actCopyCmd, "JOB", 2, "e", "entrypoint", "e"),
		bind(actCopyLog, "JOB", 3, "l", log, "l"),
		bind(actCopyJSON, "JOB", 4, "j", "JSON", "j"),
		bind(actCopyLine, "JOB", 5, "r", "ray job submit line", "r"),
		bind(actCopyCancel, "JOB", 6, "esc", "cancel", "esc", "q", "C"),
	}
}
