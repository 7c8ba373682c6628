package handoff

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSave(t *testing.T) {
	t.Parallel()
	give := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			if _, e := io.WriteString(w, text); e != nil {
				return e
			}
			return err
		}
	}
	cut := errors.New("cut")
	tests := []struct {
		name      string
		there     string
		overwrite bool
		write     func(io.Writer) error
		err       error
		want      string
	}{
		{"new", "", false, give("new", nil), nil, "new"},
		{"never silently over another", "old", false, give("new", nil), ErrExists, "old"},
		{"over another", "old", true, give("new", nil), nil, "new"},
		{"half is nothing", "old", true, give("ne", cut), cut, "old"},
		{"half of a new one is nothing", "", false, give("ne", cut), cut, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "a.log")
			files := 0
			if tt.there != "" {
				if err := os.WriteFile(path, []byte(tt.there), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			if err := Save(path, tt.overwrite, tt.write); !errors.Is(err, tt.err) {
				t.Errorf("Save: %v, want %v", err, tt.err)
			}
			got, err := os.ReadFile(path)
			if (err == nil) != (tt.want != "") || string(got) != tt.want {
				t.Errorf("the file holds %q, %v; want %q", got, err, tt.want)
			}
			if tt.want != "" {
				files = 1
			}
			if left, _ := os.ReadDir(dir); len(left) != files {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// A file that comes while ours is written must stay.
func TestSaveRace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	err := Save(path, false, func(io.Writer) error { return os.WriteFile(path, []byte("other"), 0o600) })
	if !errors.Is(err, ErrExists) {
		t.Errorf("Save: %v, want %v", err, ErrExists)
	}
	if got, _ := os.ReadFile(path); string(got) != "other" {
		t.Errorf("the other file holds %q", got)
	}
}

// A device's name must stay the device's: a rename would put a file there.
func TestSave_ontoPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, overwrite := range []bool{false, true} {
		if err := Save(path, overwrite, func(io.Writer) error { return nil }); !errors.Is(err, ErrNoFile) {
			t.Errorf("Save, overwrite %v: %v, want %v", overwrite, err, ErrNoFile)
		}
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe is now %v, %v", info, err)
	}
}

// A link stays; what it leads to is written.
func TestSave_throughLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	write := func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }
	if err := Save(link, false, write); !errors.Is(err, ErrExists) {
		t.Errorf("Save: %v, want %v", err, ErrExists)
	}
	if err := Save(link, true, write); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "new" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is now %v, %v", info, err)
	}
}

// The user named one file, and errors must name that one.
func TestSave_errorNamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none", "a.log")
	err := Save(path, false, func(io.Writer) error { return nil })
	if want := path + ": no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("Save: %v, want %s", err, want)
	}
}
