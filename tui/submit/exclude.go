package submit

import (
	"cmp"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
)

// maxHeavy is how much of an upload is listed to be left out.
const maxHeavy = 200

// heavy is a part of an upload: a folder, or a file.
type heavy struct {
	path   string
	detail string
	bytes  int64
}

// chooseExclude lists what weighs most in the upload: enter leaves it out.
func (m Model) chooseExclude() Model {
	var list []heavy
	if m.dir.upload {
		for _, f := range m.dir.flight.Biggest {
			list = append(list, heavy{f.Path, size(f.Bytes), f.Bytes})
		}
		if m.dir.flight.Tree != nil {
			list = append(list, heavyFolders("", m.dir.flight.Tree, 2)...)
		}
	}
	slices.SortStableFunc(list, func(a, b heavy) int { return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.path, b.path)) })
	items := make([]item, 0, min(len(list), maxHeavy))
	for _, h := range list[:min(len(list), maxHeavy)] {
		items = append(items, item{text: h.path, detail: h.detail, value: excludeOf(h.path)})
	}
	c := newChooser("Leave out of the upload, biggest first", "a pattern as in .gitignore", items)
	if len(items) == 0 {
		c.hint = "nothing is uploaded yet: name a folder as the working dir, or type a pattern"
	}
	add := func(m Model, pattern string) (Model, tea.Cmd) {
		m = m.addLines(fieldExcludes, []string{pattern}).touch(fieldExcludes)
		m, cmd := m.look()
		next, save := m.checked().autosave()
		return next, tea.Batch(cmd, save)
	}
	c.pick = func(m Model, it item) (Model, tea.Cmd) { return add(m, it.value) }
	c.free = add
	return m.open(c)
}

func heavyFolders(above string, f *client.Folder, depth int) []heavy {
	var list []heavy
	for _, sub := range f.Folders {
		path := above + sub.Name + "/"
		list = append(list, heavy{path, size(sub.Bytes) + " in " + count(sub.Files, "file", "files"), sub.Bytes})
		if depth > 1 {
			list = append(list, heavyFolders(path, sub, depth-1)...)
		}
	}
	return list
}

// excludeOf is the pattern that leaves out path, and nothing else.
func excludeOf(path string) string {
	p := "/" + strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(strings.TrimSuffix(path, "/"))
	if head, blank := strings.CutSuffix(p, " "); blank {
		p = head + "[ ]" // a field does not keep a blank at the end of a line
	}
	return p
}
