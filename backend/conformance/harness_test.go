//go:build linux

package conformance_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// target is a server under test.
type target struct {
	name  string
	base  string
	token string // "" when the server wants none
	ray   bool   // a real Ray head
	dir   string // dray's state folder, or what RAY_TMPDIR is for a head
}

// check is one promise of the API.
type check struct {
	name string // section of the contract ("own": beyond it), slash, text
	only string // "", "dray" (where ours is better than Ray) or "ray"
	run  func(t *testing.T, s *target)
}

func (c check) runsOn(s *target) bool {
	return c.only == "" || c.only == "ray" && s.ray || c.only == "dray" && !s.ray
}

// report collects where each check ran, for the table at the end.
type report struct {
	mu   sync.Mutex
	rows map[string]map[string]string
}

func (r *report) set(check, server, verdict string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows = map[string]map[string]string{}
	}
	if r.rows[check] == nil {
		r.rows[check] = map[string]string{}
	}
	r.rows[check][server] = verdict
}

func (r *report) print(w io.Writer, servers []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.rows))
	for n := range r.rows {
		names = append(names, n)
	}
	slices.SortFunc(names, bySection)
	fmt.Fprintf(w, "%-70s", "check")
	for _, s := range servers {
		fmt.Fprintf(w, " %-18s", s)
	}
	fmt.Fprintln(w)
	for _, n := range names {
		fmt.Fprintf(w, "%-70s", n)
		for _, s := range servers {
			v := r.rows[n][s]
			if v == "" {
				v = "-"
			}
			fmt.Fprintf(w, " %-18s", v)
		}
		fmt.Fprintln(w)
	}
}

// bySection orders names by their sections' numbers.
func bySection(a, b string) int {
	key := func(name string) []int {
		section, _, _ := strings.Cut(name, "/")
		var numbers []int
		for part := range strings.SplitSeq(section, ".") {
			n, err := strconv.Atoi(part)
			if err != nil {
				n = 1 << 10 // "own" comes last
			}
			numbers = append(numbers, n)
		}
		return numbers
	}
	return cmp.Or(slices.Compare(key(a), key(b)), strings.Compare(a, b))
}

// runAll runs every check on s.
func runAll(t *testing.T, s *target, checks []check, rep *report) {
	for _, c := range checks {
		if !c.runsOn(s) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				verdict := "ok"
				if t.Failed() {
					verdict = "FAILED"
				}
				rep.set(c.name, s.name, verdict)
			})
			c.run(t, s)
		})
	}
}

func allChecks() []check {
	return slices.Concat(versionChecks(), routeChecks(), submitChecks(), detailChecks(), endChecks(),
		stopChecks(), deleteChecks(), logChecks(), tailChecks(), packageChecks(), envChecks(), browserChecks(),
		queueChecks(), stopOptionChecks(), surfaceChecks(), runtimeEnvChecks(), wireChecks(), fieldChecks(), rawChecks(), offChecks())
}

// drayBin returns the binary under test: DRAY_BIN, or one that is built here.
func drayBin(t testing.TB) string {
	t.Helper()
	if bin := os.Getenv("DRAY_BIN"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "dray")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "dray/cmd/dray")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build dray: %v\n%s", err, out)
	}
	return bin
}

// startDray starts dray serve on a fresh state folder and a free port.
func startDray(t *testing.T, bin, name, token string, env ...string) *target {
	t.Helper()
	return startDrayWith(t, bin, name, token, nil, env...)
}

func startDrayWith(t *testing.T, bin, name, token string, args []string, env ...string) *target {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--state-dir", state}, args...)
	cmd := exec.Command(bin, args...) //nolint:noctx // ended below, by SIGTERM
	cmd.Env = append(cleanEnv(), env...)
	if token == "" {
		cmd.Env = append(cmd.Env, "RAY_AUTH_MODE=disabled")
	} else {
		cmd.Env = append(cmd.Env, "RAY_AUTH_TOKEN="+token)
	}
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stopAll(t, &target{base: "", dir: state}, bin)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("dray serve: %v\n%s", err, &stderr)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("dray serve printed %q, %v\n%s", line, err, &stderr)
	}
	return &target{name: name, base: base, token: token, dir: state}
}

// stopAll stops what a failed check may have left running.
func stopAll(t *testing.T, s *target, bin string) {
	t.Helper()
	run := func(args ...string) []byte {
		cmd := exec.Command(bin, append([]string{"--address", "embedded", "--state-dir", s.dir}, args...)...) //nolint:noctx // short
		cmd.Env = cleanEnv()
		out, err := cmd.Output()
		if err != nil {
			t.Logf("dray %s: %v", strings.Join(args, " "), err)
		}
		return out
	}
	var jobs []rayapi.Job
	if err := json.Unmarshal(run("ls", "-o", "json"), &jobs); err != nil {
		t.Errorf("list what is left: %v", err)
	}
	for _, j := range jobs {
		if !j.Status.IsTerminal() {
			run("stop", j.ID())
		}
	}
}

// cleanEnv is our environment without what would lead a client elsewhere.
func cleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "RAY_") || strings.HasPrefix(name, "DRAY_") || name == "XDG_RUNTIME_DIR" || name == "XDG_STATE_HOME"
	})
}

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *target) do(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	case io.Reader:
		r = b
	default:
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// want fails the check unless the answer has the status and holds the texts.
func (a answer) want(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d; body %.300q", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(tight(a.body), tight(text)) {
			t.Errorf("body %.500q lacks %q", a.body, text)
		}
	}
}

// tight drops the blank that Python's JSON has after a colon.
func tight(s string) string { return strings.ReplaceAll(s, `": `, `":`) }

func (a answer) wantType(t *testing.T, want string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
}

func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("not JSON: %v: %.300q", err, a.body)
	}
}
