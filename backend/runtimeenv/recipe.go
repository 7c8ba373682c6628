//go:build linux

package runtimeenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dray/backend/runtimeenv/envcache"
	"dray/backend/runtimeenv/tool"
)

// recipe is one tool-made environment for one job.
type recipe struct {
	spec  toolSpec
	cache *envcache.Cache
	conda chan struct{} // has room for the one that may use conda
	env   []string      // of the tools
	work  string        // the job's folder, which is also the name of the user of what is built
	wd    string        // the job's working directory; "" for none
	log   io.Writer
}

const (
	varWorkingDir = "RAY_RUNTIME_ENV_CREATE_WORKING_DIR"
	tries         = 3
	pause         = time.Second
)

// toolEnv is what the tools see: the backend's environment without what is its
// own and what would send packages elsewhere, and the job's env_vars but for
// those that change which programs run.
func toolEnv(base []string, vars map[string]string, wd string) []string {
	env := inherited(base)
	for _, name := range []string{"VIRTUAL_ENV", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "UV_PROJECT_ENVIRONMENT"} {
		delete(env, name)
	}
	for _, name := range sortedKeys(vars) {
		// An empty value is also what is left of a secret in the record of a job.
		if vars[name] != "" && name != "PATH" && name != varPythonPath && name != "PYTHONHOME" && !strings.HasPrefix(name, "LD_") {
			env[name] = expand(vars[name], env)
		}
	}
	env[varUnbuffered] = "1"
	if wd != "" {
		env[varWorkingDir] = wd
	}
	out := make([]string, 0, len(env))
	for _, name := range sortedKeys(env) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// dir is where the tools run, so that relative paths mean the job's files.
func (r *recipe) dir() string {
	if r.wd != "" {
		return r.wd
	}
	return "/"
}

// run runs one tool on the environment in dir, its output in the job's log.
func (r *recipe) run(ctx context.Context, title, dir string, args ...string) error {
	return tool.Run(ctx, title, tool.Command{Args: args, Env: r.env, Dir: r.dir(), Mark: dir, Out: r.log})
}

// make builds what is asked for, or finds it, and enters it into built.
func (r *recipe) make(ctx context.Context, built *Built) (err error) {
	switch {
	case r.spec.conda != nil:
		built.Conda, err = r.makeConda(ctx)
	case r.spec.install != nil:
		p, err := r.python(ctx)
		if err != nil {
			return err
		}
		built.Venv, err = r.cached(ctx, p, r.spec.install.Kind, strings.Join(r.spec.install.Packages, " "))
		return err
	}
	return err
}

// cached returns the folder of a virtual environment with the packages.
func (r *recipe) cached(ctx context.Context, p interpreter, kind, title string) (string, error) {
	key, err := r.key(p)
	if err != nil {
		return "", &SetupError{Reason: "runtime_env['" + r.spec.install.Kind + "']", Err: err}
	}
	return r.use(ctx, envcache.Entry{Kind: kind, Key: key, Title: title}, func(ctx context.Context, dir string) error {
		if r.spec.install.Kind == kindUV {
			return r.uv(ctx, p, dir)
		}
		return r.pip(ctx, p, dir)
	})
}

// use asks the cache and tries again where that may help, as Ray does.
func (r *recipe) use(ctx context.Context, e envcache.Entry, build func(ctx context.Context, dir string) error) (string, error) {
	const most = 200
	if e.Title = tool.Mask(e.Title); len(e.Title) > most {
		e.Title = strings.ToValidUTF8(e.Title[:most], "") + "…"
	}
	waits := func() {
		fmt.Fprintf(r.log, "Another job builds the same %s environment: waiting for it.\n", e.Kind)
	}
	return r.cache.Use(ctx, e, r.work, waits, func(ctx context.Context, dir string) error {
		fmt.Fprintf(r.log, "Building the %s environment: %s\n", e.Kind, e.Title)
		for try := 1; ; try++ {
			err := build(ctx, dir)
			var failed *tool.Error
			if err == nil || ctx.Err() != nil || try == tries || !errors.As(err, &failed) || isPermanent(failed.Tail) {
				return err
			}
			fmt.Fprintf(r.log, "Attempt %d of %d failed: trying again in %v.\n", try, tries, pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	})
}

// isPermanent tells from a tool's last lines whether another try is in vain: a
// reason in what was asked for, and no word of a network that did not answer.
func isPermanent(tail string) bool {
	contains := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(tail, w) {
				return true
			}
		}
		return false
	}
	if contains("Retrying (", "Connection", "connection", "timed out", "Temporary failure", "error sending request") {
		return false
	}
	return contains("No matching distribution found", "ResolutionImpossible", "Invalid requirement", "has requirement",
		"no such option", "Could not open requirements file", "No solution found", "unexpected argument", "which is not installed",
		"Expected package name", "does not exist", "File not found", "is not a supported wheel")
}

// expand replaces the one variable that stands for the job's files.
func (r *recipe) expand(text string) string {
	if r.wd == "" {
		return text
	}
	return strings.NewReplacer("${"+varWorkingDir+"}", r.wd, "$"+varWorkingDir, r.wd).Replace(text)
}

// absolute makes the file of a "-r file" or "-c file" line absolute: relative
// paths there mean the folder of the file they stand in, which is ours.
func (r *recipe) absolute(line string) string {
	flag, file, ok := includes(line)
	if !ok {
		return line
	}
	if file = r.expand(file); !filepath.IsAbs(file) {
		file = filepath.Join(r.dir(), file)
	}
	return flag + " " + file
}

// includes reads a line that names another file of requirements.
func includes(line string) (flag, file string, ok bool) {
	line = strings.TrimSpace(line)
	for _, f := range []string{"-r", "-c", "--requirement", "--constraint"} {
		rest, found := strings.CutPrefix(line, f)
		if !found || rest == "" || strings.HasPrefix(f, "--") && rest[0] != ' ' && rest[0] != '=' {
			continue
		}
		return f, strings.TrimSpace(strings.TrimPrefix(rest, "=")), true
	}
	return "", "", false
}
