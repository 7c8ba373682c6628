package runtimeenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dray/backend/packages"
)

// PackageSource opens uploaded packages by name; the error wraps
// packages.ErrNotFound for one that is not there.
type PackageSource interface {
	Open(name string) (*os.File, error)
}

// Builder builds runtime environments from uploaded packages.
type Builder struct {
	store  PackageSource
	limits packages.Limits
}

// New returns a builder that takes packages from store and unpacks no more
// than the default limits allow.
func New(store PackageSource) *Builder {
	return &Builder{store: store, limits: packages.DefaultLimits()}
}

// Built is what a job's runtime environment became on disk.
type Built struct {
	Dir        string   // working directory; "" when the environment names none
	PythonPath []string // working_dir first, then py_modules
}

// Check is the function Check, for those who hold a builder alone.
func (b *Builder) Check(raw json.RawMessage) error { return Check(raw) }

// Build makes the folders of a runtime environment that passed Check, below
// work, which is private to the job; it is made if it is missing, and what an
// earlier build that was cut off left in it is replaced. Warnings go to log,
// one line each. The error is a *SetupError, unless the context ended.
func (b *Builder) Build(ctx context.Context, env json.RawMessage, work string, log io.Writer) (Built, error) {
	built, err := b.build(ctx, env, work, log)
	if err == nil {
		return built, nil
	}
	if ctx.Err() != nil {
		return Built{}, fmt.Errorf("build runtime environment: %w", ctx.Err())
	}
	if setup := (*SetupError)(nil); errors.As(err, &setup) {
		return Built{}, setup
	}
	return Built{}, &SetupError{Reason: "the runtime environment could not be built", Err: err}
}

func (b *Builder) build(ctx context.Context, env json.RawMessage, work string, log io.Writer) (Built, error) {
	f, err := parse(env)
	if err != nil {
		return Built{}, err
	}
	f.warnUnknown(log)
	dir, err := f.workingDir()
	if err != nil {
		return Built{}, err
	}
	modules, err := f.pyModules()
	if err != nil {
		return Built{}, err
	}
	var built Built
	if dir != "" {
		built.Dir, err = b.place(ctx, dir, fieldWorkingDir, filepath.Join(work, fieldWorkingDir))
		if err != nil {
			return Built{}, err
		}
		built.PythonPath = append(built.PythonPath, built.Dir)
	}
	for i, uri := range modules {
		dest := filepath.Join(work, fieldPyModules, strconv.Itoa(i))
		path, err := b.place(ctx, uri, fieldPyModules, dest)
		if err != nil {
			return Built{}, err
		}
		if strings.HasSuffix(uri, ".whl") {
			if err := spreadWheel(path, uri, log); err != nil {
				return Built{}, &SetupError{Reason: "the wheel " + uri + " could not be installed", Err: err}
			}
		}
		built.PythonPath = append(built.PythonPath, path)
	}
	return built, nil
}

// place returns the folder that a URI stands for: its own for local://, else
// dest with the package's content.
func (b *Builder) place(ctx context.Context, uri, field, dest string) (string, error) {
	scheme, rest := splitURI(uri)
	if scheme == schemeLocal {
		if info, err := os.Stat(rest); err != nil || !info.IsDir() {
			return "", &SetupError{Reason: fmt.Sprintf("%s %s points to '%s', which is not a directory on this machine: "+
				"create it, or upload the folder instead", field, uri, rest), Err: err}
		}
		return rest, nil
	}
	if err := checkURI(uri, field); err != nil {
		return "", &SetupError{Reason: err.Error()}
	}
	if err := os.RemoveAll(dest); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o700); err != nil {
		return "", err
	}
	return dest, b.unpack(ctx, uri, rest, field, dest)
}

func (b *Builder) unpack(ctx context.Context, uri, name, field, dest string) error {
	kind, err := packages.KindOf(name)
	if err != nil {
		return &SetupError{Reason: err.Error()}
	}
	f, err := b.store.Open(name)
	if errors.Is(err, packages.ErrNotFound) {
		return &SetupError{
			Reason: fmt.Sprintf("Failed to download runtime_env file package %s: it is not in this server's store; "+
				"upload the folder of %s again and resubmit", uri, field),
			Err: err,
		}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := packages.Unpack(ctx, f, info.Size(), kind, dest, b.limits); err != nil {
		return &SetupError{Reason: fmt.Sprintf("%s %s could not be unpacked", field, uri), Err: err}
	}
	return nil
}

// warnUnknown names the fields that have no effect here, as Ray does for what
// it does not know.
func (f fields) warnUnknown(log io.Writer) {
	known := []string{
		fieldWorkingDir, fieldPyModules, fieldEnvVars, fieldExcludes, "config", "_ray_commit", "_ray_release",
		"_inject_current_ray", "pip", "uv", "conda", "container", "image_uri",
	}
	for _, name := range sortedKeys(f) {
		if !slices.Contains(known, name) {
			fmt.Fprintf(log, "runtime_env field %q is not known to this server and is passed on to Ray only.\n", name)
		}
	}
}
