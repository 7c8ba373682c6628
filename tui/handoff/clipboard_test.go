package handoff

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCopy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		env        []string
		size       int
		want, said string
	}{
		{"plain", nil, 2, "\x1b]52;c;", "OSC 52)"},
		{"screen", []string{"STY", "1.x"}, 2, "\x1bP\x1b]52", "through screen"},
		{"tmux without a server", []string{"TMUX", "/nowhere/sock,1,0"}, 2, "\x1bPtmux;", "through tmux"},
		{"as long as a terminal takes", nil, maxOSC, "\x1b]52;c;", "OSC 52)"},
		{"longer", nil, maxOSC + 1, "", "too long for a clipboard, written to "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			dir := filepath.Join(t.TempDir(), "data")
			text := strings.Repeat("x", tt.size)
			said, err := Clipboard{Terminal: &out, Getenv: env(tt.env...), Dir: dir}.Copy(t.Context(), text)
			if err != nil || !strings.Contains(said, tt.said) || !strings.Contains(out.String(), tt.want) {
				t.Errorf("said %q, %v, wrote %.40q; want %q and %q", said, err, out.String(), tt.said, tt.want)
			}
			if _, path, ok := strings.Cut(said, "written to "); ok {
				got, err := os.ReadFile(path)
				if err != nil || string(got) != text || out.Len() > 0 {
					t.Errorf("the file holds %d bytes, %v; the terminal got %d", len(got), err, out.Len())
				}
				if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("the file is open to others: %v, %v", info.Mode(), err)
				}
			}
		})
	}
}

func TestCopy_ofTheDesktop(t *testing.T) {
	program, out := recorder(t, "xclip")
	t.Setenv("PATH", filepath.Dir(program))
	var terminal bytes.Buffer
	said, err := Clipboard{Terminal: &terminal, Getenv: env("DISPLAY", ":0")}.Copy(t.Context(), "id")
	if err != nil || said != "copied (xclip)" || terminal.Len() > 0 {
		t.Errorf("said %q, %v, wrote %q", said, err, terminal.String())
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "-selection\nclipboard\n" {
		t.Errorf("xclip got %q, %v", got, err)
	}
	said, err = Clipboard{Terminal: &terminal, Getenv: env("DISPLAY", ":0", "SSH_CONNECTION", "a")}.Copy(t.Context(), "id")
	if err != nil || !strings.Contains(said, "OSC 52") {
		t.Errorf("over ssh: said %q, %v", said, err)
	}
}

// outer is the terminal around a multiplexer: what it is sent.
type outer struct {
	t    *testing.T
	tty  *os.File
	got  bytes.Buffer
	data chan []byte
}

// inside runs a program in a terminal of its own until the test ends.
func inside(t *testing.T, args ...string) *outer {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skipf("NOT CHECKED: %s is not installed: %v", args[0], err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "TMUX=", "STY=", "SCREENDIR="+t.TempDir(), "LC_ALL=C.UTF-8")
	if err := os.Chmod(strings.TrimPrefix(cmd.Env[len(cmd.Env)-2], "SCREENDIR="), 0o700); err != nil {
		t.Fatal(err)
	}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	o := &outer{t: t, tty: tty, data: make(chan []byte, 1024)}
	go func() {
		defer close(o.data)
		for {
			buf := make([]byte, 4096)
			n, err := tty.Read(buf)
			if err != nil {
				return
			}
			o.data <- buf[:n]
		}
	}()
	t.Cleanup(func() {
		_, _ = tty.Write([]byte{4}) // the end of its input ends cat, and with it the session
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		for range o.data {
		}
		_ = cmd.Wait()
		kill.Stop()
		tty.Close()
	})
	return o
}

func (o *outer) wait(want string) {
	o.t.Helper()
	timeout := time.After(20 * time.Second)
	for !bytes.Contains(o.got.Bytes(), []byte(want)) {
		select {
		case p, ok := <-o.data:
			if !ok {
				o.t.Fatalf("it ended without %q: %q", want, o.got.String())
			}
			o.got.Write(p)
		case <-timeout:
			o.t.Fatalf("no %q in %q", want, o.got.String())
		}
	}
}

// The text must reach the terminal around a real tmux as OSC 52.
func TestCopy_throughTmux(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	o := inside(t, "tmux", "-S", socket, "-f", "/dev/null", "new-session", "echo ready; exec cat")
	o.wait("ready")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", socket, "kill-server").Run() })
	var direct bytes.Buffer
	said, err := Clipboard{Terminal: &direct, Getenv: env("TMUX", socket+",1,0")}.Copy(t.Context(), "the text")
	if err != nil || !strings.HasPrefix(said, "copied (tmux") || direct.Len() > 0 {
		t.Errorf("said %q, %v, wrote %q", said, err, direct.String())
	}
	o.wait(";" + base64.StdEncoding.EncodeToString([]byte("the text")))
	buffer, err := exec.Command("tmux", "-S", socket, "show-buffer").Output()
	if err != nil || string(buffer) != "the text" {
		t.Errorf("tmux's buffer holds %q, %v", buffer, err)
	}
}

// The text must reach the terminal around a real screen, whole though it is
// longer than screen passes on at once.
func TestCopy_throughScreen(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 300)
	var seq bytes.Buffer
	if _, err := (Clipboard{Terminal: &seq, Getenv: env("STY", "1.x")}).Copy(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seq")
	if err := os.WriteFile(file, seq.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	o := inside(t, "screen", "-c", "/dev/null", "sh", "-c", "cat '"+file+"'; echo ready; exec cat")
	o.wait("ready")
	o.wait("\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\a")
}
