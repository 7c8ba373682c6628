//go:build ray

package submit

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/backend/shellwords"
	"dray/tui/screen"
)

// TestRayLine runs the shown command with Ray's own client, whose request must
// be the one that the form would send.
func TestRayLine(t *testing.T) {
	python := os.Getenv("DRAY_RAY_PYTHON")
	if python == "" {
		t.Fatal("DRAY_RAY_PYTHON must name a python that has ray[default]")
	}
	for name, want := range map[string]rayapi.SubmitRequest{
		"plain": {Entrypoint: "python train.py --lr 0.1", SubmissionID: "s-1"},
		"full": {
			Entrypoint: `echo "it's $HOME" && python x.py 'a  b'`, SubmissionID: "s-2", NumCPUs: 2, NumGPUs: 0.5, Memory: 1 << 30,
			Metadata: map[string]string{"team": "vision", "note": "it's \"é\" $x"}, Resources: map[string]float64{"TPU": 1},
			LabelSelector: map[string]string{"zone": "in(a, b)"},
			RuntimeEnv:    json.RawMessage(`{"env_vars":{"A":"1","HF_TOKEN":"s3cret","B":"two words $x 'q'"},"config":{"setup_timeout_seconds":60,"eager_install":true,"log_files":[]},"zeta":[1]}`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			bodies := make(chan []byte, 1)
			mux := http.NewServeMux()
			mux.HandleFunc("GET /api/version", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "s"}`)
			})
			mux.HandleFunc("POST /api/jobs/", func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				bodies <- data
				_, _ = io.WriteString(w, `{"job_id": "x", "submission_id": "`+want.SubmissionID+`"}`)
			})
			srv := httptest.NewServer(mux)
			defer srv.Close()
			s := newShown(want, workDir{}, &screen.Env{Target: screen.Target{Address: srv.URL}}, secret)
			cmd := exec.CommandContext(t.Context(), "sh", "-c", oneLine(s.ray()))
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(python)+":"+os.Getenv("PATH"), "HF_TOKEN=s3cret", "RAY_AUTH_MODE=disabled")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s\n%s", err, oneLine(s.ray()), out)
			}
			select {
			case data := <-bodies:
				got, err := rayapi.ParseSubmit(data)
				if err != nil {
					t.Fatalf("%v: %s", err, data)
				}
				plain := func(r rayapi.SubmitRequest) any {
					var env any
					if len(r.RuntimeEnv) > 0 {
						_ = json.Unmarshal(r.RuntimeEnv, &env)
					}
					if m, ok := env.(map[string]any); ok && len(m) == 0 {
						env = nil
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
				if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
					t.Errorf("Ray's client sends (-want +got):\n%s", diff)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Ray's client sent nothing")
			}
		})
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
