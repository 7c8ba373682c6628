//go:build linux

package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// killDelay is how long a program that was killed may keep its output open.
const killDelay = 20 * time.Millisecond

var errSlow = errors.New("it does not answer in time")

// ask runs a program for the first line that it prints. A program that does
// not answer in time is killed.
func ask(ctx context.Context, path string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = killDelay
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", errSlow
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return "", fmt.Errorf("%w: %.200q", err, line)
	}
	return line, nil
}

// pythonScript prints the versions of the interpreter, pip and Ray, and
// whether environments can be made.
const pythonScript = `import sys, importlib.util as u, importlib.metadata as m
def v(n):
    try: return m.version(n)
    except Exception: return "-"
print(sys.version.split()[0], v("pip"), v("ray"), "venv" if u.find_spec("venv") else "-")`

// python looks at the interpreter that jobs and their environments are made
// with.
func python(ctx context.Context, _ Options) []Finding {
	path, err := exec.LookPath("python3")
	if err != nil {
		path, err = exec.LookPath("python")
	}
	if err != nil {
		return []Finding{{"python", Warn, "There is none on the PATH: jobs in Python, and pip and uv environments, will fail.", "Install Python 3.9 or later."}}
	}
	line, err := ask(ctx, path, "-I", "-c", pythonScript)
	words := strings.Fields(line)
	if err != nil || len(words) != 4 {
		return []Finding{{"python", Warn, fmt.Sprintf("%s does not say its version: %v.", path, err), ""}}
	}
	found := []Finding{{"python", OK, fmt.Sprintf("%s at %s.", words[0], path), ""}}
	switch {
	case words[3] == "-":
		found = append(found, Finding{"pip", Warn, "This Python has no venv module: pip and uv environments cannot be made.", "Install python3-venv."})
	case words[1] == "-":
		found = append(found, Finding{"pip", Warn, "This Python has no pip: pip environments cannot be made.", "python3 -m ensurepip"})
	default:
		found = append(found, Finding{"pip", OK, words[1] + ".", ""})
	}
	ray := Finding{"ray", OK, "This Python has Ray " + words[2] + ".", ""}
	if words[2] == "-" {
		ray.Text = "This Python has no Ray: jobs that import it need it in their environment."
	}
	return append(found, ray)
}

// environmentTools looks for the programs that build environments. None of
// them is needed by jobs that ask for none.
func environmentTools(ctx context.Context, _ Options) []Finding {
	names := []string{"uv", "micromamba", "mamba", "conda"}
	found := make([]Finding, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { found[i] = tool(ctx, name) })
	}
	wg.Wait()
	return found
}

func tool(ctx context.Context, name string) Finding {
	path, err := exec.LookPath(name)
	if err != nil {
		return Finding{name, OK, "Not installed.", ""}
	}
	line, err := ask(ctx, path, "--version")
	if err != nil {
		return Finding{name, Warn, fmt.Sprintf("%s does not say its version: %v.", path, err), ""}
	}
	return Finding{name, OK, fmt.Sprintf("%.80s at %s.", line, path), ""}
}

// rayHere looks for a Ray cluster on this machine, which other programs would
// talk to instead.
func rayHere(_ context.Context, opt Options) []Finding {
	const name = "ray cluster"
	commands, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return []Finding{{name, Warn, fmt.Sprintf("The processes of this machine are unknown: %v.", err), ""}}
	}
	nodes := 0
	for _, path := range commands {
		if comm, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(comm)) == "raylet" {
			nodes++
		}
	}
	text := "None runs on this machine."
	if nodes > 0 {
		text = fmt.Sprintf("%d Ray node(s) run on this machine; it shares CPUs and memory with the embedded backend, which does not count what the cluster uses.", nodes)
	}
	if address := opt.Getenv("RAY_ADDRESS"); address != "" {
		text += " RAY_ADDRESS is set: Ray's own clients talk to the address in it."
	}
	return []Finding{{name, OK, text, ""}}
}
