//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// rayPort is where the head of the comparison listens.
const rayPort = 8298

// againstRay measures dray's verbs and backend beside a real head with Ray's own
// command line.
func (b *bench) againstRay(ctx context.Context) error {
	rows := []row{
		{operation: "submit verb, not waiting", most: 1.0 / 50},
		{operation: "list verb", most: 1.0 / 40},
		{operation: "submit to end of a trivial job, by the API", most: 1.0 / 20},
	}
	for i := range rows {
		rows[i].group, rows[i].unit, rows[i].peerName = "ray", "ms", "ray"
	}
	state, err := b.state("ray")
	if err != nil {
		return err
	}
	end, err := b.server(ctx, state, benchPort)
	if err != nil {
		return err
	}
	defer end()
	mine := [][]string{{"submit", "--", "true"}, {"ls"}, {"submit", "--wait", "--", "true"}}
	for i, args := range mine {
		for range b.runs {
			d, err := wall(ctx, b.dray, append([]string{"--state-dir", state, "--address", "embedded"}, args...)...)
			if err != nil {
				return err
			}
			rows[i].dray = append(rows[i].dray, d)
		}
	}
	if b.ray == "" {
		for i := range rows {
			rows[i].note = "no Ray here: give -ray PYTHON"
		}
		b.rows = append(b.rows, rows...)
		return nil
	}
	if err := b.rayRows(ctx, rows); err != nil {
		return err
	}
	b.rows = append(b.rows, rows...)
	return nil
}

// rayRows starts a head, does the same by `ray job`, and ends it. `ray stop`
// would end every Ray of this user.
func (b *bench) rayRows(ctx context.Context, rows []row) error {
	address := fmt.Sprintf("http://127.0.0.1:%d", rayPort)
	end, err := b.startRay(ctx)
	if err != nil {
		return err
	}
	defer end()
	ray := filepath.Join(filepath.Dir(b.ray), "ray")
	theirs := [][]string{
		{"job", "submit", "--address", address, "--no-wait", "--", "true"},
		{"job", "list", "--address", address},
		{"job", "submit", "--address", address, "--", "true"},
	}
	for deadline := time.Now().Add(atLast); ; {
		_, err := wall(ctx, ray, theirs[2]...)
		if err == nil {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("the head does not answer: %s", strings.TrimSpace(err.Error()))
		}
	}
	for i, args := range theirs {
		for range min(3, b.runs) {
			d, err := wall(ctx, ray, args...)
			if err != nil {
				return err
			}
			rows[i].peer = append(rows[i].peer, d)
		}
	}
	return nil
}

// startRay starts a head in a session folder of its own, by whose name its
// processes are found again.
func (b *bench) startRay(ctx context.Context) (end func(), err error) {
	dir, err := os.MkdirTemp("/tmp", "dr") // Ray's socket paths must stay short
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(b.ray), "ray"), "start", "--head", "--block", "--num-cpus=2", fmt.Sprint("--port=", rayPort+1),
		"--dashboard-host=127.0.0.1", fmt.Sprint("--dashboard-port=", rayPort), "--include-dashboard=true", "--disable-usage-stats", "--temp-dir="+dir)
	cmd.Env = append(os.Environ(), "RAY_AUTH_MODE=disabled")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a head: %w", err)
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		killNamed(dir)
		_ = os.RemoveAll(dir)
	}, nil
}

// killNamed ends the processes whose command line names dir.
func killNamed(dir string) {
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return
	}
	for _, path := range procs {
		line, err := os.ReadFile(path)
		pid, convErr := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && convErr == nil && strings.Contains(string(line), dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
