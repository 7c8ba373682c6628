package logview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/handoff"
	"dray/tui/logstore"
	"dray/tui/screen"
)

const (
	// maxCopy bounds what is read for the clipboard.
	maxCopy = 8 << 20
	// tickTime is the time between two looks at how far a save has come.
	tickTime = 250 * time.Millisecond
)

// job1 is the one thing that runs for the user besides following: a jump or a
// save. Its fields are shared with the command that does it.
type job1 struct {
	id    int
	what  string // "" when nothing runs
	stop  context.CancelFunc
	done  *atomic.Int64
	total int64
}

func (j job1) running() bool { return j.what != "" }

func (j job1) none() job1 { return job1{id: j.id + 1} }

func (j job1) cancel() {
	if j.stop != nil {
		j.stop()
	}
}

// tickMsg asks for a new look at the progress.
type tickMsg struct {
	s  *logstore.Session
	id int
}

func (j job1) tick(s *logstore.Session) tea.Cmd {
	if !j.running() {
		return nil
	}
	return tea.Tick(tickTime, func(time.Time) tea.Msg { return tickMsg{s, j.id} })
}

// words say how far it has come.
func (j job1) words() string {
	if j.done == nil || j.total == 0 {
		return j.what
	}
	return fmt.Sprintf("%s %d%%", j.what, 100*j.done.Load()/j.total)
}

// cmdMsg runs an action of the page that was asked for elsewhere: in the
// palette, or by a yes.
type cmdMsg struct {
	s  *logstore.Session
	do func(Model) (Model, tea.Cmd)
}

func (m Model) later(do func(Model) (Model, tea.Cmd)) tea.Cmd {
	s := m.s
	return func() tea.Msg { return cmdMsg{s, do} }
}

// part is what is handed over: some bytes of the log.
type part struct {
	extent
	store *logstore.Store
	what  string
}

// chosen is the selection, or all of the log.
func (m Model) chosen() part {
	if m.sel.on {
		return part{m.sel.bytes(), m.s.Store(), "the selected lines"}
	}
	return part{extent{0, m.news.Size}, m.s.Store(), "the log"}
}

// savedMsg is the end of a save.
type savedMsg struct {
	s     *logstore.Session
	id    int
	path  string
	typed string
	bytes int64
	err   error
}

func (m Model) askSave() (Model, tea.Cmd) {
	if m.news.Size == 0 {
		return m, screen.Notice(screen.Info, "nothing to save: the log is empty")
	}
	if m.job1.done != nil {
		return m, screen.Notice(screen.Info, "a save is under way; esc ends it")
	}
	return m.openInput(inputSave, fileName(m.job.ID())+".log")
}

// fileName makes a name of an id that may hold anything.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, id)
}

func (m Model) saveTo(typed string, overwrite bool) (Model, tea.Cmd) {
	path, err := handoff.Path(typed, m.env.Cwd, m.env.Getenv)
	if err != nil {
		return m, screen.Notice(screen.Warn, "save: "+err.Error())
	}
	m.job1.cancel()
	ctx, cancel := context.WithCancel(m.s.Context())
	done, p := new(atomic.Int64), m.chosen()
	m.job1 = job1{id: m.job1.id + 1, what: "saving", stop: cancel, done: done, total: max(1, p.to-p.from)}
	s, id := m.s, m.job1.id
	save := func() tea.Msg {
		defer cancel()
		msg := savedMsg{s: s, id: id, path: path, typed: typed}
		msg.err = handoff.Save(path, overwrite, func(w io.Writer) error {
			return p.store.Copy(ctx, w, p.from, p.to, done.Store)
		})
		msg.bytes = p.to - p.from
		return msg
	}
	return m, tea.Batch(save, m.job1.tick(m.s))
}

func (m Model) saved(msg savedMsg) (Model, tea.Cmd) {
	if msg.id == m.job1.id {
		m.job1 = m.job1.none()
	}
	switch {
	case errors.Is(msg.err, handoff.ErrExists):
		typed := msg.typed
		return m, func() tea.Msg {
			return screen.AskMsg{
				Title: "Overwrite file?",
				Lines: []string{clean.Text(msg.path) + " is there already.", "It will hold the log of " + clean.Text(m.job.ID()) + " instead."},
				Yes:   "Overwrite",
				Local: true,
				Do:    m.later(func(m Model) (Model, tea.Cmd) { return m.saveTo(typed, true) }),
			}
		}
	case errors.Is(msg.err, context.Canceled):
		return m, screen.Notice(screen.Info, "the save was ended; no file was written")
	case msg.err != nil:
		return m, screen.Notice(screen.Bad, "save the log: "+clean.Text(msg.err.Error()))
	}
	m.sel = selection{}
	return m, screen.Notice(screen.Good, fmt.Sprintf("saved %s to %s", byteCount(msg.bytes), clean.Text(msg.path)))
}

// copyLines puts the selection on the clipboard, or the lines on the screen:
// all of each, without colours.
func (m Model) copyLines() (Model, tea.Cmd) {
	if len(m.win.rows) == 0 {
		return m, screen.Notice(screen.Info, "nothing to copy: the log is empty")
	}
	offs := m.shownLines()
	what := "the log lines on the screen"
	if len(offs) == 1 {
		what = "the log line on the screen"
	}
	p, selected := m.chosen(), m.sel.on
	if selected {
		what = p.what
	}
	m.sel = selection{}
	return m, func() tea.Msg {
		var text []byte
		var err error
		if selected {
			text, err = p.plain()
		} else {
			text, err = plainLines(p.store, offs)
		}
		if err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: "copy the log: " + err.Error()}
		}
		return screen.CopyMsg{Text: string(text), What: what}
	}
}

// shownLines are the offsets of the lines on the screen.
func (m Model) shownLines() []int64 {
	var offs []int64
	for _, r := range m.win.rows {
		if !r.rule && (len(offs) == 0 || offs[len(offs)-1] != r.off) {
			offs = append(offs, r.off)
		}
	}
	return offs
}

func plainLines(s *logstore.Store, offs []int64) ([]byte, error) {
	r := s.Reader()
	var text []byte
	for _, off := range offs {
		l, ok, err := r.At(off)
		if err != nil || !ok {
			return text, err
		}
		text = append(clean.LogPlain(text, l.Text), '\n')
	}
	return text, nil
}

var errTooLong = errors.New("more than 8 MiB are selected; save them with ctrl-s")

// plain is the text of the part, without colours.
func (p part) plain() ([]byte, error) {
	r := p.store.Reader()
	var text []byte
	for l, ok, err := r.At(p.from); ; l, ok, err = r.Next(l) {
		if err != nil || !ok || l.Off >= p.to {
			return text, err
		}
		text = append(clean.LogPlain(text, l.Text), '\n')
		if len(text) > maxCopy {
			return nil, errTooLong
		}
	}
}

// handedMsg is the end of a program that had the terminal.
type handedMsg struct {
	s    *logstore.Session
	what string
	err  error
}

func (m Model) handed(msg handedMsg) (Model, tea.Cmd) {
	m, load := m.load()
	if msg.err == nil {
		return m, load
	}
	return m, tea.Batch(load, screen.Notice(screen.Warn, clean.Text(msg.what)+": "+clean.Text(msg.err.Error())))
}

// edit opens the log in the user's editor at the line that is looked at. It is
// to be read there, not to be changed: an editor that cannot be told so gets a
// copy.
func (m Model) edit() (Model, tea.Cmd) {
	return m.open("editor", handoff.Viewer, !handoff.Locks(m.env.Getenv))
}

// pager opens the log in the user's pager.
func (m Model) pager() (Model, tea.Cmd) { return m.open("pager", handoff.Pager, false) }

// opener makes the command that opens a file at a line.
type opener func(ctx context.Context, getenv func(string) string, path string, line int64) *exec.Cmd

// maxCopied bounds the logs that are copied for an editor.
const maxCopied = 256 << 20

func (m Model) open(what string, command opener, copied bool) (Model, tea.Cmd) {
	if m.news.Size == 0 {
		return m, screen.Notice(screen.Info, "nothing to open: the log is empty")
	}
	s, store, off, getenv := m.s, m.s.Store(), m.lookedAt(), m.env.Getenv
	ctx, program, size, name := m.s.Context(), m.env.Ctx, m.news.Size, fileName(m.job.ID())
	return m, func() tea.Msg {
		path, temp, err := onDisk(ctx, store, size, name, copied && size <= maxCopied)
		if err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: "open the log in the " + what + ": " + err.Error()}
		}
		line := int64(1)
		if n, ok, err := store.Reader().Number(off); ok && err == nil {
			line = n + 1
		}
		return screen.ExecMsg{Cmd: command(program, getenv, path, line), Done: func(err error) tea.Msg {
			if temp != "" {
				_ = os.RemoveAll(filepath.Dir(temp)) // ours, and no longer needed
			}
			return handedMsg{s: s, what: what, err: err}
		}}
	}
}

// onDisk returns a file that holds the log: the log's own where there is one,
// unless a copy is wanted.
func onDisk(ctx context.Context, store *logstore.Store, size int64, name string, copied bool) (path, temp string, err error) {
	if path = store.Path(); path != "" && !copied {
		return path, "", store.Flush()
	}
	dir, err := os.MkdirTemp("", "dray-log-")
	if err != nil {
		return "", "", err
	}
	temp = filepath.Join(dir, name+".log")
	err = handoff.Save(temp, false, func(w io.Writer) error { return store.Copy(ctx, w, 0, size, nil) })
	if err == nil {
		err = os.Chmod(temp, 0o400) // what is written there would be lost
	}
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return temp, temp, err
}

// lookedAt is the line that matters now: the end of the selection, the hit that
// was jumped to if it is on the screen, or the line at the top.
func (m Model) lookedAt() int64 {
	switch {
	case m.sel.on:
		return m.sel.to.from
	case m.find.at >= m.win.from && m.find.at < m.win.to:
		return m.find.at
	}
	return m.win.from
}

func (m Model) askPipe() (Model, tea.Cmd) {
	if m.news.Size == 0 {
		return m, screen.Notice(screen.Info, "nothing to pipe: the log is empty")
	}
	return m.openInput(inputPipe, "")
}

// pipeTo gives the selection, or all of the log, to a command.
func (m Model) pipeTo(command string) (Model, tea.Cmd) {
	if strings.TrimSpace(command) == "" {
		return m, nil
	}
	s, program, p := m.s, m.env.Ctx, m.chosen()
	m.sel = selection{}
	return m, func() tea.Msg {
		cmd := handoff.Pipe(program, command)
		cmd.Stdin = io.NewSectionReader(p.store, p.from, p.to-p.from)
		return screen.ExecMsg{Cmd: cmd, Done: func(err error) tea.Msg { return handedMsg{s: s, what: command, err: err} }}
	}
}
