//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobdir"
	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
)

func TestLife(t *testing.T) {
	t.Parallel()
	failure := "Job entrypoint command failed with exit code %d, last available logs (truncated to 20,000 chars):\n"
	tests := []struct {
		entrypoint string
		status     rayapi.Status
		errorType  string
		message    string // a part of it
		exit       *int
		node       bool // it was started
	}{
		{"exit 0", rayapi.StatusSucceeded, "", rayapi.MessageSucceeded, new(int), true},
		{"exit 3", rayapi.StatusFailed, rayapi.ErrEntrypointCommand, fmt.Sprintf(failure, 3), ptr(3), true},
		{"exit -9", rayapi.StatusFailed, rayapi.ErrEntrypointCommand, fmt.Sprintf(failure, -9), ptr(-9), true},
		{"cannot start", rayapi.StatusFailed, rayapi.ErrEntrypointStart, "no such directory", nil, false},
		{"no supervisor", rayapi.StatusFailed, rayapi.ErrStartFailure, "resource temporarily unavailable", nil, false},
		{"dies 4", rayapi.StatusRunning, "", rayapi.MessageRunning, nil, true},
		{"dies 5", rayapi.StatusFailed, rayapi.ErrStartFailure, "its supervisor ended 5 times before the entrypoint ran", nil, false},
		{"sleep", rayapi.StatusRunning, "", rayapi.MessageRunning, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.entrypoint, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start()
			id := r.run(tt.entrypoint)
			j := r.awaitStatus(id, tt.status)
			if j.Status != tt.status || j.ErrorTypeText() != tt.errorType || !strings.Contains(j.MessageText(), tt.message) {
				t.Errorf("%s %s %q, want %s %s %q", j.Status, j.ErrorTypeText(), j.MessageText(), tt.status, tt.errorType, tt.message)
			}
			if diff := cmp.Diff(tt.exit, j.DriverExitCode); diff != "" {
				t.Errorf("exit code: %s", diff)
			}
			if started := j.DriverNodeID != nil && j.DriverAgentHTTPAddress != nil; started != tt.node {
				t.Errorf("node %v, address %v, want set: %t", j.DriverNodeID, j.DriverAgentHTTPAddress, tt.node)
			}
			if tt.node && !regexp.MustCompile(`^[0-9a-f]{56}$`).MatchString(*j.DriverNodeID) {
				t.Errorf("node id %q", *j.DriverNodeID)
			}
			if (j.EndTime != nil) != tt.status.IsTerminal() {
				t.Errorf("end time %v", j.EndTime)
			}
			if tt.status.IsTerminal() { // what memory said is what the store says
				if diff := cmp.Diff(r.ended(id), r.job(id)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestSubmit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	r.world.hold = make(chan struct{})
	defer close(r.world.hold)
	env := `{"working_dir":"local:///","env_vars":{"B":"s3cret-b","A":"s3cret-a"},"extra":[1, 2]}`
	id, err := m.Submit(t.Context(), rayapi.SubmitRequest{
		Entrypoint: "sleep", RuntimeEnv: json.RawMessage(env), Metadata: map[string]string{"k": "v"}, NumCPUs: 1,
	})
	if err != nil || !strings.HasPrefix(id, "raysubmit_") {
		t.Fatalf("Submit = %q, %v", id, err)
	}
	j := r.job(id)
	want := "Job has not started yet. It may be waiting for resources (CPUs, GPUs, memory, custom resources) to become available." +
		" It may be waiting for the runtime environment to be set up."
	if j.Status != rayapi.StatusPending || j.MessageText() != want || j.Metadata["k"] != "v" || j.StartTime == nil {
		t.Errorf("accepted job: %+v %q", j, j.MessageText())
	}
	var got, sent any
	if err := errors.Join(json.Unmarshal(j.RuntimeEnv, &got), json.Unmarshal([]byte(env), &sent)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("runtime_env: %s", diff)
	}
	log, err := os.ReadFile(jobdir.Open(r.root() + "/" + id).Log())
	head := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\tINFO job_manager.py:\d+ -- Runtime env is setting up.\n$`)
	if err != nil || !head.Match(log) {
		t.Errorf("log of a new job: %q, %v", log, err)
	}
}

// The values of env_vars are in the secret file alone, and shown all the same,
// while the job lives and afterwards.
func TestSubmit_secrets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	id := r.submit(rayapi.SubmitRequest{Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"env_vars":{"TOKEN":"s3cret-value"}}`)})
	r.ended(id)
	shown := func() {
		t.Helper()
		if j := r.job(id); !strings.Contains(string(j.RuntimeEnv), "s3cret-value") {
			t.Errorf("Job shows %s", j.RuntimeEnv)
		}
		if rows := allRows(t, r.m); !strings.Contains(rows[0], "s3cret-value") {
			t.Errorf("Rows shows %s", rows[0])
		}
	}
	shown()
	r.restart()
	shown()
	for _, path := range []string{r.db(), r.db() + "-wal", r.root() + "/" + id + "/spec.json", r.root() + "/" + id + "/launch.json"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "s3cret-value") {
			t.Errorf("the value is in %s", path)
		}
	}
	environ, err := jobdir.Open(r.root() + "/" + id).Environ()
	if err != nil || !strings.Contains(strings.Join(environ, "\n"), "TOKEN=s3cret-value") {
		t.Errorf("environment of the job: %q, %v", environ, err)
	}
}

func allRows(t testing.TB, m *jobs.Manager) []string {
	t.Helper()
	var rows []string
	err := m.Rows(context.Background(), func(row []byte) error {
		rows = append(rows, string(row))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSubmit_refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		req  rayapi.SubmitRequest
		want string // part of the error
		is   error
	}{
		{"id with a slash", rayapi.SubmitRequest{SubmissionID: "a/b"}, "submission_id contains", rayapi.ErrInvalid},
		{"negative CPUs", rayapi.SubmitRequest{NumCPUs: -1}, "must not be negative", rayapi.ErrInvalid},
		{"long entrypoint", rayapi.SubmitRequest{Entrypoint: strings.Repeat("x", 131072)}, "at most 120000", rayapi.ErrInvalid},
		{"label", rayapi.SubmitRequest{LabelSelector: map[string]string{"-": "x"}}, "Invalid label key name", nil},
		{"environment", rayapi.SubmitRequest{RuntimeEnv: json.RawMessage(`{"pip":["x"]}`)}, "no pip here", rayapi.ErrInvalid},
		{"environment that is no object", rayapi.SubmitRequest{RuntimeEnv: json.RawMessage(`[]`)}, "runtime_env", rayapi.ErrInvalid},
		{"id in use", rayapi.SubmitRequest{SubmissionID: "taken"}, "Please use a different submission_id", rayapi.ErrExists},
		{"id of a job that is over", rayapi.SubmitRequest{SubmissionID: "over"}, "already exists", rayapi.ErrExists},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.envs.check = func(raw json.RawMessage) error {
				if strings.Contains(string(raw), "pip") {
					return fmt.Errorf("%w: no pip here", rayapi.ErrInvalid)
				}
				return nil
			}
			m := r.start()
			r.submit(rayapi.SubmitRequest{SubmissionID: "taken", Entrypoint: "sleep"})
			r.ended(r.submit(rayapi.SubmitRequest{SubmissionID: "over", Entrypoint: "exit 0"}))
			_, err := m.Submit(t.Context(), tt.req)
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Submit = %v, want %q", err, tt.want)
			}
			entries, err := os.ReadDir(r.root())
			if len(entries) != 2 || err != nil {
				t.Errorf("folders after a refused submit: %v, %v", entries, err)
			}
		})
	}
}

// What Ray finds out only when it starts the job is accepted, and fails.
func TestFault37_setupFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		check     error
		build     error
		errorType string
		message   string
	}{
		{
			"bad working_dir", &runtimeenv.StartError{Reason: "/nope is not a valid path."}, nil, rayapi.ErrStartFailure,
			"Failed to start supervisor actor the-id: '/nope is not a valid path.'.",
		},
		{
			"package is gone", nil, &runtimeenv.SetupError{Reason: "no such package"}, rayapi.ErrRuntimeEnvSetup,
			"runtime_env setup failed: Failed to set up runtime environment.\nno such package",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.envs.check = func(json.RawMessage) error { return tt.check }
			r.envs.build = func(_ context.Context, _ string, log io.Writer) (runtimeenv.Built, error) {
				fmt.Fprintln(log, "builder's own words")
				return runtimeenv.Built{}, tt.build
			}
			r.start()
			id := r.submit(rayapi.SubmitRequest{SubmissionID: "the-id", Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"x":1}`)})
			j := r.ended(id)
			if j.Status != rayapi.StatusFailed || j.ErrorTypeText() != tt.errorType || j.MessageText() != tt.message {
				t.Errorf("%s %s %q", j.Status, j.ErrorTypeText(), j.MessageText())
			}
			log, err := os.ReadFile(jobdir.Open(r.root() + "/" + id).Log())
			if err != nil || !strings.Contains(string(log), tt.message) {
				t.Errorf("the log does not tell why: %q, %v", log, err)
			}
			if r.world.spawns[id] != 0 {
				t.Error("it was started")
			}
		})
	}
}

func TestPrepare_built(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	built := runtimeenv.Built{Dir: "/tmp", PythonPath: []string{"/tmp"}}
	r.envs.build = func(_ context.Context, work string, _ io.Writer) (runtimeenv.Built, error) {
		if entries, err := os.ReadDir(work); err != nil || len(entries) > 0 {
			return built, fmt.Errorf("the work folder is not new and empty: %v, %w", entries, err)
		}
		return built, nil
	}
	r.start()
	env := `{"working_dir":"local:///tmp","env_vars":{"RAY_JOB_STOP_SIGNAL":"SIGINT","RAY_JOB_STOP_WAIT_TIME_S":"7"}}`
	id := r.submit(rayapi.SubmitRequest{Entrypoint: "sleep", RuntimeEnv: json.RawMessage(env), Metadata: map[string]string{"keep_background": "true"}})
	r.awaitStatus(id, rayapi.StatusRunning)
	d := jobdir.Open(r.root() + "/" + id)
	l, err := d.Launch()
	if err != nil {
		t.Fatal(err)
	}
	if l.Dir != "/tmp" || l.StopSignal != 2 || l.StopGrace.Seconds() != 7 || !l.KeepBackground || l.LogBase == 0 {
		t.Errorf("launch: %+v", l)
	}
	list, err := d.Environ()
	if err != nil {
		t.Fatal(err)
	}
	environ := strings.Join(list, "\n")
	if !strings.Contains(environ, "\nPYTHONPATH=/tmp") && !strings.HasPrefix(environ, "PYTHONPATH=/tmp") {
		t.Errorf("environment: %s", environ)
	}
}
