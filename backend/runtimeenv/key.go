//go:build linux

package runtimeenv

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"dray/backend/packages"
)

// ingredients is all that decides what an environment becomes. Two jobs share
// one only when all of it is the same.
type ingredients struct {
	Spec     any
	Python   interpreter
	Real     string            // the interpreter behind links
	Settings map[string]string // variables and files that say where packages come from
	Files    []string          // hashes of the files that the lines name
	Private  string            // a folder that the environment refers to for ever
}

const keySize = 16 // bytes of the hash in a folder's name: a script's first line must hold the whole path

func (in ingredients) hash() (string, error) {
	data, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:keySize]), nil
}

// key names the environment of a pip or uv field.
func (r *recipe) key(p interpreter) (string, error) {
	in := ingredients{Spec: r.spec.install, Python: p, Settings: settings(r.env, p)}
	if real, err := filepath.EvalSymlinks(p.Exe); err == nil {
		in.Real = real
	}
	if r.spec.install.Kind == kindUV {
		in.Settings["uv"] = lookPath(r.env, "uv")
	}
	for _, line := range r.spec.install.Packages {
		if err := r.addLine(&in, line, r.dir(), 0); err != nil {
			return "", err
		}
	}
	return in.hash()
}

// settings are the variables and files that tell pip, uv and conda where to
// look, without their names' order mattering.
func settings(env []string, p interpreter) map[string]string {
	out := make(map[string]string)
	values := make(map[string]string, len(env))
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		values[name] = value
		for _, prefix := range []string{"PIP_", "UV_", "CONDA_", "MAMBA_"} {
			if strings.HasPrefix(name, prefix) {
				out[name] = value
			}
		}
	}
	home, config := values["HOME"], values["XDG_CONFIG_HOME"]
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	for _, file := range []string{
		values["PIP_CONFIG_FILE"], "/etc/pip.conf", filepath.Join(home, ".pip/pip.conf"), filepath.Join(config, "pip/pip.conf"),
		filepath.Join(p.Prefix, "pip.conf"), values["UV_CONFIG_FILE"], "/etc/uv/uv.toml", filepath.Join(config, "uv/uv.toml"),
	} {
		if data, err := os.ReadFile(file); err == nil {
			out[file] = hashText(string(data))
		}
	}
	return out
}

func hashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

const maxIncludes = 10 // files of requirements that name each other

// addLine adds what a requirement line refers to: the same line may mean other
// files in another job.
func (r *recipe) addLine(in *ingredients, line, dir string, depth int) error {
	if flag, file, ok := includes(line); ok {
		if file = r.expand(file); !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("could not open requirements file: %w", err)
		}
		if depth == maxIncludes {
			return fmt.Errorf("%s: requirements files name each other more than %d deep", file, maxIncludes)
		}
		in.Files = append(in.Files, flag)
		for part := range strings.Lines(string(data)) {
			if err := r.addLine(in, strings.TrimSpace(part), filepath.Dir(file), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	env := make(map[string]string, len(r.env))
	for _, kv := range r.env {
		name, value, _ := strings.Cut(kv, "=")
		if name != varWorkingDir {
			env[name] = value
		}
	}
	in.Files = append(in.Files, expandKnown(line, env))
	line = r.expand(line)
	if rest, ok := strings.CutPrefix(line, "-e"); ok || strings.HasPrefix(line, "--editable") {
		if !strings.Contains(rest, "://") {
			in.Private = r.work
		}
		return nil
	}
	return r.addFile(in, line)
}

// expandKnown replaces ${NAME} as pip does: only what is set.
func expandKnown(line string, env map[string]string) string {
	return leftover().ReplaceAllStringFunc(line, func(ref string) string {
		if v, ok := env[ref[2:len(ref)-1]]; ok {
			return v
		}
		return ref
	})
}

// addFile adds the content of the file or folder that a line is or ends with.
func (r *recipe) addFile(in *ingredients, line string) error {
	path := strings.TrimSpace(line)
	if _, after, ok := strings.Cut(path, "file://"); ok {
		path = after
	}
	path, _, _ = strings.Cut(path, ";")
	path, _, _ = strings.Cut(strings.TrimSpace(path), "[")
	if path == "" || !strings.Contains(path, "/") && !strings.HasSuffix(path, ".whl") && path != "." {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir(), path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil // an address, or the tool says what is wrong
	}
	if info.IsDir() {
		hash, err := packages.HashDir(path, packages.Options{LookupEnv: func(string) (string, bool) { return "", false }})
		in.Files = append(in.Files, hash)
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	in.Files = append(in.Files, hex.EncodeToString(sum.Sum(nil)))
	return nil
}
