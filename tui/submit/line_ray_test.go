//go:build ray

package submit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/backend/shellwords"
	"dray/tui/screen"
)

// head is a server that keeps what it is sent.
type head struct {
	*httptest.Server
	bodies   chan []byte
	mu       sync.Mutex
	packages map[string]int // by name, the bytes
	puts     int
}

func newHead(t *testing.T) *head {
	t.Helper()
	h := &head{bodies: make(chan []byte, 1), packages: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/version", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "s"}`)
	})
	mux.HandleFunc("POST /api/jobs/", func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		var body struct {
			ID string `json:"submission_id"`
		}
		_ = json.Unmarshal(data, &body)
		h.bodies <- data
		_, _ = io.WriteString(w, `{"job_id": "x", "submission_id": "`+body.ID+`"}`)
	})
	mux.HandleFunc("/api/packages/gcs/{name}", func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		name := r.PathValue("name")
		if r.Method == http.MethodPut {
			n, _ := io.Copy(io.Discard, r.Body)
			h.packages[name] = int(n)
			h.puts++
		} else if _, ok := h.packages[name]; !ok {
			http.Error(w, "Package gcs://"+name+" does not exist", http.StatusNotFound)
		}
	})
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// byRay runs a shown command with Ray's own client and returns its request.
func (h *head) byRay(t *testing.T, line string) rayapi.SubmitRequest {
	t.Helper()
	python := os.Getenv("DRAY_RAY_PYTHON")
	if python == "" {
		t.Fatal("DRAY_RAY_PYTHON must name a python that has ray[default]")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(python)+":"+os.Getenv("PATH"), "HF_TOKEN=s3cret", "RAY_AUTH_MODE=disabled")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, line, out)
	}
	select {
	case data := <-h.bodies:
		got, err := rayapi.ParseSubmit(data)
		if err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		return got
	case <-time.After(30 * time.Second):
		t.Fatal("Ray's client sent nothing")
	}
	return rayapi.SubmitRequest{}
}

// plain is a request without what Ray's client writes in another way: it
// completes some keys of the environment and packs shell text into words.
func plain(r rayapi.SubmitRequest) any {
	env := map[string]any{}
	if len(r.RuntimeEnv) > 0 {
		_ = json.Unmarshal(r.RuntimeEnv, &env)
	}
	delete(env, "_ray_commit")
	for _, kind := range []string{fieldPip, fieldUv} {
		if full, ok := env[kind].(map[string]any); ok {
			env[kind] = full["packages"]
		}
		if list, ok := env[kind].([]any); ok {
			seen := map[any]bool{}
			env[kind] = slices.DeleteFunc(list, func(e any) bool { was := seen[e]; seen[e] = true; return was })
		}
	}
	if config, ok := env["config"].(map[string]any); ok {
		for name, def := range map[string]any{"eager_install": true, "log_files": []any{}} {
			if reflect.DeepEqual(config[name], def) {
				delete(config, name)
			}
		}
	}
	if len(r.Metadata) == 0 {
		r.Metadata = nil
	}
	if e, ok := splitShell(r.Entrypoint); ok {
		r.Entrypoint = e
	}
	r.RuntimeEnv = nil
	return []any{r, env}
}

// TestRayLine runs the shown command with Ray's own client, whose request must
// be the one that the form would send: for requests with everything in them, and
// for generated ones.
func TestRayLine(t *testing.T) {
	cases := map[string]rayapi.SubmitRequest{
		"plain": {Entrypoint: "python train.py --lr 0.1", SubmissionID: "s-1"},
		"full": {
			Entrypoint: `echo "it's $HOME" && python x.py 'a  b'`, SubmissionID: "s-2", NumCPUs: 2, NumGPUs: 0.5, Memory: 1 << 30,
			Metadata: map[string]string{"team": "vision", "note": "it's \"é\" $x"}, Resources: map[string]float64{"TPU": 1},
			LabelSelector: map[string]string{"zone": "in(a, b)"},
			RuntimeEnv:    json.RawMessage(`{"env_vars":{"A":"1","HF_TOKEN":"s3cret","B":"two words $x 'q'"},"config":{"setup_timeout_seconds":60,"eager_install":true,"log_files":[]},"zeta":[1]}`),
		},
		"lines": {Entrypoint: "set -e\nmake data\npython x.py \\\n  --lr 1", SubmissionID: "s-3"},
	}
	generator := rapid.Custom(anyRequest)
	for i := range 12 {
		r := generator.Example(i + 1)
		r.SubmissionID = fmt.Sprintf("g-%d", i)
		cases[r.SubmissionID] = r
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHead(t)
			var env struct {
				Dir string `json:"working_dir"`
			}
			_ = json.Unmarshal(want.RuntimeEnv, &env)
			s := newShown(want, workDir{uri: env.Dir}, &screen.Env{Target: screen.Target{Address: h.URL}}, secret)
			line := oneLine(s.ray())
			if diff := cmp.Diff(plain(want), plain(h.byRay(t, line))); diff != "" {
				t.Errorf("Ray's client sends (-want +got):\n%s\n%s", diff, line)
			}
		})
	}
}

// TestRayLine_uploads submits a working dir and modules from the form, and then
// the line that it shows by Ray's own client: both send the same request, and
// the second finds all packages there.
func TestRayLine_uploads(t *testing.T) {
	h := newHead(t)
	c, err := client.New(client.Endpoint{BaseURL: h.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	env := remote(t, screen.FromClient(c))
	env.Target.Address, env.Preflight, env.PreflightModule = h.URL, c.Preflight, c.PreflightModule
	write(t, filepath.Join(env.Cwd, "x.py"), "print(1)")
	write(t, filepath.Join(env.Cwd, ".gitignore"), "*.ckpt\n")
	write(t, filepath.Join(env.Cwd, "a.ckpt"), "0")
	write(t, filepath.Join(mkdir(t, filepath.Join(env.Cwd, "my lib")), "__init__.py"), "y = 2")
	write(t, filepath.Join(env.Cwd, "my lib", "skip.tool"), "left out by excludes")
	write(t, filepath.Join(env.Cwd, "tool-1.0-py3-none-any.whl"), "not looked into")
	m := started(t, New(env), 140, 37)
	m, _ = typed(m, "python x.py", "at:submission_id", "up-1", "at:working_dir", ".", "at:excludes", "paste:tool*\n*.tool", "at:py_modules", "paste:./my lib\ntool-1.0-py3-none-any.whl")
	m, _ = settled(t, m)
	if len(m.problems) > 0 {
		t.Fatal(m.problems)
	}
	line := oneLine(m.shown().ray())
	up, err := m.parcels().send(t.Context(), env, func(progressMsg) {})
	if err != nil {
		t.Fatal(err)
	}
	want := m.request
	want.RuntimeEnv = up.into(want.RuntimeEnv)
	puts := h.puts
	if diff := cmp.Diff(plain(want), plain(h.byRay(t, line))); diff != "" || puts != 3 {
		t.Errorf("Ray's client sends, after %d uploads (-want +got):\n%s\n%s", puts, diff, line)
	}
	if h.puts != puts {
		t.Errorf("Ray's client has sent %d packages again: %v", h.puts-puts, h.packages)
	}
}

// splitShell returns the text that sh -c runs: Ray's client quotes each word,
// so shell text travels as the one word of such a call.
func splitShell(entrypoint string) (string, bool) {
	words, err := shellwords.Split(entrypoint)
	if err != nil || len(words) != 3 || words[0] != "sh" || words[1] != "-c" {
		return "", false
	}
	return words[2], true
}
