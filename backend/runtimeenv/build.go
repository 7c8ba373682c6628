//go:build linux

package runtimeenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"dray/backend/packages"
	"dray/backend/runtimeenv/envcache"
	"dray/backend/runtimeenv/tool"
)

// PackageSource opens uploaded packages by name; the error wraps
// packages.ErrNotFound for one that is not there.
type PackageSource interface {
	Open(name string) (*os.File, error)
}

// Options say where a builder keeps what is built once and used by many jobs.
type Options struct {
	Root     string       // absolute folder; made if it is missing
	MaxBytes int64        // of what is not in use, for each kind; 0: 10 GiB
	Env      []string     // "K=V", what the tools inherit; nil: this process's environment
	Log      *slog.Logger // nil: nothing is logged
}

// DefaultMaxBytes is kept of environments that are not in use, for each kind.
const DefaultMaxBytes = 10 << 30

// Builder builds runtime environments from packages, downloads and what pip,
// uv and conda install.
type Builder struct {
	store  PackageSource
	limits packages.Limits
	env    []string
	root   string
	max    int64
	cache  *envcache.Cache // nil: pip, uv and conda are refused
	conda  chan struct{}

	engines   engines
	downloads sync.Mutex // orders the changes of what is downloaded
}

// New returns a builder that takes packages from store, unpacks no more than
// the default limits allow and refuses pip, uv and conda, for which it has no
// room.
func New(store PackageSource) *Builder {
	return &Builder{store: store, limits: packages.DefaultLimits(), env: os.Environ(), conda: make(chan struct{}, 1)}
}

// Open returns a builder that also builds pip, uv and conda environments and
// keeps them in a folder.
func Open(store PackageSource, opts Options) (*Builder, error) {
	b := New(store)
	if opts.Env != nil {
		b.env = opts.Env
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	b.root, b.max = opts.Root, opts.MaxBytes
	if b.max == 0 {
		b.max = DefaultMaxBytes
	}
	var err error
	b.cache, err = envcache.Open(opts.Root, b.max, opts.Log)
	return b, err
}

// Cache returns the built environments, to list and remove them; nil for a
// builder that keeps none.
func (b *Builder) Cache() *envcache.Cache { return b.cache }

// Release says that the job that was built below work is over: what was built
// for it may be removed when room is needed. It may be called twice, and for a
// job that used nothing.
func (b *Builder) Release(work string) error {
	if b.cache == nil {
		return nil
	}
	return errors.Join(b.cache.Release(work), b.dropContainer(work))
}

// Sweep releases all jobs but the live ones, by their work folders. It is for
// the start, before the first Build.
func (b *Builder) Sweep(isLive func(work string) bool) error {
	if b.cache == nil {
		return nil
	}
	return errors.Join(b.cache.Sweep(isLive), b.sweepContainers(isLive))
}

// Check is the function Check; it also refuses what needs a tool that this
// machine does not have.
func (b *Builder) Check(raw json.RawMessage) error {
	if err := Check(raw); err != nil {
		return err
	}
	f, err := parse(raw)
	if err != nil {
		return err
	}
	if err := b.checkContainer(f); err != nil {
		return err
	}
	spec, err := f.tools()
	if err != nil || spec.install == nil && spec.conda == nil {
		return err
	}
	switch {
	case b.cache == nil:
		return invalid("runtime_env with pip, uv or conda is not supported by this server: install the packages into the Python " +
			"that the job will find, or bring modules along with py_modules")
	case spec.conda != nil && spec.conda.Prefix == "" && findConda(b.env) == "":
		return invalid(noConda)
	case spec.install != nil && findPython(b.env) == "":
		return invalid("runtime_env['%s']: %s", spec.install.Kind, noPython)
	}
	return nil
}

// checkContainer refuses a container where none can be run.
func (b *Builder) checkContainer(f fields) error {
	spec, err := f.container()
	if err != nil || spec == nil {
		return err
	}
	err = errors.New("is not supported by this server, which has no room for it")
	if b.cache != nil {
		_, err = b.engines.find(context.Background(), toolEnv(b.env, nil, ""))
	}
	if err != nil {
		return invalid("runtime_env with container or image_uri: %v", err)
	}
	return nil
}

// Build makes the folders of a runtime environment that passed Check, below
// work, which is private to the job; it is made if it is missing, and what an
// earlier build that was cut off left in it is replaced. Warnings go to log,
// one line each. The error is a *SetupError, unless the context ended.
func (b *Builder) Build(ctx context.Context, env json.RawMessage, work string, log io.Writer) (Built, error) {
	f, err := parse(env)
	if err != nil {
		return Built{}, &SetupError{Reason: err.Error()}
	}
	timeout, err := f.timeout()
	if err != nil {
		return Built{}, &SetupError{Reason: err.Error()}
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	built, err := b.build(limited, f, work, log)
	switch {
	case err == nil:
		return built, nil
	case ctx.Err() != nil:
		return Built{}, fmt.Errorf("build runtime environment: %w", ctx.Err())
	case limited.Err() != nil:
		return Built{}, &SetupError{Reason: timeoutText(timeout), Err: context.DeadlineExceeded}
	}
	if setup := (*SetupError)(nil); errors.As(err, &setup) {
		return Built{}, setup
	}
	return Built{}, &SetupError{Reason: "the runtime environment could not be built", Err: err}
}

// timeoutText is Ray's, with the name of the error that clients look for.
func timeoutText(timeout time.Duration) string {
	return fmt.Sprintf("TimeoutError: Failed to install runtime_env within the timeout of %d seconds. Consider increasing the timeout "+
		"in the runtime_env config, for example runtime_env={\"config\": {\"setup_timeout_seconds\": 1800}, ...}. "+
		"If not provided, the default timeout is %d seconds", int(timeout.Seconds()), int(defaultTimeout.Seconds()))
}

func (b *Builder) build(ctx context.Context, f fields, work string, log io.Writer) (built Built, err error) {
	f.warnUnknown(log)
	if spec, err := f.container(); err != nil || spec != nil {
		if err == nil {
			built.Container, err = b.makeContainer(ctx, spec, work, log)
		}
		return built, err
	}
	dir, err := f.workingDir()
	if err != nil {
		return Built{}, err
	}
	modules, err := f.pyModules()
	if err != nil {
		return Built{}, err
	}
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
		if isWheel(uri) {
			if err := spreadWheel(path, maskUser(uri), log); err != nil {
				return Built{}, &SetupError{Reason: "the wheel " + maskUser(uri) + " could not be installed", Err: err}
			}
		}
		built.PythonPath = append(built.PythonPath, path)
	}
	return built, b.runTools(ctx, f, work, log, &built)
}

// runTools builds what pip, uv or conda are to install. It comes after the
// files, which requirements may name.
func (b *Builder) runTools(ctx context.Context, f fields, work string, log io.Writer, built *Built) error {
	spec, err := f.tools()
	if err != nil || spec.install == nil && spec.conda == nil {
		return err
	}
	if b.cache == nil {
		return errors.New("this server has no room for pip, uv or conda environments")
	}
	vars, err := f.envVars()
	if err != nil {
		return err
	}
	r := &recipe{
		spec: spec, cache: b.cache, conda: b.conda, env: toolEnv(b.env, vars, built.Dir),
		work: work, wd: built.Dir, log: log,
	}
	err = r.make(ctx, built)
	var failed *tool.Error
	if errors.As(err, &failed) {
		return &SetupError{Reason: "Failed to install " + f.toolName() + " packages", Err: failed}
	}
	return err
}

// toolName is the field that a tool builds.
func (f fields) toolName() string {
	for _, kind := range []string{kindPip, kindUV} {
		if value, ok := f[kind]; ok && !isEmpty(value) {
			return kind
		}
	}
	return kindConda
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
	if scheme != schemeGCS {
		return dest, b.fetch(ctx, uri, field, dest)
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
	return b.spread(ctx, f, uri, kind, field, dest)
}

// spread unpacks an open archive.
func (b *Builder) spread(ctx context.Context, f *os.File, uri string, kind packages.Kind, field, dest string) error {
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
		"_inject_current_ray", kindPip, kindUV, kindConda, fieldContainer, fieldImageURI,
		"py_executable", "worker_process_setup_hook",
	}
	for _, name := range sortedKeys(f) {
		if !slices.Contains(known, name) {
			fmt.Fprintf(log, "runtime_env field %q is not known to this server and is passed on to Ray only.\n", name)
		}
	}
}
