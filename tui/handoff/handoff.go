// Package handoff gives text and files to the programs around the dashboard:
// the clipboard of the terminal that the user sits at, an editor, a pager, a
// command, a file.
//
// It makes commands but does not run those that need the terminal; the root
// does that. What is handed over is the pages' business.
package handoff

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// shell runs what users put into variables and prompts, as they mean it: with
// arguments, quotes and pipes.
const shell = "/bin/sh"

// Editor returns the command that opens path at a line, 1 being the first, in
// $VISUAL, $EDITOR or vi. The line is left out for editors whose way of saying
// it is not known.
func Editor(ctx context.Context, getenv func(string) string, path string, line int64) *exec.Cmd {
	editor := first(getenv("VISUAL"), getenv("EDITOR"), "vi")
	return withArgs(ctx, editor, editorArgs(program(editor), path, strconv.FormatInt(max(1, line), 10)))
}

// Viewer is Editor for a file that is not to be changed: where the editor can
// be told so, it is. Locks says which can.
func Viewer(ctx context.Context, getenv func(string) string, path string, line int64) *exec.Cmd {
	editor := first(getenv("VISUAL"), getenv("EDITOR"), "vi")
	name := program(editor)
	args := editorArgs(name, path, strconv.FormatInt(max(1, line), 10))
	return withArgs(ctx, editor, append(lockArgs(name), args...))
}

// Locks reports whether the user's editor can be told not to change a file.
func Locks(getenv func(string) string) bool {
	return lockArgs(program(first(getenv("VISUAL"), getenv("EDITOR"), "vi"))) != nil
}

// lockArgs is how an editor is told not to change a file.
func lockArgs(name string) []string {
	switch name {
	case "vi", "vim", "nvim", "vimx", "view", "ex", "vis":
		return []string{"-R"}
	case "nano", "pico":
		return []string{"-v"}
	case "kak":
		return []string{"-ro"}
	case "micro":
		return []string{"-readonly", "true"}
	case "joe":
		return []string{"-rdonly"}
	}
	return nil
}

// Pager returns the command that shows path from a line on in $PAGER or less.
func Pager(ctx context.Context, getenv func(string) string, path string, line int64) *exec.Cmd {
	pager := first(getenv("PAGER"), "less")
	at := "+" + strconv.FormatInt(max(1, line), 10)
	switch program(pager) {
	case "less":
		return withArgs(ctx, pager, []string{"-R", at + "g", "--", path})
	case "more", "most", "ov", "moor", "moar":
		return withArgs(ctx, pager, []string{at, path})
	}
	return withArgs(ctx, pager, []string{path})
}

// editorArgs is how an editor is told a file and a line.
func editorArgs(name, path, line string) []string {
	switch name {
	case "code", "code-insiders", "codium", "cursor", "windsurf":
		return []string{"--wait", "--goto", path + ":" + line}
	case "subl", "sublime_text":
		return []string{"--wait", path + ":" + line}
	case "zed":
		return []string{"--wait", path + ":" + line}
	case "hx", "helix":
		return []string{path + ":" + line}
	case "mate":
		return []string{"--wait", "--line", line, path}
	case "gedit", "kwrite", "kate", "notepad", "cat":
		return []string{path}
	}
	return []string{"+" + line, path} // vi, vim, nvim, nano, emacs, emacsclient, micro, kak, joe, ne, mcedit, ed
}

// Pipe returns a command that runs what the user has typed and then waits for
// enter, so that its output can be read. Its standard input is for the caller
// to set.
func Pipe(ctx context.Context, command string) *exec.Cmd {
	const script = `eval "$1"
code=$?
printf '\n[exit %s]  enter goes back ' "$code"
read -r _ </dev/tty
exit "$code"`
	return exec.CommandContext(ctx, shell, "-c", script, "sh", command)
}

// withArgs runs a command of the user's with arguments of ours after it.
func withArgs(ctx context.Context, command string, args []string) *exec.Cmd {
	return exec.CommandContext(ctx, shell, append([]string{"-c", command + ` "$@"`, "sh"}, args...)...)
}

// program is the name of the program that a command begins with.
func program(command string) string {
	for _, word := range strings.Fields(command) {
		if !strings.Contains(word, "=") && word != "env" && word != "exec" {
			return filepath.Base(strings.Trim(word, `"'`))
		}
	}
	return ""
}

func first(values ...string) string {
	for _, v := range values {
		if strings.TrimSpace(v) != "" {
			return v
		}
	}
	return ""
}

// Path makes what was typed into an absolute path: from cwd, with ~ for the
// home folder.
func Path(typed, cwd string, getenv func(string) string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", errors.New("name a file")
	}
	if rest, ok := strings.CutPrefix(typed, "~"); ok && (rest == "" || rest[0] == filepath.Separator) {
		home := getenv("HOME")
		if home == "" {
			return "", errors.New("~ stands for no folder: HOME is not set")
		}
		typed = home + rest
	}
	if !filepath.IsAbs(typed) {
		typed = filepath.Join(cwd, typed)
	}
	if info, err := os.Stat(typed); err == nil && info.IsDir() {
		return "", errors.New(typed + " is a folder: name a file in it")
	}
	return filepath.Clean(typed), nil
}
