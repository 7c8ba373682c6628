//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// wide and narrow are the two sizes at which screens are measured.
func wide() size   { return size{200, 60} }
func narrow() size { return size{80, 24} }

const (
	soon   = 10 * time.Second
	atLast = 2 * time.Minute
)

// wall runs a command to its end and returns the time it took, in ms.
func wall(ctx context.Context, name string, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%.500s", name, err, out)
	}
	return ms(time.Since(began)), nil
}

// server runs `dray serve` on a port of its own until end is called.
func (b *bench) server(ctx context.Context, state string, port int) (end func(), err error) {
	cmd := exec.CommandContext(ctx, b.dray, "serve", "--state-dir", state, "--listen", "127.0.0.1:"+strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = nil, nil
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("dray serve: %w", err)
	}
	end = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	for deadline := time.Now().Add(soon); ; {
		err := b.verb(ctx, state, "ls")
		if err == nil {
			return end, nil
		}
		if time.Now().After(deadline) {
			end()
			return nil, err
		}
	}
}

const benchPort = 18265

// start measures a verb, and the dashboard from its start to its first frame.
func (b *bench) start(ctx context.Context) error {
	state, err := b.state("start")
	if err != nil {
		return err
	}
	end, err := b.server(ctx, state, benchPort)
	if err != nil {
		return err
	}
	defer end()
	for range 10 {
		if err := b.verb(ctx, state, "submit", "--", "true"); err != nil {
			return err
		}
	}
	token, err := os.ReadFile(state + "/token")
	if err != nil {
		return fmt.Errorf("the token of dray serve: %w", err)
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", benchPort)
	auth := "Authorization: Bearer " + strings.TrimSpace(string(token))
	ls := row{group: "start", operation: "list of 10 jobs, whole process", unit: "ms", peerName: "curl", most: 3}
	for i := range b.runs*3 + 1 {
		d, err := wall(ctx, b.dray, "--state-dir", state, "--address", "embedded", "ls")
		if err != nil {
			return err
		}
		c, err := wall(ctx, "curl", "-sf", "-H", auth, url+"/api/jobs/")
		if err != nil {
			return err
		}
		if i > 0 { // the first is a warm-up
			ls.dray, ls.peer = append(ls.dray, d), append(ls.peer, c)
		}
	}
	b.add(ls)
	return b.firstFrame(ctx, state)
}

func (b *bench) firstFrame(ctx context.Context, state string) error {
	frame := row{group: "start", operation: "dashboard: start to the jobs on the screen", unit: "ms", peerName: "lnav", limit: 100}
	for i := range b.runs + 1 {
		began := time.Now()
		t, err := b.dashboard(ctx, state, wide(), 0)
		if err != nil {
			return err
		}
		err = t.wait("SUCCEEDED", soon)
		d := ms(time.Since(began))
		t.close()
		if err != nil {
			return err
		}
		if i > 0 {
			frame.dray = append(frame.dray, d)
		}
	}
	if have("lnav") != "" {
		small := b.tmp + "/small.log"
		if err := os.WriteFile(small, []byte("one\ntwo\nmarker-line\n"), 0o600); err != nil {
			return err
		}
		for range b.runs {
			d, err := b.opened(ctx, "marker-line", "lnav", small)
			if err != nil {
				return err
			}
			frame.peer = append(frame.peer, d)
		}
	}
	b.add(frame)
	return nil
}

// opened starts a viewer and returns how long it took to show marker, in ms.
func (b *bench) opened(ctx context.Context, marker, name string, args ...string) (float64, error) {
	began := time.Now()
	t, err := startTerm(ctx, wide(), nil, name, args...)
	if err != nil {
		return 0, err
	}
	defer t.close()
	err = t.wait(marker, atLast)
	return ms(time.Since(began)), err
}
