//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// rayPort is where the head of the comparison listens.
const rayPort = 18270

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

// rayRows starts a head, does the same by `ray job`, and stops it.
func (b *bench) rayRows(ctx context.Context, rows []row) error {
	ray := filepath.Join(filepath.Dir(b.ray), "ray")
	address := fmt.Sprintf("http://127.0.0.1:%d", rayPort)
	// A folder of its own keeps other heads of this machine out of it.
	head := []string{"start", "--head", "--port=16399", fmt.Sprint("--dashboard-port=", rayPort), "--include-dashboard=true", "--disable-usage-stats", "--num-cpus=2", "--temp-dir=" + filepath.Join(b.tmp, "r")}
	if _, err := wall(ctx, ray, head...); err != nil {
		return err
	}
	defer func() { _, _ = wall(context.WithoutCancel(ctx), ray, "stop", "--force") }()
	theirs := [][]string{
		{"job", "submit", "--address", address, "--", "true"},
		{"job", "list", "--address", address},
		{"job", "submit", "--address", address, "--", "true"},
	}
	for deadline := time.Now().Add(atLast); ; {
		_, err := wall(ctx, ray, theirs[1]...)
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
