//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"dray/tui/terminal"
)

// stage is a private home with a backend in which real jobs have run.
type stage struct {
	bin, home, project string
}

const patience = 20 * time.Second

// trainScript is a small training-like program with output worth a picture.
const trainScript = `import os, sys, time
lr = float(sys.argv[1]) if len(sys.argv) > 1 else 0.003
print(f"config: lr={lr} epochs={os.environ.get('EPOCHS', '3')} seed=11")
for step in range(0, 400, 10):
    loss = 6.9 * 0.985 ** step
    print(f"INFO  train  epoch {step // 150} step {step:4d}  loss {loss:.3f}  lr {lr:.1e}")
    if lr > 0.02 and step == 120:
        raise FloatingPointError("loss is nan at step 120")
    time.sleep(0.02 if step < 200 else float(os.environ.get("PACE", "0.02")))
print("saved checkpoint.pt (412 MiB)")
`

func newStage(ctx context.Context, bin string) (*stage, error) {
	home := filepath.Join(os.TempDir(), "ana") // it shows in the pictures
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, fmt.Errorf("the stage of an earlier run is still there: %w", err)
	}
	st := &stage{bin: bin, home: home, project: filepath.Join(home, "vision")}
	if err := os.Mkdir(st.project, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(st.project, "train.py"), []byte(trainScript), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(st.project, "etl.py"), []byte("import sys\nprint('loaded', sys.argv[2])\n"), 0o644); err != nil {
		return nil, err
	}
	if err := st.writeClusters(); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"submit", "--wait", "--metadata", "owner=ana", "--", "python3 etl.py --day 2026-11-19"},
		{"submit", "--wait", "--metadata", "owner=ana", "--", "python3 etl.py --day 2026-11-20"},
		{"submit", "--wait", "--id", "smoke-gpu", "--", "python3 smoke.py --gpu"},
		{"submit", "--wait", "--metadata", "owner=ana", "--", "python3 etl.py --day 2026-11-21"},
		{"submit", "--wait", "--metadata", "owner=ana", "--", "python3 etl.py --day 2026-11-22"},
		{"submit", "--wait", "--id", "sweep-lr-0.001", "--metadata", "sweep=lr-grid", "--", "python3 train.py 0.001"},
		{"submit", "--wait", "--id", "nightly-2026-11-22", "--metadata", "owner=ana", "--", "python3 train.py 0.001"},
		{"submit", "--wait", "--id", "sweep-lr-0.003", "--metadata", "sweep=lr-grid", "--", "python3 train.py 0.003"},
		{"submit", "--wait", "--id", "sweep-lr-0.03", "--metadata", "sweep=lr-grid", "--env", "WANDB_MODE=offline", "--", "python3 train.py 0.03"},
		{"submit", "--id", "notebook-kernel", "--", "sleep 600"},
		{"stop", "notebook-kernel"},
		{"submit", "--id", "vit-b16-ep30", "--env", "PACE=30", "--env", "EPOCHS=90", "--metadata", "team=vision", "--metadata", "owner=ana", "--", "python3 train.py 0.002"},
		{"submit", "--id", "etl-day-2026-11-23", "--", "sleep 900"},
		{"submit", "--id", "eval-needs-gpu", "--entrypoint-num-gpus", "8", "--", "python3 -m serve.eval --suite full"},
	} {
		if err := st.dray(ctx, args...); err != nil {
			return nil, errors.Join(err, st.close())
		}
	}
	return st, nil
}

// clusters is a config file. Nothing answers at these addresses, which the
// picture says.
const clusters = `clusters:
  prod:
    address: https://head.ml.invalid:8265
    protected: true
    colour: magenta
  lab:
    address: http://127.0.0.1:9
    read_only: true
`

func (st *stage) writeClusters() error {
	folder := filepath.Join(st.home, ".config", "dray")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(clusters), 0o600)
}

// dray runs a verb. The jobs of the stage may fail: that is part of the play.
func (st *stage) dray(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, st.bin, append([]string{"--address", "embedded"}, args...)...)
	cmd.Dir, cmd.Env = st.project, st.env()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 3 && exit.ExitCode() <= 4 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("dray %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (st *stage) env() []string {
	return append(os.Environ(), "PATH=/usr/local/bin:/usr/bin:/bin", "HOME="+st.home, "XDG_STATE_HOME="+st.home+"/state", "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "DRAY_STATE_DIR=",
		"TERM=xterm-256color", "COLORTERM=", "NO_COLOR=", "LC_ALL=C.UTF-8", "TZ=UTC")
}

// play types a scene's keys and returns all that the dashboard wrote.
func (st *stage) play(ctx context.Context, sc scene) ([]byte, error) {
	// The draft of one scene is not to be found in the next.
	if err := os.RemoveAll(filepath.Join(st.home, "state", "dray", "dashboard")); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, st.bin, "--address", "embedded")
	cmd.Dir, cmd.Env = st.project, st.env()
	t, err := terminal.Start(cmd, sc.cols, sc.rows)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	for _, s := range sc.steps {
		if err := t.AwaitText(ctx, patience, s.await); err != nil {
			return nil, err
		}
		if err := t.Send(s.keys); err != nil {
			return nil, err
		}
	}
	settle(ctx, t)
	return t.Raw(), nil
}

// settle waits until the screen has stood still for a moment: the picture is
// of a state, not of a change.
func settle(ctx context.Context, t *terminal.Terminal) {
	const still = 400 * time.Millisecond
	last, since := "", time.Now()
	_ = t.Await(ctx, 3*time.Second, "a still screen", func(s string) bool {
		if s != last {
			last, since = s, time.Now()
		}
		return time.Since(since) > still
	})
}

// close ends what still runs on the stage and removes it.
func (st *stage) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, id := range []string{"vit-b16-ep30", "etl-day-2026-11-23", "eval-needs-gpu"} {
		_ = st.dray(ctx, "stop", id)
	}
	return os.RemoveAll(st.home)
}
