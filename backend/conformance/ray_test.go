//go:build linux && ray

package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rayPython is the python of a virtual environment that has ray[default].
func rayPython(t testing.TB) string {
	t.Helper()
	python := os.Getenv("DRAY_RAY_PYTHON")
	if python == "" {
		t.Fatal("DRAY_RAY_PYTHON is not set: make test-ray sets everything up")
	}
	return python
}

// startRay starts a real head on free ports and waits until it takes jobs.
func startRay(t *testing.T, name, token string) *target {
	t.Helper()
	python := rayPython(t)
	tmp, err := os.MkdirTemp("/tmp", "dr") //nolint:usetesting // Ray's socket paths must stay short
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(freePort(t))
	cmd := exec.Command(filepath.Join(filepath.Dir(python), "ray"), "start", "--head", "--block", "--num-cpus=4", //nolint:noctx // ended below
		"--port="+strconv.Itoa(freePort(t)), "--dashboard-host=127.0.0.1", "--dashboard-port="+port,
		"--dashboard-agent-listen-port="+strconv.Itoa(freePort(t)), "--dashboard-agent-grpc-port="+strconv.Itoa(freePort(t)),
		"--ray-client-server-port="+strconv.Itoa(freePort(t)), "--metrics-export-port="+strconv.Itoa(freePort(t)),
		"--temp-dir="+filepath.Join(tmp, "ray"), "--include-dashboard=true", "--disable-usage-stats")
	cmd.Env = append(rayEnv(t), "RAY_AUTH_MODE=disabled")
	if token != "" {
		cmd.Env = append(rayEnv(t), "RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN="+token)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		killSession(t, tmp)
		_ = os.RemoveAll(tmp)
	})
	s := &target{name: name, base: "http://127.0.0.1:" + port, token: token, ray: true, dir: tmp}
	s.awaitHead(t, &out)
	return s
}

// awaitHead waits until the head answers and its agent takes a job.
func (s *target) awaitHead(t *testing.T, out *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/api/version", nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.token != "" {
			req.Header.Set("Authorization", "Bearer "+s.token)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("the head did not start:\n%s", out)
		}
		time.Sleep(200 * time.Millisecond) // a port has no event for "listening"
	}
	for { // the agent that takes jobs comes later than the port
		a := s.do(t, http.MethodPost, "/api/jobs/", body{"entrypoint": "true"})
		if a.status == http.StatusOK {
			return
		}
		if ctx.Err() != nil || !strings.Contains(a.body, "No available agent") {
			t.Fatalf("the head takes no job: %d %s\n%s", a.status, a.body, out)
		}
		time.Sleep(200 * time.Millisecond) // as above
	}
}

// killSession ends what Ray left of a session: its daemons have sessions of
// their own, but all name the temp dir.
func killSession(t *testing.T, tmp string) {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	for _, p := range procs {
		line, err := os.ReadFile(p)
		if err != nil || !bytes.Contains(line, []byte(tmp)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(p))); err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// rayEnv is a clean environment in which python is the one that has ray.
func rayEnv(t testing.TB) []string {
	t.Helper()
	return append(cleanEnv(), "PATH="+filepath.Dir(rayPython(t))+":"+os.Getenv("PATH"))
}

func freePort(t testing.TB) int {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("address %v", ln.Addr())
	}
	return addr.Port
}

// TestRay runs the suite on a real head and on dray serve, then every client
// on both.
func TestRay(t *testing.T) {
	bin := drayBin(t)
	var rep report
	t.Cleanup(func() { rep.print(os.Stdout, []string{"ray", "ray + token", "dray serve", "dray serve + token"}) })
	t.Run("ray", func(t *testing.T) {
		head := startRay(t, "ray", "")
		t.Run("clients", func(t *testing.T) { runClients(t, head, bin, &rep) })
		t.Run("head node", func(t *testing.T) { onHeadNode(t, head, bin) })
		t.Run("checks", func(t *testing.T) { runAll(t, head, allChecks(), &rep) })
	})
	t.Run("ray with a token", func(t *testing.T) {
		head := startRay(t, "ray + token", testToken)
		runAll(t, head, authChecks(), &rep)
	})
	t.Run("dray", func(t *testing.T) {
		s := startDray(t, bin, "dray serve", "", "PATH="+filepath.Dir(rayPython(t))+":"+os.Getenv("PATH"))
		t.Run("clients", func(t *testing.T) { runClients(t, s, bin, &rep) })
		t.Run("checks", func(t *testing.T) { runAll(t, s, allChecks(), &rep) })
	})
	t.Run("dray with a token", func(t *testing.T) {
		s := startDray(t, bin, "dray serve + token", testToken, "PATH="+filepath.Dir(rayPython(t))+":"+os.Getenv("PATH"))
		t.Run("clients", func(t *testing.T) { runClients(t, s, bin, &rep) })
		t.Run("checks", func(t *testing.T) { runAll(t, s, authChecks(), &rep) })
	})
}

// onHeadNode checks that dray without an address finds the Ray of its machine.
func onHeadNode(t *testing.T, s *target, bin string) {
	id := s.submit(t, body{"entrypoint": "true"})
	cmd := exec.CommandContext(t.Context(), bin, "ls", "-o", "json")
	cmd.Env = append(rayEnv(t), "RAY_TMPDIR="+s.dir, "DRAY_STATE_DIR="+t.TempDir())
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), id) {
		t.Errorf("dray ls on the head node: %v\n%s", err, out)
	}
}

// command runs a program to its end and returns what it printed.
func command(t *testing.T, s *target, dir, name string, args ...string) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(rayEnv(t), "DRAY_STATE_DIR="+t.TempDir())
	if s.token != "" {
		cmd.Env = append(cmd.Env, "RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN="+s.token)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s\n%s", filepath.Base(name), strings.Join(args, " "), err, out, &stderr)
	}
	return string(out), err
}
