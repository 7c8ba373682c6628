package contexts

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"dray/backend/client"
)

// probeTimeout is how long a running Ray has to answer before we stay with it
// unanswered.
const probeTimeout = 150 * time.Millisecond

// auto looks for the Ray that runs on this machine. Only a missing file, a
// refused port or another session means that there is none: a head that is
// busy is there all the same.
func (o Options) auto(ctx context.Context, source string) (Target, error) {
	embedded := func(why string) (Target, error) {
		return Target{Embedded: true, Source: source, Why: why}, nil
	}
	dir, ok := o.runningRay()
	if !ok {
		return embedded("no Ray runs here")
	}
	if who := stranger(dir); who != "" {
		return embedded("the Ray here is " + who + "'s: see --address")
	}
	latest, err := os.Readlink(filepath.Join(dir, "session_latest"))
	if err != nil {
		return embedded("no Ray session in " + dir)
	}
	session := filepath.Base(latest)
	address := dashboardAddress(filepath.Join(dir, "session_latest", "logs", "dashboard.log"))
	if !isLocal(address) {
		return embedded("Ray's log names another machine: see --address")
	}
	t := Target{URL: "http://" + address, Source: source, Why: "Ray runs here", SessionName: session}
	ep, err := Endpoint(t, o.Getenv)
	if err != nil {
		return Target{}, err
	}
	got, err := o.probe(ctx, ep)
	switch {
	case ctx.Err() != nil:
		return Target{}, fmt.Errorf("look for a running Ray: %w", ctx.Err())
	case err == nil && got == session:
		return t, nil
	case err == nil:
		return embedded("another server, not this Ray, is at " + address)
	case errors.Is(err, syscall.ECONNREFUSED):
		return embedded("no Ray answers at " + address)
	case errors.Is(err, client.ErrNotRay):
		return embedded("no Ray, but something else is at " + address)
	case errors.Is(err, client.ErrUnauthorized):
		t.Why = "Ray runs here and asks for a token"
		if ep.Token != "" || ep.Header.Get("Authorization") != "" {
			t.Why = "Ray runs here and refuses our token"
		}
	case errors.Is(err, context.DeadlineExceeded):
		t.Why = "Ray runs here, slow to answer"
	default:
		t.Why = "Ray runs here, in trouble"
	}
	return t, nil
}

// runningRay returns Ray's folder if it says that a cluster runs.
func (o Options) runningRay() (dir string, ok bool) {
	for _, tmp := range o.tempDirs() {
		dir := filepath.Join(tmp, "ray")
		if _, err := os.Stat(filepath.Join(dir, "ray_current_cluster")); err == nil {
			return dir, true
		}
	}
	return "", false
}

// tempDirs are the places where Ray puts its folder. Ray itself looks at the
// first alone; but the Ray of a service knows nothing of this shell's TMPDIR.
func (o Options) tempDirs() []string {
	if o.TempDir != "" {
		return []string{o.TempDir}
	}
	if dir := o.Getenv(envTmp); dir != "" {
		return []string{dir}
	}
	const usual = "/tmp"
	if dir := o.Getenv("TMPDIR"); dir != "" && dir != usual && runtime.GOOS == "linux" {
		return []string{dir, usual}
	}
	return []string{usual}
}

var dashboardLine = regexp.MustCompile(`Dashboard head http address: (\S+)`)

// maxLog is how much of the dashboard's log is searched, in bytes; the line is
// among its first.
const maxLog = 1 << 20

// dashboardAddress returns the host and port that the dashboard's log names
// last, or Ray's default.
func dashboardAddress(log string) string {
	fallback := net.JoinHostPort("127.0.0.1", dashboardPort)
	f, err := os.Open(log)
	if err != nil {
		return fallback
	}
	defer f.Close()
	address := fallback
	lines := bufio.NewScanner(io.LimitReader(f, maxLog))
	lines.Buffer(make([]byte, 0, 64<<10), maxLog)
	for lines.Scan() {
		m := dashboardLine.FindSubmatch(lines.Bytes())
		if m == nil {
			continue
		}
		if _, _, err := net.SplitHostPort(string(m[1])); err == nil {
			address = string(m[1])
		}
	}
	return strings.TrimSpace(address)
}

func (o Options) probe(ctx context.Context, ep client.Endpoint) (session string, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if o.Probe != nil {
		return o.Probe(ctx, ep)
	}
	c, err := client.New(ep)
	if err != nil {
		return "", err
	}
	defer c.Close()
	v, err := c.Version(ctx)
	return v.SessionName, err
}
