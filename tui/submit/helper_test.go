package submit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// typed sends keys to m: names of special keys, anything else is typed as it
// stands; "at:FIELD" goes to a field. It returns the last command.
func typed(m screen.Screen, keys ...string) (Model, tea.Cmd) {
	var cmd tea.Cmd
	for _, k := range keys {
		if field, ok := strings.CutPrefix(k, "at:"); ok {
			m = m.(Model).find(field)
			continue
		}
		m, cmd = m.Update(keyOf(k))
	}
	return m.(Model), cmd
}

func keyOf(s string) tea.KeyMsg {
	if t, ok := map[string]tea.KeyType{
		"tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "enter": tea.KeyEnter, "up": tea.KeyUp, "down": tea.KeyDown, "esc": tea.KeyEsc,
		"left": tea.KeyLeft, "right": tea.KeyRight, "backspace": tea.KeyBackspace, "ctrl+s": tea.KeyCtrlS, "ctrl+u": tea.KeyCtrlU,
		"ctrl+w": tea.KeyCtrlW, "ctrl+v": tea.KeyCtrlV, "ctrl+t": tea.KeyCtrlT, "ctrl+n": tea.KeyCtrlN, "ctrl+p": tea.KeyCtrlP,
		"ctrl+o": tea.KeyCtrlO, "ctrl+r": tea.KeyCtrlR, "ctrl+l": tea.KeyCtrlL, "ctrl+x": tea.KeyCtrlX, "ctrl+g": tea.KeyCtrlG, "ctrl+y": tea.KeyCtrlY, "ctrl+q": tea.KeyCtrlQ,
		"f4": tea.KeyF4, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp,
	}[s]; ok {
		return tea.KeyMsg{Type: t}
	}
	if s == "space" {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	if text, ok := strings.CutPrefix(s, "paste:"); ok {
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)}
}

// settled asks the disk about the working dir and the modules without the pause.
func settled(t testing.TB, m Model) (Model, tea.Cmd) {
	t.Helper()
	var cmd tea.Cmd
	if m.mods.pending() {
		m, cmd = pausedOver(m, modulesPauseMsg{m.mods.gen})
	}
	if m.dir.pending {
		var next tea.Cmd
		if m, next = pausedOver(m, dirPauseMsg{m.dirGen}); next != nil {
			cmd = next
		}
	}
	return m, cmd
}

func pausedOver(m Model, pause tea.Msg) (Model, tea.Cmd) {
	s, look := m.Update(pause)
	var cmd tea.Cmd
	for _, msg := range messages(look) {
		var next tea.Cmd
		if s, next = s.Update(msg); next != nil {
			cmd = next
		}
	}
	return s.(Model), cmd
}

// started returns a form of the size, with all that Init brings.
func started(t testing.TB, s screen.Screen, w, h int) Model {
	t.Helper()
	m := s.Resize(screen.Size{W: w, H: h}).(Model)
	t.Cleanup(func() { m.Close() })
	if m.env.LookPython != nil {
		m = update(m, pythonMsg{path: m.env.LookPython()})
	}
	m, _ = settled(t, m)
	return m
}

func update(m Model, msg tea.Msg) Model {
	s, _ := m.Update(msg)
	return s.(Model)
}

// messages runs a command and those that it leads to, in order, without the
// ones that only the form itself reads.
func messages(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	msg := cmd()
	if batch, ok := msg.(tea.BatchMsg); ok {
		var all []tea.Msg
		for _, c := range batch {
			all = append(all, messages(c)...)
		}
		return all
	}
	// tea.Sequence returns a type of its own, a slice of commands.
	if v := reflect.ValueOf(msg); v.IsValid() && v.Kind() == reflect.Slice {
		var all []tea.Msg
		for i := range v.Len() {
			if c, ok := v.Index(i).Interface().(tea.Cmd); ok {
				all = append(all, messages(c)...)
			}
		}
		return all
	}
	if msg == nil {
		return nil
	}
	return []tea.Msg{msg}
}

// finish runs a submit to its end and returns the form after it and the
// messages to the root.
func finish(t testing.TB, m Model, cmd tea.Cmd) (Model, []tea.Msg) {
	t.Helper()
	var out []tea.Msg
	for _, msg := range messages(cmd) {
		var s screen.Screen
		s, next := m.Update(msg)
		m = s.(Model)
		if _, ok := msg.(sentMsg); ok {
			out = append(out, messages(next)...)
		}
	}
	return m, out
}

// server is a head that remembers what it was sent.
type server struct {
	*tuitest.Jobs
	sent []rayapi.SubmitRequest
	jobs map[string]rayapi.Job
}

func newServer(t testing.TB) *server {
	s := &server{jobs: map[string]rayapi.Job{}}
	s.Jobs = &tuitest.Jobs{T: t}
	s.GetFn = func(_ context.Context, id string) (rayapi.Job, error) {
		if j, ok := s.jobs[id]; ok {
			return j, nil
		}
		return rayapi.Job{}, rayapi.NotFoundError(id)
	}
	s.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
		s.sent = append(s.sent, r)
		return s.accept(r)
	}
	return s
}

func (s *server) accept(r rayapi.SubmitRequest) (string, error) {
	if _, ok := s.jobs[r.SubmissionID]; ok {
		return "", rayapi.ExistsError(r.SubmissionID)
	}
	s.jobs[r.SubmissionID] = jobOf(r)
	return r.SubmissionID, nil
}

func jobOf(r rayapi.SubmitRequest) rayapi.Job {
	id := r.SubmissionID
	return rayapi.Job{
		Type: rayapi.TypeSubmission, SubmissionID: &id, Status: rayapi.StatusFailed,
		Entrypoint: r.Entrypoint, Metadata: r.Metadata, RuntimeEnv: r.RuntimeEnv,
	}
}

// embedded returns an environment as on the user's own machine, with a real
// folder as the current one.
func embedded(t testing.TB, jobs screen.Jobs) *screen.Env {
	t.Helper()
	env := tuitest.Env(t, jobs)
	env.Cwd = t.TempDir()
	env.Ledger = ledger.New(filepath.Join(t.TempDir(), "ledger"))
	return env
}

// remote returns an environment that talks to a cluster.
func remote(t testing.TB, jobs screen.Jobs) *screen.Env {
	t.Helper()
	env := embedded(t, jobs)
	env.Target = screen.Target{Name: "head.ml.corp", Address: "http://head.ml.corp:8265", Why: "--address", LedgerKey: "http://head.ml.corp:8265"}
	env.LookPython = nil
	env.Preflight = func(_ context.Context, dir string, _ []string, _ func(client.Preflight)) (client.Preflight, error) {
		p := client.Preflight{Scanned: true, There: strings.HasPrefix(dir, "gcs://")}
		switch filepath.Base(dir) {
		case "_ray_pkg_gone.zip":
			return client.Preflight{}, nil
		case "_ray_pkg_kept.zip":
			return client.Preflight{Kept: true}, nil
		case "big":
			p.Files, p.Bytes = 2114, 132<<20
		case "broken":
			return p, errors.New("input/output error")
		default:
			p.Files, p.Bytes = 214, 1363148
		}
		return p, nil
	}
	return env
}

func mkdir(t testing.TB, path string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
