package logview

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestHandOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		keys []string
		want string
	}{
		{"pipe", []string{"|", "tail -1 >OUT", "enter"}, "line 99\n"},
		{"pipe a selection", []string{"V", "k", "|", "cat >OUT", "enter"}, "line 98\nline 99\n"},
		{"editor", []string{"v"}, "+91 " + numbered(0, 100)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out")
			_, p := following(t, 100)
			p.env.Getenv = func(name string) string {
				return map[string]string{"EDITOR": `f() { { printf '%s ' "$1"; cat "$2"; } >` + out + `; }; f`}[name]
			}
			for _, k := range tt.keys {
				p.keys(strings.ReplaceAll(k, "OUT", out))
			}
			msg := sent[screen.ExecMsg](p)
			if len(msg.Cmd.Args) > 2 && strings.HasPrefix(msg.Cmd.Args[2], "eval") {
				msg.Cmd.Args[2] = `eval "$1"` // without the wait for a key
			}
			p.update(msg.Done(msg.Cmd.Run()))
			p.settle()
			if got, err := os.ReadFile(out); err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v", got, err)
			}
			if len(p.out) > 0 {
				t.Errorf("said %v", p.out)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, arg, first, said string }{
		{"line", "50", "line 49", ""},
		{"line", "1,000", "", "the log has 100 lines"},
		{"line", "x", "", "from 1"},
		{"percent", "50%", "line 50", ""},
		{"percent", "101", "", "from 0 to 100"},
		{"time", "25:00", "", "back from the end"},
		{"time", "14:00", "", "none came since"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.arg, func(t *testing.T) {
			t.Parallel()
			_, p := following(t, 100)
			for _, c := range p.m.Commands() {
				if c.Name == tt.name {
					p.do(c.Run([]string{tt.arg}))
				}
			}
			if tt.said != "" {
				if n := sent[screen.NoticeMsg](p); !strings.Contains(n.Text, tt.said) {
					t.Errorf("said %q, want %q", n.Text, tt.said)
				}
				return
			}
			p.until("the place", func(m Model) bool { return !m.follow })
			if got := p.body()[0]; got != tt.first {
				t.Errorf("at %q, want %q", got, tt.first)
			}
		})
	}
}

// An editor that can be told not to change the job's file gets that, any other
// a copy which cannot be written.
func TestEditorCannotChangeTheLog(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte(numbered(0, 50)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, editor := range []string{"vim", "code"} {
		t.Run(editor, func(t *testing.T) {
			t.Parallel()
			env := tuitest.Env(t, &tuitest.Jobs{T: t, GetFn: func(context.Context, string) (rayapi.Job, error) { return job(rayapi.StatusSucceeded), nil }})
			env.LogFile = func(context.Context, string) (string, error) { return log, nil }
			env.Getenv = func(name string) string { return map[string]string{"EDITOR": editor}[name] }
			p := openIn(t, env, job(rayapi.StatusSucceeded), 80, 24)
			p.lines(50)
			p.keys("v")
			msg := sent[screen.ExecMsg](p)
			args := strings.Join(msg.Cmd.Args[4:], " ")
			if editor == "vim" {
				if !strings.HasPrefix(args, "-R +") || !strings.HasSuffix(args, log) {
					t.Errorf("vim gets %q", args)
				}
				return
			}
			path, _, _ := strings.Cut(msg.Cmd.Args[len(msg.Cmd.Args)-1], ":")
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o400 || path == log || info.Size() != int64(len(numbered(0, 50))) {
				t.Errorf("%s gets %q: %+v, %v", editor, args, info, err)
			}
			msg.Done(nil)
			if _, err := os.Stat(path); err == nil {
				t.Error("the copy stays")
			}
		})
	}
}
