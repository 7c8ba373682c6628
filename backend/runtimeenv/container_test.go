//go:build linux

package runtimeenv_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
)

// engineLike stands for podman: it notes how it is called and runs what a
// container would run. Real containers are run by the suite of package
// conformance, where the machine can.
const engineLike = `#!/bin/sh
for a; do printf '[%s]' "$a"; done >>"$CALLS"; echo >>"$CALLS"
case "$1" in
info) echo "4.3.1 crun";;
version) [ -e "$CALLS.up" ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }; echo 28.2.2;;
image) [ "$3" = known:1 ];;
pull) echo "pulling $2"; [ "$2" = wanted:1 ] || { echo "manifest unknown"; exit 125; };;
rm) [ ! -e "$CALLS.gone" ] || { echo "Error: no such container $3" >&2; exit 1; };;
run) while [ "$1" != --entrypoint ]; do shift; done; sh=$2; shift 3; exec "$sh" "$@";;
esac
`

func engineRig(t *testing.T, names ...string) (r *rig, calls string) {
	t.Helper()
	bin := t.TempDir()
	calls = filepath.Join(bin, "calls")
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(engineLike), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	return newRig(t, func(o *runtimeenv.Options) {
		o.Env = []string{"PATH=" + bin, "CALLS=" + calls}
		if len(names) == 0 {
			o.Env = []string{"PATH=/nowhere"}
		}
	}), calls
}

// inContainer runs an entrypoint as the supervisor does.
func inContainer(t *testing.T, r *rig, calls, job, entrypoint string, env map[string]any) (string, error) {
	t.Helper()
	built, _ := r.mustJob(t, job, env)
	if built.Container == nil {
		t.Fatal("no container")
	}
	raw, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	base := []string{"PATH=/usr/bin:/bin", "HOME=/root", "PYTHONPATH=/of/the/server", "CALLS=" + calls}
	vars, err := runtimeenv.EnvVars(raw)
	if err != nil {
		t.Fatal(err)
	}
	environ := runtimeenv.Environ(base, runtimeenv.Identity{ID: job, Entrypoint: entrypoint, RuntimeEnv: raw, Built: built})
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", built.Container.Command(vars, environ))
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestContainer(t *testing.T) {
	t.Parallel()
	r, calls := engineRig(t, "podman")
	env := map[string]any{
		"container": map[string]any{"image": "wanted:1", "run_options": []string{"--cap-drop SYS_ADMIN", "-v='/a b:/c'"}},
		"env_vars":  map[string]string{"SECRET": "s3 'cr\net", "PATH": "/opt/x:/usr/bin:/bin", "HOME": "/in"},
	}
	entrypoint := `echo "$SECRET|$PATH|$HOME|$PYTHONPATH|$DRAY_VAR_PATH|$RAY_worker_niceness|it's \"q\""; exit 7`
	out, err := inContainer(t, r, calls, "a", entrypoint, env)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("the exit code: %v", err)
	}
	if want := "s3 'cr\net|/opt/x:/usr/bin:/bin|/in|||0|it's \"q\"\n"; out != want {
		t.Errorf("the entrypoint printed %q, want %q", out, want)
	}
	data, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"[pull][wanted:1]\n",
		"[run][--rm][--name][dray-",
		"][--network=host][--ipc=host][--pull=never][--sig-proxy=false][--log-driver=passthrough][--cgroups=disabled]",
		"[--env][SECRET]", "[--env][DRAY_VAR_PATH]", "[--env][RAY_JOB_CONFIG_JSON_ENV_VAR]",
		"[--cap-drop][SYS_ADMIN][-v=/a b:/c][--entrypoint][/bin/sh][wanted:1][-c]",
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the calls lack %s:\n%s", want, data)
		}
	}
	if strings.Contains(string(data), "s3 'cr") {
		t.Error("a value is on a command line")
	}
}

// Docker's container is the child of a daemon: its output comes through the
// client, and so does the signal that stops it.
func TestContainerOfDocker(t *testing.T) {
	t.Parallel()
	r, calls := engineRig(t, "docker")
	if err := os.WriteFile(calls+".up", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := inContainer(t, r, calls, "a", "echo ran; exit 0", map[string]any{"image_uri": "known:1"}); err != nil || out != "ran\n" {
		t.Errorf("%q, %v", out, err)
	}
	data, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[--init][--log-driver=none][--env][TINI_KILL_PROCESS_GROUP=1]"; !strings.Contains(string(data), want) || strings.Contains(string(data), "passthrough") {
		t.Errorf("the calls lack %s:\n%s", want, data)
	}
}

func TestContainerGoes(t *testing.T) {
	t.Parallel()
	r, calls := engineRig(t, "podman")
	for _, job := range []string{"a", "b"} {
		if out, err := inContainer(t, r, calls, job, "echo ran", map[string]any{"image_uri": "known:1"}); err != nil || out != "ran\n" {
			t.Fatalf("%q, %v", out, err)
		}
	}
	if err := r.Release(r.workOf("a")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(calls+".gone", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Sweep(func(string) bool { return false }); err != nil { // as the next backend does for b
		t.Fatal(err)
	}
	data, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "[rm][--force][dray-"); n != 2 {
		t.Errorf("%d containers were removed:\n%s", n, data)
	}
	left, err := os.ReadDir(filepath.Join(r.root, "containers"))
	if err != nil || len(left) > 0 {
		t.Errorf("notes are left: %v, %v", left, err)
	}
}

func TestContainerFails(t *testing.T) {
	t.Parallel()
	r, _ := engineRig(t, "podman")
	_, log, err := r.job(t, "none", map[string]any{"image_uri": "no-such:1"})
	wantSetupError(t, err, "Failed to pull the image no-such:1", "manifest unknown")
	if !strings.Contains(log, "pulling no-such:1") {
		t.Errorf("log %q", log)
	}
}

func TestContainerCheck(t *testing.T) {
	t.Parallel()
	r, _ := engineRig(t, "podman")
	for env, want := range map[string]string{
		`{"image_uri": "a", "pip": ["x"]}`:                             "The 'image_uri' field currently cannot be used together with other fields of runtime_env. Specified fields: {'image_uri', 'pip'}",
		`{"image_uri": "a", "container": {"image": "b"}}`:              "cannot be used together",
		`{"container": {"image": "b"}, "working_dir": "local:///tmp"}`: "The 'container' field currently cannot be used",
		`{"image_uri": 3}`:                                                "must be of type str, got <class 'int'>",
		`{"container": "b"}`:                                              "must be of type dict",
		`{"container": {"run_options": []}}`:                              "must have the name of an 'image'",
		`{"image_uri": "--privileged"}`:                                   "is not the name of an image",
		`{"container": {"image": "b", "run_options": ["-v 'x"]}}`:         "run_options",
		`{"container": {"image": "b", "run_options": "-v"}}`:              "must be of type List[str]",
		`{"image_uri": "a", "env_vars": {"A": "b"}, "config": {}}`:        "",
		`{"image_uri": "a:5/b@sha256:00", "_ray_commit": "x", "pip": []}`: "",
	} {
		err := r.Check(json.RawMessage(env))
		var start *runtimeenv.StartError
		if want == "" && err != nil || want != "" && (!errors.As(err, &start) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", env, err, want)
		}
	}
}

func TestContainerEngineMustWork(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"needs podman or docker on the PATH of the server":              nil,
		"docker is installed but does not work: docker: exit status 1.": {"docker"},
	} {
		r, _ := engineRig(t, names...)
		err := r.Check(json.RawMessage(`{"image_uri": "a"}`))
		if !errors.Is(err, rayapi.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", names, err)
		}
	}
}

// A podman that hangs does not hide a docker that works.
func TestContainerEngineHangs(t *testing.T) {
	t.Parallel()
	r, calls := engineRig(t, "podman", "docker")
	podman := filepath.Join(filepath.Dir(calls), "podman")
	if err := os.WriteFile(podman, []byte("#!/bin/sh\nexec /bin/sleep 60\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	if err := os.WriteFile(calls+".up", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(json.RawMessage(`{"image_uri": "a"}`)); err != nil {
		t.Errorf("docker works: %v", err)
	}
}

// The name of a variable is never read by a shell.
func TestContainerVariableNames(t *testing.T) {
	t.Parallel()
	r, calls := engineRig(t, "podman")
	env := map[string]any{"image_uri": "known:1", "env_vars": map[string]string{
		"x; echo injected; _PROXY": "1", "$(echo injected >&2)_proxy": "2", "HTTPS_PROXY": "of the job",
	}}
	out, err := inContainer(t, r, calls, "names", `echo "proxy $HTTPS_PROXY"`, env)
	if err != nil || out != "proxy of the job\n" {
		t.Errorf("%q, %v", out, err)
	}
}
