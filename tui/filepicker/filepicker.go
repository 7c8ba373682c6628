// Package filepicker lets the user choose a file or a folder of this machine
// by typing a part of its name.
//
// It is a part of a page, which gives it keys and its messages and draws what
// View returns. It reads folders in commands, a piece at a time, so that a
// folder of a hundred thousand files stops no key; what is done with the path
// is the page's business.
package filepicker

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/widget/prompt"
)

// Event says what a key did.
type Event int

// The events.
const (
	None Event = iota
	Picked
	Canceled
)

// Want says what can be picked.
type Want struct {
	Title string
	// Folders: a folder can be picked.
	Folders bool
	// Suffixes of the files that are looked for, all if there are none. The others
	// are shown, but muted; with Only, they cannot be picked.
	Suffixes []string
	Only     bool
	// Hidden shows the names that begin with a dot at first.
	Hidden bool
}

// entry is one name in a folder.
type entry struct {
	name   string
	folder bool
	link   bool
	size   int64
	wrong  string // why it cannot be used
}

// Model is the picker. It is a value.
type Model struct {
	st      *theme.Styles
	want    Want
	dir     string
	entries []entry // sorted: folders first
	shown   []int   // of entries, by the filter
	filter  prompt.Model
	hidden  bool
	at, top int
	h       int
	gen     int
	loading bool
	wrong   string // why the folder cannot be read
	path    string
	reader  *os.File
}

// chunk is how many names one command reads.
const chunk = 500

// ListMsg brings a piece of a folder. It is for Update.
type ListMsg struct {
	gen     int
	entries []entry
	reader  *os.File // nil at the end
	err     error
}

// New returns a picker that starts in the folder dir, and the command that
// reads it.
func New(st *theme.Styles, dir string, want Want) (Model, tea.Cmd) {
	m := Model{st: st, want: want, hidden: want.Hidden}
	return m.open(dir)
}

// Path is what was picked.
func (m Model) Path() string { return m.path }

// Close lets go of a folder that is being read.
func (m Model) Close() {
	if m.reader != nil {
		m.reader.Close()
	}
}

func (m Model) open(dir string) (Model, tea.Cmd) {
	m.Close()
	m.gen++
	m.dir, m.entries, m.shown, m.at, m.top = filepath.Clean(dir), nil, nil, 0, 0
	m.filter, m.loading, m.wrong, m.reader = prompt.New(""), true, "", nil
	gen, path := m.gen, m.dir
	return m, func() tea.Msg {
		f, err := os.Open(path)
		if err != nil {
			return ListMsg{gen: gen, err: err}
		}
		return read(gen, f)
	}
}

func read(gen int, f *os.File) ListMsg {
	names, err := f.ReadDir(chunk)
	msg := ListMsg{gen: gen, reader: f}
	for _, d := range names {
		msg.entries = append(msg.entries, look(f.Name(), d))
	}
	slices.SortFunc(msg.entries, order)
	if err != nil {
		f.Close()
		msg.reader = nil
		if !errors.Is(err, io.EOF) {
			msg.err = err
		}
	}
	return msg
}

func look(dir string, d fs.DirEntry) entry {
	e := entry{name: d.Name(), folder: d.IsDir(), link: d.Type()&fs.ModeSymlink != 0}
	info, err := os.Stat(filepath.Join(dir, d.Name()))
	switch {
	case err != nil && e.link:
		e.wrong = "leads nowhere"
	case err != nil:
		e.wrong = "cannot be read"
	default:
		e.folder, e.size = info.IsDir(), info.Size()
		if !info.IsDir() && !info.Mode().IsRegular() {
			e.wrong = "no file"
		}
	}
	return e
}

func order(a, b entry) int {
	if a.folder != b.folder {
		if a.folder {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), strings.Compare(a.name, b.name))
}

// listed takes in a piece of the folder and asks for the next. The cursor stays
// on its entry.
func (m Model) listed(msg ListMsg) (Model, tea.Cmd) {
	if msg.gen != m.gen {
		if msg.reader != nil {
			msg.reader.Close()
		}
		return m, nil
	}
	on := ""
	if i := m.selected(); i >= 0 {
		on = m.entries[i].name
	}
	m.reader, m.loading = msg.reader, msg.reader != nil
	if msg.err != nil {
		m.wrong = reason(msg.err)
	}
	m.entries = merged(m.entries, msg.entries)
	m = m.sifted()
	if at := slices.IndexFunc(m.shown, func(i int) bool { return m.entries[i].name == on }); at >= 0 && m.at > 0 {
		m.at = at + m.rows0()
	}
	if !m.loading && m.at == 0 && m.filter.Text() == "" && len(m.want.Suffixes) > 0 && !m.want.Folders {
		m.at = max(0, slices.IndexFunc(m.shown, func(i int) bool { return m.fits(m.entries[i]) })) // most likely it is meant
	}
	m = m.scrolled()
	if msg.reader == nil {
		return m, nil
	}
	gen, f := m.gen, msg.reader
	return m, func() tea.Msg { return read(gen, f) }
}

func merged(a, b []entry) []entry {
	out := make([]entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if order(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "no permission to read this folder"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such folder"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}

// sifted finds the entries that the filter shows.
func (m Model) sifted() Model {
	text := m.filter.Text()
	fold := text == strings.ToLower(text)
	var starts, has []int
	for i, e := range m.entries {
		name := e.name
		if fold {
			name = strings.ToLower(name)
		}
		switch {
		case strings.HasPrefix(e.name, ".") && !m.hidden && !strings.HasPrefix(text, "."):
		case strings.HasPrefix(name, text):
			starts = append(starts, i)
		case strings.Contains(name, text):
			has = append(has, i)
		}
	}
	m.shown = append(starts, has...)
	m.at = min(m.at, max(0, len(m.shown)+m.rows0()-1))
	return m
}

// rows0 is how many rows stand before the entries: one for the folder itself.
func (m Model) rows0() int {
	if m.want.Folders && m.filter.Text() == "" {
		return 1
	}
	return 0
}

// selected is the index of the entry under the cursor, -1 for none.
func (m Model) selected() int {
	if at := m.at - m.rows0(); at >= 0 && at < len(m.shown) {
		return m.shown[at]
	}
	return -1
}

// fits reports a file that is looked for.
func (m Model) fits(e entry) bool {
	return e.wrong == "" && !e.folder && (len(m.want.Suffixes) == 0 ||
		slices.ContainsFunc(m.want.Suffixes, func(s string) bool { return strings.HasSuffix(e.name, s) }))
}
