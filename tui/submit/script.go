package submit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/shellwords"
)

// scriptPauseMsg comes when neither the command nor the working dir was changed
// for a moment.
type scriptPauseMsg struct{ gen int }

// scriptMsg tells that the file which the command runs is not in the working
// dir. name is "" when nothing is wrong with it.
type scriptMsg struct {
	gen  int
	name string
}

// seek looks for the file that the command runs, after a pause.
func (m Model) seek() (Model, tea.Cmd) {
	m.scriptGen++
	m.missing = ""
	gen := m.scriptGen
	return m, tea.Tick(dirPause, func(time.Time) tea.Msg { return scriptPauseMsg{gen} })
}

// sought asks the disk, where the working dir is a folder of this machine.
func (m Model) sought(msg scriptPauseMsg) tea.Cmd {
	name := scriptOf(m.form.Value(fieldEntrypoint))
	if msg.gen != m.scriptGen || name == "" || m.dir.pending || m.dir.path == "" || m.dir.reason != "" || isArchive(m.dir.path) {
		return nil
	}
	path, gen := filepath.Join(m.dir.path, name), m.scriptGen
	return func() tea.Msg {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return scriptMsg{gen, name}
		}
		return scriptMsg{gen: gen}
	}
}

var (
	interpreter = regexp.MustCompile(`^(?:.*/)?(?:python[0-9.]*|bash|sh|zsh|node|Rscript|julia)$`)
	scriptName  = regexp.MustCompile(`^[A-Za-z0-9_./@+-]+$`)
	assignment  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
)

// scriptOf returns the relative path of the file that a command runs first, ""
// when that cannot be told without a shell.
func scriptOf(command string) string {
	words, err := shellwords.Split(command)
	if err != nil {
		return ""
	}
	for len(words) > 0 && assignment.MatchString(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	name := words[0]
	if interpreter.MatchString(name) {
		args := words[1:]
		for len(args) > 0 && (args[0] == "-u" || args[0] == "-O" || args[0] == "-B") {
			args = args[1:]
		}
		if len(args) == 0 || strings.HasPrefix(args[0], "-") {
			return ""
		}
		name = args[0]
	} else if !strings.HasPrefix(name, "./") {
		return "" // a program on the path
	}
	if filepath.IsAbs(name) || !scriptName.MatchString(name) || strings.HasSuffix(name, "/") {
		return ""
	}
	return name
}

// missingScript is the warning about it.
func (m Model) missingScript() []problem {
	if m.missing == "" {
		return nil
	}
	return []problem{{fieldEntrypoint, clip(m.missing) + " is not in the working dir"}}
}
