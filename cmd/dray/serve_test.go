//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// served is a dray serve without a token.
type served struct {
	cmd    *exec.Cmd
	base   string
	stderr *bytes.Buffer
}

func serve(t *testing.T, home string) *served {
	t.Helper()
	s := &served{stderr: &bytes.Buffer{}}
	s.cmd = exec.Command(binary, "serve", "--listen", "127.0.0.1:0") //nolint:noctx // killed below
	s.cmd.Env = append(testEnv(home), "RAY_AUTH_MODE=disabled")
	s.cmd.Dir = home
	s.cmd.Stderr = s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dray serve printed %q, %v\n%s", line, err, s.stderr)
	}
	s.base = strings.TrimPrefix(strings.TrimSpace(line), "listening on ")
	return s
}

// kill ends the server as a crash would.
func (s *served) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait()
}

func (s *served) call(ctx context.Context, method, path string, body, into any) error {
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, r)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, data)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}

func (s *served) job(t *testing.T, id string) rayapi.Job {
	t.Helper()
	var j rayapi.Job
	if err := s.call(t.Context(), "GET", "/api/jobs/"+id, nil, &j); err != nil {
		t.Fatalf("%v\n%s", err, s.stderr)
	}
	return j
}

func (s *served) end(t *testing.T, id string) rayapi.Job {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		j := s.job(t, id)
		if j.Status.IsTerminal() {
			return j
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is %s after a minute: %s\n%s", id, j.Status, j.MessageText(), s.stderr)
		}
		time.Sleep(20 * time.Millisecond) // the wire has no event for a status
	}
}

// printer is a job whose output, exit code and number of starts are known.
type printer struct {
	id, mark string
	lines    int
	code     int
}

func (p printer) request() rayapi.SubmitRequest {
	return rayapi.SubmitRequest{SubmissionID: p.id, Entrypoint: fmt.Sprintf(
		`echo x >> %s; i=0; while [ $i -lt %d ]; do echo "%s line $i"; i=$((i+1)); if [ $((i%%10)) = 0 ]; then sleep 0.03; fi; done; exit %d`,
		p.mark, p.lines, p.id, p.code)}
}

func (p printer) output() string {
	var b strings.Builder
	for i := range p.lines {
		fmt.Fprintf(&b, "%s line %d\n", p.id, i)
	}
	return b.String()
}

// starts is how often the entrypoint ran.
func (p printer) starts(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(p.mark)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return bytes.Count(data, []byte("\n"))
}

// logOf returns what the job itself printed.
func logOf(t *testing.T, home, id string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(home, "state", "jobs", id, "log"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), "Running entrypoint for job ")
	_, after, _ = strings.Cut(after, "\n")
	return after
}

func TestHostValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, port string
		secure     bool
		want       string
	}{
		{"ray.example", "8265", true, "ray.example:8265"},
		{"ray.example", "443", true, "ray.example:443 ray.example"},
		{"ray.example", "443", false, "ray.example:443"},
		{"ray.example", "80", false, "ray.example:80 ray.example"},
		{"::1", "443", true, "[::1]:443 [::1]"},
	} {
		if got := strings.Join(hostValues([]string{tc.name}, tc.port, tc.secure), " "); got != tc.want {
			t.Errorf("%s, port %s, TLS %t: %q, want %q", tc.name, tc.port, tc.secure, got, tc.want)
		}
	}
}
