package handoff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// recorder is a program that writes its arguments, one a line, to out.
func recorder(t *testing.T, name string) (path, out string) {
	t.Helper()
	dir := t.TempDir()
	path, out = filepath.Join(dir, name), filepath.Join(dir, "out")
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" >'" + out + "'\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, out
}

func TestEditor(t *testing.T) {
	t.Parallel()
	const file = "/tmp/a log's name $HOME.log"
	tests := []struct {
		name, before string
		want         []string
	}{
		{"vi", "", []string{"+42", file}},
		{"nvim", " -R", []string{"-R", "+42", file}},
		{"nano", "", []string{"+42", file}},
		{"emacsclient", " -a 'x y'", []string{"-a", "x y", "+42", file}},
		{"code", "", []string{"--wait", "--goto", file + ":42"}},
		{"subl", "", []string{"--wait", file + ":42"}},
		{"hx", "", []string{file + ":42"}},
		{"gedit", "", []string{file}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program, out := recorder(t, tt.name)
			if err := Editor(t.Context(), env("EDITOR", program+tt.before), file, 42).Run(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestViewer(t *testing.T) {
	t.Parallel()
	const file = "/tmp/a log's name $HOME.log"
	tests := []struct {
		name, before string
		want         []string
	}{
		{"vi", "", []string{"-R", "+42", file}},
		{"nvim", " -u NONE", []string{"-u", "NONE", "-R", "+42", file}},
		{"nano", "", []string{"-v", "+42", file}},
		{"micro", "", []string{"-readonly", "true", "+42", file}},
		{"code", "", []string{"--wait", "--goto", file + ":42"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program, out := recorder(t, tt.name)
			if locks := Locks(env("EDITOR", program+tt.before)); locks != (tt.name != "code") {
				t.Errorf("Locks() = %v", locks)
			}
			if err := Viewer(t.Context(), env("EDITOR", program+tt.before), file, 42).Run(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhichProgram(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"VISUAL wins", Editor(t.Context(), env("VISUAL", "vis", "EDITOR", "ed"), "f", 1).Args, `vis "$@"`},
		{"EDITOR", Editor(t.Context(), env("EDITOR", "ed"), "f", 1).Args, `ed "$@"`},
		{"neither", Editor(t.Context(), env("EDITOR", " "), "f", 1).Args, `vi "$@"`},
		{"PAGER", Pager(t.Context(), env("PAGER", "most"), "f", 1).Args, `most "$@"`},
		{"no PAGER", Pager(t.Context(), env(), "f", 1).Args, `less "$@"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.args[2] != tt.want {
				t.Errorf("it runs %q, want %q", tt.args[2], tt.want)
			}
		})
	}
	if diff := cmp.Diff([]string{"sh", "-R", "+7g", "--", "f"}, Pager(t.Context(), env("PAGER", "LESS=X less -S"), "f", 7).Args[3:]); diff != "" {
		t.Error(diff)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct{ typed, want, wrong string }{
		{"a.log", dir + "/a.log", ""},
		{" ../x/a.log ", filepath.Dir(dir) + "/x/a.log", ""},
		{"/var/a.log", "/var/a.log", ""},
		{"~/a.log", "/home/ana/a.log", ""},
		{"~a.log", dir + "/~a.log", ""},
		{"", "", "name a file"},
		{".", "", "is a folder"},
	}
	for _, tt := range tests {
		got, err := Path(tt.typed, dir, env("HOME", "/home/ana"))
		if got != tt.want || (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("Path(%q) = %q, %v; want %q, %q", tt.typed, got, err, tt.want, tt.wrong)
		}
	}
}
