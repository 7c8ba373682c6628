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

	"dray/backend/runtimeenv/tool"
)

// interpreter is the Python that a job finds, as it describes itself.
type interpreter struct {
	Exe      string   `json:"exe"`
	Version  string   `json:"version"`
	Platform string   `json:"platform"`
	Prefix   string   `json:"prefix"`
	Base     string   `json:"base"` // another than Prefix in a virtual environment
	Sites    []string `json:"sites"`
	Pip      string   `json:"pip"` // its version; "" when it has none
	UV       bool     `json:"uv"`
}

const describeScript = `
import importlib.util, json, os, platform, site, sys, sysconfig
try:
    from importlib.metadata import version
    pip = version("pip")
except Exception:
    pip = ""
print(json.dumps({"exe": sys.executable, "version": sys.version, "platform": sysconfig.get_platform(), "prefix": sys.prefix,
    "base": sys.base_prefix, "sites": site.getsitepackages(), "pip": pip, "uv": importlib.util.find_spec("uv") is not None}))
`

// lookPath finds a program in the PATH of env; "" when it is not there.
func lookPath(env []string, names ...string) string {
	path := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	for _, name := range names {
		for _, dir := range filepath.SplitList(path) {
			file := filepath.Join(dir, name)
			info, err := os.Stat(file)
			if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 && filepath.IsAbs(file) {
				return file
			}
		}
	}
	return ""
}

func findPython(env []string) string { return lookPath(env, "python", "python3") }

// python asks the interpreter that the job would find for what it is.
func (r *recipe) python(ctx context.Context) (interpreter, error) {
	var p interpreter
	exe := findPython(r.env)
	if exe == "" {
		return p, &SetupError{Reason: noPython}
	}
	out, err := tool.Output(ctx, exe, tool.Command{Args: []string{exe, "-c", describeScript}, Env: r.env, Dir: r.dir()})
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return p, fmt.Errorf("%s describes itself as %.200q: %w", exe, out, err)
	}
	return p, nil
}

const noPython = "no python or python3 is on the PATH of the server: install Python 3 and start the server again"

// venv makes a virtual environment in dir that sees the packages of p, and
// returns its interpreter.
func (r *recipe) venv(ctx context.Context, p interpreter, dir string) (string, error) {
	// Without pip: a copy takes seconds, and that of p is seen as well.
	if err := r.run(ctx, "python -m venv", dir, p.Exe, "-m", "venv", "--system-site-packages", "--without-pip", dir); err != nil {
		return "", err
	}
	exe := filepath.Join(dir, "bin", "python")
	if p.Prefix == p.Base {
		return exe, nil
	}
	// The packages of a virtual environment are not those that
	// --system-site-packages means, which are those of the Python below it.
	sites, err := filepath.Glob(filepath.Join(globQuote(dir), "lib", "python*", "site-packages"))
	if err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, site := range p.Sites {
		quoted, err := json.Marshal(site) // also a text of Python
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "import site; site.addsitedir(%s)\n", quoted)
	}
	for _, site := range sites {
		if err := os.WriteFile(filepath.Join(site, "_parent_environment.pth"), []byte(lines.String()), 0o600); err != nil {
			return "", err
		}
	}
	return exe, nil
}

// pip installs the packages with pip into the new folder dir.
func (r *recipe) pip(ctx context.Context, p interpreter, dir string) error {
	exe, err := r.venv(ctx, p, dir)
	if err != nil {
		return err
	}
	if p.Pip == "" {
		if err := r.bringPip(ctx, exe, dir); err != nil {
			return err
		}
	}
	base := []string{exe, "-m", "pip", "--disable-pip-version-check", "--no-input"}
	if v := r.spec.install.Version; v != "" {
		err := r.run(ctx, "pip install pip"+v, dir, append(slices.Clone(base), "install", "pip"+v)...)
		if err != nil {
			return err
		}
	}
	args := append(slices.Clone(base), "install")
	if err := r.install(ctx, "pip install", dir, args); err != nil {
		return err
	}
	if r.spec.install.Check {
		return r.run(ctx, "pip check", dir, append(slices.Clone(base), "check")...)
	}
	return nil
}

// bringPip sees to it that an environment has pip although the Python it was
// made with has none: that Python may itself be a virtual environment, above
// one that has.
func (r *recipe) bringPip(ctx context.Context, exe, dir string) error {
	_, err := tool.Output(ctx, exe, tool.Command{Args: []string{exe, "-c", "import pip"}, Env: r.env, Dir: r.dir()})
	if err == nil || ctx.Err() != nil {
		return err
	}
	return r.run(ctx, "python -m ensurepip", dir, exe, "-m", "ensurepip")
}

// uv installs the packages with uv into the new folder dir.
func (r *recipe) uv(ctx context.Context, p interpreter, dir string) error {
	command, err := r.uvCommand(ctx, p)
	if err != nil {
		return err
	}
	exe, err := r.venv(ctx, p, dir)
	if err != nil {
		return err
	}
	args := append(slices.Clone(command), "pip", "install", "--python", exe)
	if err := r.install(ctx, "uv pip install", dir, args); err != nil {
		return err
	}
	if r.spec.install.Check {
		return r.run(ctx, "uv pip check", dir, append(slices.Clone(command), "pip", "check", "--python", exe)...)
	}
	return nil
}

// uvCommand returns how uv is called: the one on the PATH, the module of the
// interpreter, or, where there is none or a version is asked for, one that pip
// installs into an environment of its own.
func (r *recipe) uvCommand(ctx context.Context, p interpreter) ([]string, error) {
	version := r.spec.install.Version
	if exe := lookPath(r.env, "uv"); exe != "" && version == "" {
		return []string{exe}, nil
	}
	if p.UV && version == "" {
		return []string{p.Exe, "-m", "uv"}, nil
	}
	sub := *r
	sub.spec = toolSpec{install: &installSpec{Kind: kindPip, Packages: []string{"uv" + version}}}
	dir, err := sub.cached(ctx, p, "tool", "uv"+version)
	if err != nil {
		return nil, err
	}
	return []string{filepath.Join(dir, "bin", "uv")}, nil
}

// install runs an install command on the requirements, which go through a file
// because a command line is seen by everybody on the machine.
func (r *recipe) install(ctx context.Context, title, dir string, args []string) (err error) {
	lines, options := r.split(r.spec.install.Options)
	lines = append(lines, r.spec.install.Packages...)
	for i := range lines {
		lines[i] = r.absolute(lines[i])
	}
	file := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	return r.run(ctx, title, dir, append(append(args, "-r", file), options...)...)
}

// split takes the options out that hold a password and may stand in a
// requirements file as well.
func (r *recipe) split(options []string) (lines, rest []string) {
	flags := []string{"--index-url", "-i", "--extra-index-url", "--find-links", "-f"}
	for i := 0; i < len(options); i++ {
		text := options[i]
		flag, value, joined := strings.Cut(text, "=")
		if !slices.Contains(flags, flag) {
			rest = append(rest, r.expand(text))
			continue
		}
		if !joined {
			if i++; i == len(options) {
				return lines, append(rest, text)
			}
			value = options[i]
		}
		if value = r.expand(value); tool.Mask(value) == value {
			rest = append(rest, flag, value)
			continue
		}
		lines = append(lines, flag+" "+value)
	}
	return lines, rest
}
