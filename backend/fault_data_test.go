//go:build linux

package backend_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"dray/backend"
	"dray/backend/client"
	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

// A line of 10 MB, NULs, bytes that are no UTF-8 and a rune in two pieces: the
// raw log has them to the byte, the WebSocket sends text.
func TestFault29_rawLog(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h, c := open(t, state)
	defer shut(t, h)
	d := submit(t, c, state, rayapi.SubmitRequest{
		Entrypoint: `head -c 10000000 /dev/zero | tr '\0' x; echo; printf 'a\0b\377\342'; sleep 0.1; printf '\202\254 \303'`,
	})
	id := filepath.Base(d.Path())
	text, closed := tail(t, socket(t, state), id, func(string) {})
	wantExit(t, ended(t, c, id), 0)
	want := strings.Repeat("x", 10000000) + "\na\x00b\xff€ \xc3"
	code, body := raw(t, h.Endpoint(), http.MethodGet, "/api/jobs/"+id+"/logs/raw", nil)
	if got := afterHead(body, d); code != http.StatusOK || got != want {
		t.Errorf("raw: status %d, %d bytes of %d", code, len(got), len(want))
	}
	if got := afterHead(text, d); closed != websocket.StatusNormalClosure || got != strings.ToValidUTF8(want, "\ufffd") {
		t.Errorf("followed %d bytes of %d, closed with %d", len(got), len(want), closed)
	}
}

// badZips are archives that would write outside of their folder.
func badZips(t *testing.T, outside string) map[string][]byte {
	t.Helper()
	type entry struct {
		name, body string
		mode       fs.FileMode
	}
	zips := map[string][]byte{}
	for name, entries := range map[string][]entry{
		"parent":          {{"ok.txt", "x", 0o644}, {"../../../../../../../../" + outside + "/evil", "x", 0o644}},
		"absolute":        {{outside + "/evil", "x", 0o644}},
		"through a link":  {{"way", outside, fs.ModeSymlink | 0o777}, {"way/evil", "x", 0o644}},
		"device":          {{"evil", "", fs.ModeDevice | fs.ModeCharDevice | 0o666}},
		"pipe":            {{"evil", "", fs.ModeNamedPipe | 0o666}},
		"name with a NUL": {{"a\x00b", "x", 0o644}},
	} {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		for _, e := range entries {
			head := &zip.FileHeader{Name: e.name}
			head.SetMode(e.mode)
			f, err := w.CreateHeader(head)
			if err == nil {
				_, err = f.Write([]byte(e.body))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		zips[name] = buf.Bytes()
	}
	zips["no archive"] = []byte("PK\x03\x04 and nothing more")
	return zips
}

// An archive that would write outside of its folder fails its job, and writes
// nothing.
func TestFault32_badArchives(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	outside := t.TempDir()
	h, c := open(t, state)
	defer shut(t, h)
	n := 0
	for name, data := range badZips(t, outside) {
		n++
		pkg := fmt.Sprintf("_ray_pkg_%016x.zip", n)
		code, body := raw(t, h.Endpoint(), http.MethodPut, "/api/packages/gcs/"+pkg, bytes.NewReader(data))
		if code == http.StatusBadRequest {
			continue // refused at once
		}
		if code != http.StatusOK {
			t.Errorf("%s: upload: %d %s", name, code, body)
		}
		d := submit(t, c, state, rayapi.SubmitRequest{Entrypoint: "true", RuntimeEnv: json.RawMessage(`{"working_dir": "gcs://` + pkg + `"}`)})
		if j := ended(t, c, filepath.Base(d.Path())); j.Status != rayapi.StatusFailed || j.ErrorTypeText() != rayapi.ErrRuntimeEnvSetup {
			t.Errorf("%s: the job is %s, %s: %s", name, j.Status, j.ErrorTypeText(), j.MessageText())
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
}

// The values of env_vars are in the files that are made for them and in the
// job's environment, and nowhere else.
func TestFault42_secrets(t *testing.T) {
	t.Parallel()
	const marker = "mark-7f3a9c51"
	state := filepath.Join(t.TempDir(), "state")
	logPath := filepath.Join(t.TempDir(), "log")
	logFile, err := os.Create(logPath)
	if err != nil {
		t.Fatal(err)
	}
	defer logFile.Close()
	h, err := backend.Open(t.Context(), backend.Config{
		StateDir: state, DefaultDir: "/", Version: "test", Getenv: noEnv,
		Log: slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, h)
	c, err := client.New(h.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	env := func(more string) json.RawMessage {
		return json.RawMessage(`{"env_vars": {"A_TOKEN": "` + marker + `"}` + more + `}`)
	}
	d := submit(t, c, state, rayapi.SubmitRequest{Entrypoint: `echo ${#A_TOKEN}; exec sleep 300`, RuntimeEnv: env("")})
	awaitOutput(t, d, fmt.Sprint(len(marker)))
	failed := submit(t, c, state, rayapi.SubmitRequest{Entrypoint: "true", RuntimeEnv: env(`, "working_dir": "gcs://_ray_pkg_00000000deadbeef.zip"`)})
	if j := ended(t, c, filepath.Base(failed.Path())); strings.Contains(j.MessageText(), marker) || j.Status != rayapi.StatusFailed {
		t.Errorf("it is %s: %s", j.Status, j.MessageText())
	}
	if _, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "true", SubmissionID: "a b\x00", RuntimeEnv: env("")}); err == nil || strings.Contains(err.Error(), marker) {
		t.Errorf("a refused submit: %v", err)
	}
	slot := awaitSlot(t, d, "running", func(s jobdir.Slot) bool { return s.Leader != nil })
	if env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", slot.Leader.PID)); err != nil || !strings.Contains(string(env), marker) {
		t.Errorf("the job does not have it: %v", err)
	}
	for _, path := range []string{
		fmt.Sprintf("/proc/%d/environ", slot.Shim.PID), fmt.Sprintf("/proc/%d/cmdline", slot.Shim.PID),
		fmt.Sprintf("/proc/%d/cmdline", slot.Leader.PID), logPath,
	} {
		if data, err := os.ReadFile(path); err != nil || strings.Contains(string(data), marker) {
			t.Errorf("%s holds it, or %v", path, err)
		}
	}
	if _, err := c.Stop(t.Context(), filepath.Base(d.Path())); err != nil {
		t.Fatal(err)
	}
	ended(t, c, filepath.Base(d.Path()))
	wantOnlySecrets(t, state, marker)
}

// wantOnlySecrets looks for the marker in all files.
func wantOnlySecrets(t *testing.T, root, marker string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the database's journal comes and goes
		}
		if strings.Contains(string(data), marker) && !strings.HasSuffix(path, ".secret.json") {
			t.Errorf("%s holds it", path)
		}
		if info, err := e.Info(); err == nil && strings.HasSuffix(path, ".secret.json") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An entrypoint is what "sh -c" makes of it, whatever it is made of; one that
// no process could be started with is refused.
func TestFault43_entrypoints(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h, c := open(t, state)
	defer shut(t, h)
	const long = 119999
	pad := strings.Repeat("a", long-len(": ''; echo end"))
	for name, script := range map[string]string{
		"quotes":        `echo "a 'b' \"c\"" 'd "e"' \$HOME`,
		"lines":         "echo one\necho two\n# comment\necho three",
		"substitutions": "echo $(echo a; echo `echo b`) $((1+2)) ${NONE:-none}; false; echo $?",
		"document":      "cat <<'E'\n$x `y` \\z\nE",
		"no end":        "echo 'open",
		"variable":      `printf '%s|' "$ODD"; exit 9`,
		"long":          ": '" + pad + "'; echo end",
	} {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
		odd := "a=b\nc \"d\" $e"
		cmd.Env = append(os.Environ(), "ODD="+odd)
		want, err := cmd.CombinedOutput()
		code := cmd.ProcessState.ExitCode()
		env, jsonErr := json.Marshal(map[string]any{"env_vars": map[string]string{"ODD": odd}})
		if jsonErr != nil {
			t.Fatal(err)
		}
		d := submit(t, c, state, rayapi.SubmitRequest{Entrypoint: script, RuntimeEnv: env})
		wantExit(t, ended(t, c, filepath.Base(d.Path())), code)
		got := own(t, d)
		if code == 2 { // what a shell says about an error of syntax begins with its name
			continue
		}
		if got != string(want) {
			t.Errorf("%s: output %.200q, want %.200q", name, got, want)
		}
	}
	_, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: strings.Repeat("a", 131072)})
	if !errors.Is(err, rayapi.ErrInvalid) {
		t.Errorf("131,072 bytes: %v", err)
	}
}

// A job whose supervisor was of another version is taken over; what that one
// wrote and this one does not know is kept.
func TestFault44_otherVersions(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*jobdir.Slot){
		"newer": func(s *jobdir.Slot) {
			s.Version, s.Unknown = 9, map[string]json.RawMessage{"mood": json.RawMessage(`{"good":[1]}`)}
		},
		"older": func(s *jobdir.Slot) { s.Cgroup, s.Leader.PidfsInode, s.Shim.PidfsInode = "", 0, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := filepath.Join(t.TempDir(), "state")
			p := startHost(t, state)
			d := submit(t, p.client(t), state, rayapi.SubmitRequest{
				Entrypoint: "echo ready; while [ ! -e " + state + "/go ]; do sleep 0.02; done; echo end; exit 3",
			})
			awaitOutput(t, d, "ready")
			slot := awaitSlot(t, d, "running", func(s jobdir.Slot) bool { return s.Leader != nil })
			p.kill()
			killPID(t, slot.Shim.PID)
			edit(&slot)
			w, err := d.OpenSlot()
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(w.Write(slot), w.Close()); err != nil {
				t.Fatal(err)
			}
			h, c := open(t, state)
			defer shut(t, h)
			submit(t, c, state, rayapi.SubmitRequest{Entrypoint: "true"}) // is answered when the other one is taken over
			if err := os.WriteFile(filepath.Join(state, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			j := ended(t, c, filepath.Base(d.Path()))
			if j.DriverExitCode != nil && *j.DriverExitCode != 3 || own(t, d) != "ready\nend\n" {
				t.Errorf("it is %s, output %q: %s", j.Status, own(t, d), j.MessageText())
			}
			last, err := d.ReadSlot()
			if err != nil || last.Phase != jobdir.PhaseSealed || last.Version != slot.Version || len(last.Unknown) != len(slot.Unknown) {
				t.Errorf("slot %+v, %v", last, err)
			}
		})
	}
}
