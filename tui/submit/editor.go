package submit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/jobspec"
	"dray/tui/screen"
)

// editing is a job file that is, or was, in the user's editor.
type editing struct {
	path string // a private file; "" when there is none
	line int    // where the mistake is, 0 for none
}

// editorMsg asks for the editor: the file is written.
type editorMsg struct {
	path string
	line int
	err  error
}

// editedMsg brings what the user made of the file.
type editedMsg struct {
	path, before, text string
	err                error
}

const editorHead = `# The whole job. Save and quit to take it over; leave it as it is to change nothing.
`

// openEditor writes the job into a private file. A file with a mistake is
// opened again as it was left, at the line of the mistake.
func (m Model) openEditor() (Model, tea.Cmd) {
	if m.editing.path != "" {
		e := m.editing
		return m, func() tea.Msg { return editorMsg{path: e.path, line: e.line} }
	}
	text := editorHead + string(m.spec().YAML())
	if strings.TrimSpace(m.request.Entrypoint) == "" {
		text = editorHead + "entrypoint: \n" + string(m.spec().YAML())
	}
	return m, func() tea.Msg {
		f, err := os.CreateTemp("", "dray-job-*.yaml") // made for its owner alone
		if err != nil {
			return editorMsg{err: err}
		}
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
		return editorMsg{path: f.Name(), err: err}
	}
}

// startEditor hands the terminal over.
func (m Model) startEditor(msg editorMsg) (Model, tea.Cmd) {
	if msg.err != nil {
		m.failure = "the job cannot be written for the editor: " + msg.err.Error()
		return m, nil
	}
	cmd, err := editorCommand(m.env, msg.path, msg.line)
	if err != nil {
		os.Remove(msg.path)
		m.failure = err.Error()
		return m, nil
	}
	before, err := os.ReadFile(msg.path)
	if err != nil {
		m.failure = "the job cannot be read back: " + err.Error()
		return m, nil
	}
	m.editing = editing{path: msg.path}
	return m, func() tea.Msg {
		return screen.ExecMsg{Cmd: cmd, Done: func(err error) tea.Msg {
			data, readErr := os.ReadFile(msg.path)
			return editedMsg{msg.path, string(before), string(data), errors.Join(err, readErr)}
		}}
	}
}

// editorCommand is the user's editor on a file, at a line where the editor can
// be told one.
func editorCommand(env *screen.Env, path string, line int) (*exec.Cmd, error) {
	text := env.Getenv("VISUAL")
	if text == "" {
		text = env.Getenv("EDITOR")
	}
	if text == "" {
		for _, name := range []string{"sensible-editor", "nano", "vi"} {
			if _, err := exec.LookPath(name); err == nil {
				text = name
				break
			}
		}
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, errors.New("no editor is found: set EDITOR")
	}
	args := append([]string{}, words[1:]...)
	name := filepath.Base(words[0])
	switch {
	case line <= 0:
	case strings.HasPrefix(name, "code"), strings.HasPrefix(name, "codium"):
		args = append(args, "--goto", fmt.Sprintf("%s:%d", path, line))
		return exec.Command(words[0], args...), nil //nolint:noctx,gosec // the user's own editor; it ends when the user ends it
	case strings.HasPrefix(name, "hx"), strings.HasPrefix(name, "helix"):
		path = fmt.Sprintf("%s:%d", path, line)
	default:
		args = append(args, fmt.Sprintf("+%d", line))
	}
	return exec.Command(words[0], append(args, path)...), nil //nolint:noctx,gosec // likewise
}

// fromEditor takes the file over. One with a mistake is kept, so that the
// editor opens it again where the mistake is.
func (m Model) fromEditor(msg editedMsg) (Model, tea.Cmd) {
	if msg.err != nil {
		os.Remove(msg.path)
		m.editing = editing{}
		m.failure = "the editor failed, nothing is changed: " + msg.err.Error()
		return m, nil
	}
	if msg.text == msg.before && m.wrongLine == 0 {
		os.Remove(msg.path)
		m.editing = editing{}
		return m, screen.Notice(screen.Info, "nothing was changed in the editor")
	}
	spec, err := jobspec.ParseTemplate("job.yaml", []byte(msg.text))
	var wrong *jobspec.Error
	if errors.As(err, &wrong) {
		m.editing.line = wrong.Problems[0].Line
		m.wrongLine = wrong.Problems[0].Line
		m.failure = strings.Split(wrong.Error(), "\n")[0] + ": " + m.st().Glyphs.Ctrl + "o opens the editor there, nothing is changed yet"
		return m, nil
	}
	os.Remove(msg.path)
	m.editing, m.wrongLine = editing{}, 0
	m, cmd := m.setSpec(spec)
	m.filled = []string{"taken over from the editor"}
	return m.laidOut(), cmd
}
