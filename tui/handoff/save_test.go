package handoff

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
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
