//go:build linux

package backend_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
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

	"golang.org/x/sys/unix"

	"dray/backend"
	"dray/backend/client"
	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/supervise/proctree"
)

// The parts that the test binary plays besides the tests and the supervisor.
const (
	hostRole  = "__host"  // STATE: be the backend until killed
	faultRole = "__fault" // STATE POINT: run a job and delete it, and die at POINT
	spyRole   = "__spy"   // STATE SOCKET PID: try to get at what is another user's
)

// playRole plays the part that the arguments name; it returns only for tests.
func playRole() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == hostRole:
		os.Exit(beHost(os.Args[2]))
	case len(os.Args) == 4 && os.Args[1] == faultRole:
		os.Exit(beFaulty(os.Args[2], os.Args[3]))
	case len(os.Args) == 5 && os.Args[1] == spyRole:
		os.Exit(beSpy(os.Args[2], os.Args[3], os.Args[4]))
	}
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // for the sweep
}

func beHost(state string) int {
	h, err := backend.Open(context.Background(), backend.Config{StateDir: state, DefaultDir: "/", Version: "test", Getenv: noEnv})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("holder", h.Holder())
	select {} // until killed
}

// sweep gives the descendants some time to end, kills those that do not, and
// returns how many these were.
func sweep() int {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline) && len(descendants(os.Getpid())) > 0; {
		time.Sleep(10 * time.Millisecond)
	}
	left := descendants(os.Getpid())
	for _, p := range left {
		cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
		fmt.Fprintf(os.Stderr, "survivor %d of %d: %.200q\n", p.PID, p.PPID, cmd)
	}
	for {
		proctree.Kill(descendants(os.Getpid()))
		if _, err := unix.Wait4(-1, nil, 0, nil); errors.Is(err, unix.ECHILD) {
			return len(left)
		}
	}
}

func descendants(pid int) []proctree.Stat {
	all, err := proctree.Snapshot()
	if err != nil {
		panic(err)
	}
	return proctree.Alive(proctree.Descendants(all, func(s proctree.Stat) bool { return s.PPID == pid }))
}

// alive returns those of the processes that have not ended.
func alive(seen []proctree.Stat) []proctree.Stat {
	var left []proctree.Stat
	for _, s := range seen {
		if now, err := proctree.ReadStat(s.PID); err == nil && now.StartTicks == s.StartTicks && !now.Dead() {
			left = append(left, now)
		}
	}
	return left
}

// eventually waits for something that sends no event.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("it never happens: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// hostProcess is a backend in a process of its own.
type hostProcess struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	state  string
	holder bool
}

func startHost(t testing.TB, state string, edit ...func(*exec.Cmd)) *hostProcess {
	t.Helper()
	p := launchHost(t, state, edit...)
	p.await(t)
	return p
}

// launchHost does not wait until the backend is there; await does.
func launchHost(t testing.TB, state string, edit ...func(*exec.Cmd)) *hostProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &hostProcess{cmd: exec.Command(exe, hostRole, state), state: state}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	for _, f := range edit {
		f(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func (p *hostProcess) await(t testing.TB) {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "holder ") {
		t.Fatalf("the backend says %q, %v", line, err)
	}
	p.holder = line == "holder true\n"
}

// kill ends the backend as a crash would.
func (p *hostProcess) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// socket is where the backend on a state folder says that it listens.
func socket(t testing.TB, state string) string {
	t.Helper()
	var info struct{ Socket string }
	data, err := os.ReadFile(filepath.Join(state, "backend.lock"))
	if err == nil {
		err = json.Unmarshal(data, &info)
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Socket
}

func (p *hostProcess) client(t testing.TB) *client.Client {
	t.Helper()
	c, err := client.New(client.Unix(socket(t, p.state)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// submit hands in a job and returns its folder.
func submit(t testing.TB, c *client.Client, state string, r rayapi.SubmitRequest) jobdir.Dir {
	t.Helper()
	id, err := c.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return jobdir.Open(filepath.Join(state, "jobs", jobdir.Name(id)))
}

// awaitSlot waits until the slot is as ok wants it.
func awaitSlot(t testing.TB, d jobdir.Dir, what string, ok func(jobdir.Slot) bool) jobdir.Slot {
	t.Helper()
	var slot jobdir.Slot
	eventually(t, what, func() bool {
		s, err := d.ReadSlot()
		slot = s
		return err == nil && ok(s)
	})
	return slot
}

// own is what the job itself printed.
func own(t testing.TB, d jobdir.Dir) string {
	t.Helper()
	data, err := os.ReadFile(d.Log())
	if err != nil {
		t.Fatal(err)
	}
	return afterHead(string(data), d)
}

// afterHead cuts off the lines before the job's own output.
func afterHead(log string, d jobdir.Dir) string {
	l, err := d.Launch()
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(log, "Running entrypoint for job "+l.ID+": "+l.Entrypoint+"\n")
	return rest
}

// awaitOutput waits until the job printed text.
func awaitOutput(t testing.TB, d jobdir.Dir, text string) {
	t.Helper()
	eventually(t, "output "+text, func() bool { return strings.Contains(own(t, d), text) })
}

// starts is how often an entrypoint ran that writes a line to path.
func starts(t testing.TB, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

func wantExit(t testing.TB, j rayapi.Job, code int) {
	t.Helper()
	if j.DriverExitCode == nil || *j.DriverExitCode != code {
		t.Errorf("%s is %s with exit code %v, want %d: %s", j.ID(), j.Status, j.DriverExitCode, code, j.MessageText())
	}
}

// raw sends a request to a handler's socket and returns status and body.
func raw(t testing.TB, ep client.Endpoint, method, path string, body io.Reader) (int, string) {
	t.Helper()
	hc := &http.Client{Transport: &http.Transport{DialContext: ep.Dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), method, ep.BaseURL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}
