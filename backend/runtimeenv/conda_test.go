//go:build linux

package runtimeenv_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
)

// condaLike stands for a conda whose package index nobody can reach: it lists
// one environment and makes folders, so that the calls and the cache are
// tested where no conda is.
const condaLike = `#!/bin/sh
case "$1 $2" in
"env list") echo '{"envs": ["/opt/conda", "/opt/conda/envs/train"]}';;
"env create")
  case "$(cat "$6")" in *broken*) echo "ResolutionImpossible: broken"; exit 1;; esac
  [ "$CONDA_ALWAYS_YES$MAMBA_ALWAYS_YES" = truetrue ] || { echo "Confirm changes: [Y/n]"; exit 1; }
  mkdir -p "$4/bin" "$4/conda-meta" && cp "$6" "$4/made.yaml" && echo "solved";;
esac
`

func TestConda(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	if err := os.WriteFile(bin+"/conda", []byte(condaLike), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *runtimeenv.Options) {
		o.Env = append(os.Environ(), "PATH="+bin+":"+filepath.Dir(python)+":/usr/bin:/bin")
	})
	for name, want := range map[string]string{"base": "/opt/conda", "train": "/opt/conda/envs/train"} {
		if built, _ := r.mustJob(t, name, map[string]any{"conda": name}); built.Conda != want {
			t.Errorf("%s is %q", name, built.Conda)
		}
	}
	_, _, err = r.job(t, "none", map[string]any{"conda": "other"})
	wantSetupError(t, err, `there is no environment "other"; there are: base, train`)
	_, _, err = r.job(t, "no prefix", map[string]any{"conda": "/opt"})
	wantSetupError(t, err, "/opt is not a conda environment on this machine")

	dict := map[string]any{"conda": map[string]any{"dependencies": []any{"numpy", map[string]any{"pip": []string{"x"}}}}}
	built, log := r.mustJob(t, "dict", dict)
	data, err := os.ReadFile(built.Conda + "/made.yaml")
	if err != nil || !strings.Contains(string(data), `"python=3.`) || !strings.Contains(log, "solved") {
		t.Errorf("made of %s, %v, log %q", data, err, log)
	}
	if again, log := r.mustJob(t, "again", dict); again.Conda != built.Conda || log != "" {
		t.Errorf("the second time: %q, log %q", again.Conda, log)
	}
	if got := shell(t, built, `echo "$CONDA_PREFIX ${PATH%%:*}"`); got != built.Conda+" "+built.Conda+"/bin" {
		t.Errorf("the job saw %q", got)
	}
	if byPrefix, _ := r.mustJob(t, "prefix", map[string]any{"conda": built.Conda}); byPrefix.Conda != built.Conda {
		t.Errorf("by its folder: %q", byPrefix.Conda)
	}
	_, _, err = r.job(t, "broken", map[string]any{"conda": map[string]any{"dependencies": []string{"broken"}}})
	wantSetupError(t, err, "Failed to install conda packages", "ResolutionImpossible: broken")
}

func TestCheckNeedsTools(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *runtimeenv.Options) { o.Env = []string{"PATH=/nowhere"} })
	for env, want := range map[string]string{
		`{"conda": "base"}`:     "needs micromamba, mamba or conda on the PATH of the server",
		`{"conda": {"a": "b"}}`: "install one",
		`{"pip": ["x"]}`:        "no python or python3 is on the PATH of the server",
		`{"image_uri": "x"}`:    "needs podman or docker on the PATH of the server, and neither is there",
	} {
		if err := r.Check(json.RawMessage(env)); !errors.Is(err, rayapi.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", env, err)
		}
	}
	if err := r.Check(json.RawMessage(`{"conda": "/usr"}`)); err != nil {
		t.Errorf("an environment that is there: %v", err)
	}
	var start *runtimeenv.StartError
	if err := r.Check(json.RawMessage(`{"pip": 1}`)); !errors.As(err, &start) {
		t.Errorf("a mistake: %v", err)
	}
	if err := newFixture(t).Check(json.RawMessage(`{"uv": ["x"]}`)); !errors.Is(err, rayapi.ErrInvalid) {
		t.Errorf("a builder without a cache: %v", err)
	}
}
