package submit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/jobspec"
	"dray/theme"
	"dray/tui/screen"
)

const (
	inPlace   = "local://"
	maxUpload = client.MaxUpload
)

// workDir is what is known about the text in the working dir field.
type workDir struct {
	text    string // the text that this is about
	uri     string // sent as it is; "" when there is none or it must be uploaded
	path    string // absolute local path of what is used or uploaded
	upload  bool
	files   int // of an upload; -1 when not measured
	bytes   int64
	reason  string // why it cannot be used
	pending bool   // not looked at yet
	flight  client.Preflight
	module  bool // it is one of py_modules
}

// readDir says what a text means, as far as that shows without a look at the
// disk. look reports that the disk must be asked.
func readDir(text string, embedded bool) (d workDir, look bool) {
	text = strings.TrimSpace(text)
	d = workDir{text: text, files: -1}
	if text == "" {
		return d, false
	}
	scheme, rest, isURI := strings.Cut(text, "://")
	if !isURI {
		d.upload, d.pending = true, true
		return d, true
	}
	if d.reason = jobspec.CheckDir(text); d.reason != "" {
		return d, false
	}
	d.uri = text
	if scheme == "local" {
		d.path, d.pending = rest, embedded
		return d, embedded // a remote folder cannot be seen from here
	}
	return d, false
}

func isArchive(name string) bool {
	return slices.ContainsFunc([]string{".zip", ".tar.gz", ".tgz", ".tar.xz"}, func(s string) bool { return strings.HasSuffix(name, s) })
}

// dirMsg brings what the disk says about a working dir.
type dirMsg struct {
	gen int
	dir workDir
}

// dirPauseMsg comes when nothing was typed into the field for a moment.
type dirPauseMsg struct{ gen int }

// dirStepMsg tells how far the look at a folder is.
type dirStepMsg struct {
	gen    int
	flight client.Preflight
}

// inspect asks the disk about d, and tells steps how far it is. It ends early
// with ctx, and closes steps at its end, so that who waits for them ends too.
func inspect(ctx context.Context, env *screen.Env, gen int, d workDir, excludes []string, steps chan client.Preflight) tea.Cmd {
	return func() tea.Msg {
		defer close(steps)
		d.pending = false
		if isPackage(d.uri) {
			return dirMsg{gen, inspectPackage(ctx, env.Preflight, d)}
		}
		if d.upload {
			return dirMsg{gen, inspectUpload(ctx, env, d, excludes, func(p client.Preflight) { newest(steps, p) })}
		}
		d.reason = readable(d.path)
		return dirMsg{gen, d}
	}
}

// isPackage reports the address of something that was uploaded.
func isPackage(uri string) bool { return strings.HasPrefix(uri, "gcs://") }

// preflight is the look at what is uploaded.
type preflight = func(ctx context.Context, path string, excludes []string, step func(client.Preflight)) (client.Preflight, error)

// inspectPackage asks whether a package that was uploaded before can be used.
func inspectPackage(ctx context.Context, look preflight, d workDir) workDir {
	flight, err := look(ctx, d.uri, nil, nil)
	d.flight = flight
	if err == nil && flight.AskErr == nil && !flight.There && !flight.Kept {
		d.reason = "the server has dropped this package, and no copy is kept here: name the folder again"
	}
	return d
}

// newest puts v into a channel with room for one, in the place of what nobody
// has taken.
func newest[T any](c chan T, v T) {
	for {
		select {
		case c <- v:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

// nextStep waits for the next step of a look. It ends when inspect does.
func nextStep(gen int, steps <-chan client.Preflight) tea.Cmd {
	return func() tea.Msg {
		p, ok := <-steps
		if !ok {
			return nil
		}
		return dirStepMsg{gen, p}
	}
}

func inspectUpload(ctx context.Context, env *screen.Env, d workDir, excludes []string, step func(client.Preflight)) workDir {
	look := env.Preflight
	if d.module && env.PreflightModule == nil {
		look = nil
	} else if d.module {
		look = env.PreflightModule
	}
	path, err := absolute(d.text, env.Cwd)
	if err != nil {
		d.reason = reasonOf(err) + ": " + d.text
		return d
	}
	d.path = path
	info, err := os.Stat(path)
	switch {
	case d.module && errors.Is(err, fs.ErrNotExist):
		d.reason = "there is no such file or folder: " + path
		return d
	case err != nil:
		d.reason = reasonOf(err) + ": " + path
		return d
	case !info.IsDir():
		d = inspectFile(d, info)
	default:
		d.reason = readable(path)
	}
	if d.reason != "" || look == nil {
		return d
	}
	d.flight, err = look(ctx, path, excludes, step)
	d.files, d.bytes = d.flight.Files, d.flight.Bytes
	switch {
	case ctx.Err() != nil:
		d.files = -1
	case err != nil:
		d.files, d.reason = -1, "the folder cannot be read: "+err.Error()
	case d.bytes > maxUpload:
		by := "excludes or a .rayignore"
		if d.module {
			by = "a .rayignore"
		}
		d.reason = fmt.Sprintf("%s in %s, at most %s can be uploaded: leave files out by "+by+"%s",
			size(d.bytes), count(d.files, "file", "files"), size(maxUpload), biggest(d.flight))
	}
	return d
}

// secretFiles warns of files in the working dir that hold secrets, which whoever
// can read the cluster's packages can read.
func (m Model) secretFiles() []problem {
	list := m.dir.flight.Secrets
	if len(list) == 0 || !m.dir.upload || m.env.Target.Embedded {
		return nil
	}
	text := clip(list[0])
	if n := len(list) - 1; n > 0 {
		text += " and " + count(n, "more file", "more files")
	}
	return []problem{{fieldDir, text + " may hold secrets and would be uploaded: leave it out by excludes"}}
}

// biggest names the file or folder that weighs most.
func biggest(p client.Preflight) string {
	switch {
	case p.Tree != nil && len(p.Tree.Folders) > 0 && p.Tree.Folders[0].Bytes > p.Bytes/2:
		return fmt.Sprintf("; %s/ has %s", p.Tree.Folders[0].Name, size(p.Tree.Folders[0].Bytes))
	case len(p.Biggest) > 0:
		return fmt.Sprintf("; %s has %s", p.Biggest[0].Path, size(p.Biggest[0].Bytes))
	}
	return ""
}

func inspectFile(d workDir, info fs.FileInfo) workDir {
	d.files, d.bytes = 1, info.Size()
	switch {
	case d.module && (!info.Mode().IsRegular() || !isModule(d.path)):
		d.reason = "neither a folder nor a module (.py, .whl): " + d.path
	case !d.module && (!info.Mode().IsRegular() || !isArchive(d.path)):
		d.reason = "neither a folder nor an archive (.zip, .tar.gz, .tgz, .tar.xz): " + d.path
	case d.bytes > maxUpload && d.module:
		d.reason = fmt.Sprintf("the module has %s, at most %s can be uploaded", size(d.bytes), size(maxUpload))
	case d.bytes > maxUpload:
		d.reason = fmt.Sprintf("the archive has %s, at most %s can be uploaded", size(d.bytes), size(maxUpload))
	default:
		if err := canOpen(d.path); err != nil {
			d.reason = reasonOf(err) + ": " + d.path
		}
	}
	return d
}

func absolute(path, cwd string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok || path == "~" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		return filepath.Join(home, rest), nil
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	return filepath.Join(cwd, path), nil
}

// readable returns why the folder at path cannot be used, or "".
func readable(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return reasonOf(err) + ": " + path
	case !info.IsDir():
		return "not a folder: " + path
	}
	if err := canOpen(path); err != nil {
		return reasonOf(err) + ": " + path
	}
	return ""
}

func canOpen(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such folder"
	case errors.Is(err, fs.ErrPermission):
		return "no permission to read it"
	case errors.Is(err, syscall.ENOTDIR):
		return "a part of the path is not a folder"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}

// note says what will happen to the folder.
func (d workDir) note(embedded bool, g theme.Glyphs) string {
	switch {
	case d.text == "" && embedded:
		return "none: the job starts in a folder of its own, without your files"
	case d.text == "":
		return "none: nothing is uploaded"
	case d.pending && d.files > 0:
		return fmt.Sprintf("looking%s %s, %s so far", g.Ellipsis, count(d.files, "file", "files"), size(d.bytes))
	case d.pending:
		return "looking" + g.Ellipsis
	case d.reason != "":
		return ""
	case strings.HasPrefix(d.uri, inPlace) && embedded:
		return "in place: the job runs in the folder itself"
	case strings.HasPrefix(d.uri, inPlace):
		return "in place: a folder on the cluster's node, which cannot be checked from here"
	case isPackage(d.uri) && !d.flight.There && d.flight.Kept:
		return "a package that the server has dropped: the copy kept here is uploaded again"
	case isPackage(d.uri) && d.flight.There:
		return "a package that is on the server"
	case isPackage(d.uri):
		return "a package uploaded before"
	case d.uri != "":
		return "fetched by the server"
	}
	verb := "to upload"
	if embedded {
		verb = "private copy"
	}
	if d.files < 0 {
		return fmt.Sprintf("%s: %s %s limit %s", verb, d.path, g.Dot, size(maxUpload))
	}
	if d.flight.There {
		return fmt.Sprintf("%s, %s %s already there, no upload", count(d.files, "file", "files"), size(d.bytes), g.Dot)
	}
	return fmt.Sprintf("%s: %s, %s %s limit %s", verb, count(d.files, "file", "files"), size(d.bytes), g.Dot, size(maxUpload))
}
