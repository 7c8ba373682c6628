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
	switch {
	case !isURI:
		d.upload, d.pending = true, true
		return d, true
	case scheme == "local":
		if !strings.HasPrefix(rest, "/") {
			d.reason = "local:// needs an absolute path, as in local:///home/ana/project"
			return d, false
		}
		d.uri, d.path, d.pending = text, rest, embedded
		return d, embedded // a remote folder cannot be seen from here
	case !slices.Contains([]string{"gcs", "http", "https", "s3", "gs", "azure", "abfss", "file"}, scheme):
		d.reason = fmt.Sprintf("Ray cannot fetch %s://: use a folder, local:///..., or an archive at https, s3, gs, azure or abfss", clip(scheme))
	case !isArchive(rest):
		d.reason = "a working dir URI must name an archive: .zip, .tar.gz, .tgz or .tar.xz"
	default:
		d.uri = text
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
		if d.upload {
			return dirMsg{gen, inspectUpload(ctx, env, d, excludes, func(p client.Preflight) { newest(steps, p) })}
		}
		d.reason = readable(d.path)
		return dirMsg{gen, d}
	}
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
	path, err := absolute(d.text, env.Cwd)
	if err != nil {
		d.reason = reasonOf(err) + ": " + d.text
		return d
	}
	d.path = path
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.reason = reasonOf(err) + ": " + path
		return d
	case !info.IsDir():
		if d = inspectFile(d, info); d.reason != "" || env.Preflight == nil {
			return d
		}
	default:
		if d.reason = readable(path); d.reason != "" || env.Preflight == nil {
			return d
		}
	}
	d.flight, err = env.Preflight(ctx, path, excludes, step)
	d.files, d.bytes = d.flight.Files, d.flight.Bytes
	switch {
	case ctx.Err() != nil:
		d.files = -1
	case err != nil:
		d.files, d.reason = -1, "the folder cannot be read: "+err.Error()
	case d.bytes > maxUpload:
		d.reason = fmt.Sprintf("%s in %s, at most %s can be uploaded: leave files out by excludes or a .rayignore%s",
			size(d.bytes), count(d.files, "file", "files"), size(maxUpload), biggest(d.flight))
	}
	return d
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
	case !info.Mode().IsRegular() || !isArchive(d.path):
		d.reason = "neither a folder nor an archive (.zip, .tar.gz, .tgz, .tar.xz): " + d.path
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
	case strings.HasPrefix(d.uri, "gcs://"):
		return "a package uploaded before"
	case d.uri != "":
		return "fetched by the server"
	}
	verb := "uploaded"
	if embedded {
		verb = "private copy"
	}
	if d.files < 0 {
		return fmt.Sprintf("%s of %s %s limit %s", verb, d.path, g.Dot, size(maxUpload))
	}
	if d.flight.There {
		return fmt.Sprintf("%s: %s, %s %s already there, no upload", verb, count(d.files, "file", "files"), size(d.bytes), g.Dot)
	}
	return fmt.Sprintf("%s: %s, %s %s limit %s", verb, count(d.files, "file", "files"), size(d.bytes), g.Dot, size(maxUpload))
}
