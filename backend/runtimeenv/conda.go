//go:build linux

package runtimeenv

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dray/backend/runtimeenv/envcache"
	"dray/backend/runtimeenv/tool"
)

func findConda(env []string) string { return lookPath(env, "micromamba", "mamba", "conda") }

const noConda = "runtime_env['conda'] needs micromamba, mamba or conda on the PATH of the server, and none is there: " +
	"install one (https://mamba.readthedocs.io) and start the server again, or use runtime_env['pip']"

// makeConda returns the folder of the conda environment.
func (r *recipe) makeConda(ctx context.Context) (string, error) {
	spec := r.spec.conda
	if spec.Prefix != "" {
		if info, err := os.Stat(filepath.Join(spec.Prefix, "conda-meta")); err != nil || !info.IsDir() {
			return "", &SetupError{Reason: fmt.Sprintf("runtime_env['conda']: %s is not a conda environment on this machine", spec.Prefix), Err: err}
		}
		return spec.Prefix, nil
	}
	exe := findConda(r.env)
	if exe == "" {
		return "", &SetupError{Reason: noConda}
	}
	if spec.Name != "" {
		return r.namedConda(ctx, exe)
	}
	return r.createConda(ctx, exe)
}

// namedConda finds an environment that is there already.
func (r *recipe) namedConda(ctx context.Context, exe string) (string, error) {
	out, err := tool.Output(ctx, filepath.Base(exe)+" env list", tool.Command{
		Args: []string{exe, "env", "list", "--json"}, Env: r.env, Dir: r.dir(),
	})
	if err != nil {
		return "", err
	}
	var list struct {
		Envs []string `json:"envs"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return "", fmt.Errorf("%s env list: %w", exe, err)
	}
	name := r.spec.conda.Name
	var names []string
	for _, dir := range list.Envs {
		known := "base"
		if filepath.Base(filepath.Dir(dir)) == "envs" {
			known = filepath.Base(dir)
		}
		if known == name {
			return dir, nil
		}
		names = append(names, known)
	}
	return "", &SetupError{Reason: fmt.Sprintf("runtime_env['conda']: there is no environment %q; there are: %s", name, strings.Join(names, ", "))}
}

// createConda builds an environment from a description. A dict gets the
// version of the job's own Python if it names none, as with Ray.
func (r *recipe) createConda(ctx context.Context, exe string) (string, error) {
	p, err := r.python(ctx)
	if err != nil {
		return "", err
	}
	data, err := r.condaFile(p)
	if err != nil {
		return "", err
	}
	in := ingredients{Spec: string(data), Python: interpreter{Platform: p.Platform}, Settings: settings(r.env, p), Real: exe}
	key, err := in.hash()
	if err != nil {
		return "", err
	}
	e := envcache.Entry{Kind: kindConda, Key: key, Title: "from a YAML description"}
	return r.use(ctx, e, func(ctx context.Context, dir string) error {
		// conda's own package cache does not take two installs at once.
		select {
		case r.conda <- struct{}{}:
			defer func() { <-r.conda }()
		case <-ctx.Done():
			return ctx.Err()
		}
		file := dir + ".yaml"
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return err
		}
		defer os.Remove(file)
		args := []string{exe, "env", "create", "-p", dir, "-f", file, "--quiet"}
		if filepath.Base(exe) == "micromamba" {
			args = []string{exe, "create", "-y", "-p", dir, "-f", file}
		}
		// Not all have an option for it; mamba asks even where nobody can answer.
		env := append(slices.Clone(r.env), "CONDA_ALWAYS_YES=true", "MAMBA_ALWAYS_YES=true")
		return tool.Run(ctx, filepath.Base(exe)+" create", tool.Command{Args: args, Env: env, Dir: r.dir(), Mark: dir, Out: r.log})
	})
}

// condaFile returns the description: a file as it is, a dict as JSON, which is
// YAML as well.
func (r *recipe) condaFile(p interpreter) ([]byte, error) {
	spec := r.spec.conda
	if spec.File != "" {
		file := r.expand(spec.File)
		if !filepath.IsAbs(file) {
			file = filepath.Join(r.dir(), file)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, &SetupError{Reason: "Can't find conda YAML file " + spec.File, Err: err}
		}
		return data, nil
	}
	deps, _ := spec.Dict["dependencies"].([]any)
	isPython := func(d any) bool {
		text, _ := d.(string)
		rest, ok := strings.CutPrefix(text, "python")
		return ok && (rest == "" || strings.ContainsAny(rest[:1], " =<>!~"))
	}
	dict := map[string]any{}
	for k, v := range spec.Dict {
		dict[k] = v
	}
	if !slices.ContainsFunc(deps, isPython) {
		version, _, _ := strings.Cut(p.Version, " ")
		deps = append(slices.Clone(deps), "python="+version)
	}
	dict["dependencies"] = deps
	return json.Marshal(dict)
}
