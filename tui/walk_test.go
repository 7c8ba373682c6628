//go:build unix

package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/terminal"
	"dray/tui/tuitest"
)

// walked is a server of jobs in memory that writes down in a file each request
// that changes something.
func walked(dir string) screen.Jobs {
	wrote := func(what string) error {
		f, err := os.OpenFile(filepath.Join(dir, "writes"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(f, what)
		return errors.Join(err, f.Close())
	}
	return &tuitest.Jobs{
		ListFn: func(context.Context) ([]rayapi.Job, error) { return tuitest.Jobs20(), nil },
		GetFn: func(_ context.Context, id string) (rayapi.Job, error) {
			for _, j := range tuitest.Jobs20() {
				if j.ID() == id {
					return j, nil
				}
			}
			return rayapi.Job{}, rayapi.NotFoundError(id)
		},
		SubmitFn: func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
			return r.SubmissionID, wrote("submit " + r.Entrypoint)
		},
		StopFn:   func(_ context.Context, id string) (bool, error) { return true, wrote("stop " + id) },
		DeleteFn: func(_ context.Context, id string) error { return wrote("delete " + id) },
		FollowFn: func(context.Context, string, int64) (screen.LogStream, error) { return &shortLog{}, nil },
		UploadFn: func(_ context.Context, path string, _ []string, _ func(done, total int64)) (string, error) {
			return "gcs://_ray_pkg_0.zip", wrote("upload " + path)
		},
	}
}

// shortLog is the log of a job that has ended.
type shortLog struct{ read bool }

func (l *shortLog) Next(context.Context) (client.Chunk, error) {
	if l.read {
		return client.Chunk{}, io.EOF
	}
	l.read = true
	return client.Chunk{Data: "one\nERROR two\nTraceback (most recent call last):\nValueError: three\n"}, nil
}

func (*shortLog) Close() error { return nil }

// walkKeys is every key that a terminal can send, but for those that end or
// suspend the program (ctrl-c, ctrl-z, and q at the list), that submit a form
// (ctrl-s), or that agree to a question (y).
func walkKeys() []string {
	var keys []string
	for r := ' '; r <= '~'; r++ {
		if r != 'q' && r != 'y' {
			keys = append(keys, string(r))
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		if !strings.ContainsRune("csz", c) {
			keys = append(keys, string(c-'a'+1))
		}
	}
	for _, seq := range []string{"A", "B", "C", "D", "H", "F", "Z", "2~", "3~", "5~", "6~", "15~", "17~", "18~", "19~", "20~", "21~", "23~", "24~", "1;5A", "1;5B", "1;5C", "1;5D"} {
		keys = append(keys, "\x1b["+seq)
	}
	for _, seq := range []string{"P", "Q", "R", "S"} { // F1 to F4
		keys = append(keys, "\x1bO"+seq)
	}
	return append(keys, "\x1b", "\x7f", "\x1b[<0;10;8M\x1b[<0;10;8m", "\x1b[<64;10;8M", "\x1b[<65;10;8M", "\x1b[200~pasted\ntext\x1b[201~")
}

// walk starts the dashboard, presses keys, quits it, and returns the requests
// that changed something.
func walk(t *testing.T, keys []string) []string {
	t.Helper()
	return walkIn(t, "walk", keys)
}

// walkIn walks in a scene.
func walkIn(t *testing.T, scene string, keys []string) []string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), sceneVar+"="+scene, "DRAY_TUI_TEST_DIR="+dir, "HOME="+dir, "EDITOR=true", "VISUAL=true", "PAGER=true",
		"TERM=xterm-256color", "LC_ALL=C.UTF-8", "TMUX=", "STY=", "NO_COLOR=")
	term, err := terminal.Start(cmd, 100, 30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	await(t, term, "RUNNING")
	for _, k := range keys {
		typed(t, term, k)
	}
	taken(t, term)
	typed(t, term, "\x03")
	// What was confirmed is sent at the end; a client that refuses it says so.
	if err := term.Wait(t.Context(), patience); err != nil && !strings.Contains(term.Screen(), "read-only here: nothing was sent") {
		t.Fatalf("%v\n%s", err, term.Screen())
	}
	text, err := os.ReadFile(filepath.Join(dir, "writes"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool { return l == "" })
}

// taken returns when the dashboard has taken all keys so far: keys are taken in
// order, and from the list, to which enough of esc lead, ? opens the help.
func taken(t *testing.T, term *terminal.Terminal) {
	t.Helper()
	const tries, box = 30, "Help "
	for range tries {
		// Apart, or they are one key, alt and ?. Two of esc in a row drop a text
		// that cannot be read.
		for _, k := range []string{"\x1b", "\x1b", "?"} {
			typed(t, term, k)
			if term.AwaitText(t.Context(), 200*time.Millisecond, box) == nil {
				return
			}
		}
	}
	t.Fatalf("no help:\n%s", term.Screen())
}

// Every key, on every page to which keys lead, in random order: as long as
// nobody says yes, nothing is changed.
func TestWalk_nothingChangesUnasked(t *testing.T) {
	t.Parallel()
	const walks, steps = 6, 250
	without := func(keys []string, not ...string) []string {
		return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return slices.Contains(not, k) })
	}
	all := walkKeys()
	alphabets := map[string][]string{
		// A question is agreed to by y, or by enter after its other button was
		// selected: one of the two is left out. So are the keys that open the
		// form, which enter may send.
		"no enter":    without(all, "\r", "\n"),
		"no choosing": without(all, "\t", "\x1b[Z", "\x1b[C", "\x1b[D", "\x1b[1;5C", "\x1b[1;5D", "h", "l", "n", "e", ":", "\x1b[<0;10;8M\x1b[<0;10;8m"),
	}
	for name, keys := range alphabets {
		for i := range walks {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(uint64(i), uint64(len(name))))
				var pressed []string
				for len(pressed) < steps {
					pressed = append(pressed, keys[random.IntN(len(keys))])
				}
				if got := walk(t, pressed); len(got) > 0 {
					t.Errorf("%q was sent, and nobody agreed to it, by %q", got, pressed)
				}
			})
		}
	}
}

// The walk would see a request, if there was one.
func TestWalk_seesWhatIsAgreedTo(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{"xy": "stop", "x\x1b[Z\x1b[C\r": "stop", "GDy": "delete"} {
		if got := walk(t, []string{"g", keys}); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q sent %q, want one %s", keys, got, want)
		}
	}
}
