package submit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/jobspec"
	"dray/tui/clean"
	"dray/tui/submit/renv"
)

// inlinedMsg brings a runtime environment with what was in the files that it, or
// the command that was pasted, names.
type inlinedMsg struct {
	value renv.Value
	files []string // that were read
	err   error
}

// namesFiles reports that a runtime environment names files of this machine.
func namesFiles(v renv.Value) bool {
	return slices.ContainsFunc(jobspec.LintEnv(v.JSON(), true), func(p jobspec.Problem) bool { return p.File })
}

// readNamed reads the files that v names; they count from folder base. With file
// set, the runtime environment in that file comes first, and v over it.
func readNamed(v renv.Value, file, base string) tea.Cmd {
	return func() tea.Msg {
		msg := inlinedMsg{value: v}
		read := func(path string) ([]byte, error) {
			path, err := absolute(path, base)
			if err != nil {
				return nil, err
			}
			data, err := readSmall(path)
			if err == nil {
				msg.files = append(msg.files, filepath.Base(path))
			}
			return data, err
		}
		if file != "" {
			data, err := read(file)
			if err != nil {
				msg.err = fmt.Errorf("%s cannot be read: %s", file, fileReason(err)) //nolint:errorlint // for the user, in words
				return msg
			}
			under, err := renv.ParseYAML(data)
			if err != nil {
				msg.err = fmt.Errorf("%s: %w", file, err)
				return msg
			}
			for _, k := range v {
				under = with(under, k.Name, k.Raw)
			}
			msg.value = under
		}
		msg.value, msg.err = renv.Inline(msg.value, read)
		return msg
	}
}

func fileReason(err error) string {
	if errors.Is(err, os.ErrNotExist) {
		return "there is no such file"
	}
	return reasonOf(err)
}

// readSmall reads a regular file that people write.
func readSmall(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		// To open a pipe would wait for its other end.
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxImport+1))
	if err == nil && len(data) > maxImport {
		err = fmt.Errorf("the file has more than %s", size(maxImport))
	}
	return data, err
}

// inlineFrom reads the files that the form's runtime environment names, if any.
func (m Model) inlineFrom(base string) tea.Cmd {
	if v := m.typedEnv(); namesFiles(v) {
		return readNamed(v, "", base)
	}
	return nil
}

// inlinedEnv takes it over.
func (m Model) inlinedEnv(msg inlinedMsg) (Model, tea.Cmd) {
	m, cmd := m.setEnv(msg.value)
	m = m.writeText().masked()
	if len(msg.files) > 0 && len(m.filled) > 0 {
		m.filled[0] += "; read " + clean.Text(strings.Join(msg.files, ", "))
	}
	if msg.err != nil {
		m.failure = msg.err.Error()
	}
	next, save := m.checked().laidOut().autosave()
	return next, tea.Batch(cmd, save)
}
