package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"dray/backend/jobspec"
	"dray/backend/rayapi"
)

func (a *app) submitCmd() *cobra.Command {
	var f submitFlags
	var schema bool
	cmd := &cobra.Command{
		Use:   "submit [flags] -- COMMAND…",
		Short: "Submit a job and print its id",
		Long: `Submits a job and prints its id alone on stdout, or with -o json or yaml its
record, after --wait that of its end.

One word after -- is shell text as it stands; several words are quoted so that
each arrives as given. With the embedded backend the job runs in the current
folder, in place; --working-dir gives it a private copy of a folder, as Ray does.

-f reads a job file, in YAML or JSON, and -t a template; flags and the command
go over what is in it. Relative paths in a job file count from its folder.
--schema prints the schema of job files, --dry-run -o yaml writes one (-o json:
the request).

The job is submitted at most once: its id is chosen and written down before it
is sent, and when no answer comes the job is looked up by it.`,
		Example: `  dray submit -- python train.py --lr 0.1
  dray submit --working-dir . --env EPOCHS=3 --follow -- python train.py
  dray submit --wait -- 'make data && python train.py'
  dray submit -f job.yaml --entrypoint-num-gpus 2
  dray submit --dry-run -o yaml --working-dir . -- python train.py > job.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !schema && f.file == "" && f.template == "" {
				return usagef("%s takes the job's command after --, or a job file by -f", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if schema {
				_, err := a.stdout.Write(jobspec.Schema())
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			spec, err := a.specOf(f, args)
			if err != nil {
				return err
			}
			if f.dryRun {
				return a.printSpec(spec, *f.format)
			}
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error { return a.submit(ctx, s, spec, f) })
		},
	}
	f.add(cmd)
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON schema of job files")
	completeFlag(cmd, "template", names(a.templateNames))
	return cmd
}

// printSpec prints what would be sent. Local folders stand as they are: they
// are uploaded at submit.
func (a *app) printSpec(spec jobspec.Spec, format output) error {
	if format == outJSON {
		return a.printJSON(spec.Request())
	}
	if _, err := a.stdout.Write(spec.YAML()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// specOf puts together what a file, the flags and the command say.
func (a *app) specOf(f submitFlags, words []string) (jobspec.Spec, error) {
	spec, err := a.baseSpec(f)
	if err != nil {
		return spec, err
	}
	over, err := a.flagSpec(f, words)
	if err != nil {
		return spec, err
	}
	spec = spec.Over(over)
	// A 0 in the command line goes over what is in the file too.
	if f.given("entrypoint-num-cpus") {
		spec.NumCPUs = over.NumCPUs
	}
	if f.given("entrypoint-num-gpus") {
		spec.NumGPUs = over.NumGPUs
	}
	if f.given("entrypoint-memory") {
		spec.Memory = over.Memory
	}
	for _, w := range []struct{ path, value string }{{"deadline", f.deadline}, {"retries", f.retries}, {"retry_delay", f.retryDelay}} {
		if w.value == "" {
			continue
		}
		if spec, err = spec.Set(w.path, w.value); err != nil {
			return spec, &usageError{err}
		}
	}
	return spec, a.checked(spec)
}

// checked says the first thing that is wrong with a job, and on stderr what is
// probably not meant.
func (a *app) checked(spec jobspec.Spec) error {
	for _, p := range spec.Check() {
		if !p.Warning {
			return usagef("%s", p)
		}
		fmt.Fprintf(a.stderr, "dray: %s\n", p)
	}
	if err := spec.Request().Validate(); err != nil {
		return &usageError{err}
	}
	return nil
}

// baseSpec reads the file or template over which the flags go.
func (a *app) baseSpec(f submitFlags) (jobspec.Spec, error) {
	switch {
	case f.file != "" && f.template != "":
		return jobspec.Spec{}, usagef("-f and -t both name a job: give one of them")
	case f.template != "":
		t, err := a.templates().Load(f.template)
		if err != nil {
			return jobspec.Spec{}, &usageError{err}
		}
		return t.Spec, nil
	case f.file != "":
		return a.fileSpec(f.file)
	}
	return jobspec.Spec{}, nil
}

// fileSpec reads a job file, which may lack what the flags say. "-" is stdin.
func (a *app) fileSpec(path string) (jobspec.Spec, error) {
	data, err := a.readInput(path)
	if err != nil {
		return jobspec.Spec{}, usagef("the job file %s cannot be read: %w", path, cause(err))
	}
	name, folder := path, filepath.Dir(path)
	if path == "-" {
		name, folder = "stdin", "."
	}
	spec, err := jobspec.ParseTemplate(name, data)
	if err != nil {
		return spec, &usageError{err}
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return spec, fmt.Errorf("the folder of %s cannot be found: %w", path, err)
	}
	spec = spec.At(folder)
	spec.RuntimeEnv, err = a.inlined(spec.RuntimeEnv, folder)
	return spec, err
}

// cause is what is wrong with a path, without the path.
func cause(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func (a *app) submit(ctx context.Context, s *session, spec jobspec.Spec, f submitFlags) error {
	a.resolve(ctx, s)
	if spec.SubmissionID == "" {
		spec.SubmissionID = rayapi.NewID()
	}
	if spec.Dir() == "" && s.host != nil && !spec.InContainer() {
		spec.WorkingDir = "local://" + s.cwd
	}
	req, err := a.uploaded(ctx, s, spec)
	if err != nil {
		return err
	}
	return a.send(ctx, s, req, "", f.after)
}

// uploaded returns the request of a job, whose local folders are uploaded.
func (a *app) uploaded(ctx context.Context, s *session, spec jobspec.Spec) (rayapi.SubmitRequest, error) {
	req := spec.Request()
	var env struct {
		Excludes []string `json:"excludes"`
		Modules  []string `json:"py_modules"`
	}
	_ = json.Unmarshal(req.RuntimeEnv, &env) // a list of another type was refused before
	if dir := spec.Dir(); jobspec.IsLocal(dir) {
		if err := readable(dir, "working dir"); err != nil {
			return req, err
		}
		uri, err := s.client.Upload(ctx, dir, env.Excludes, nil)
		if err != nil {
			return req, err
		}
		spec = spec.Over(jobspec.Spec{WorkingDir: uri})
	}
	local := false
	for i, m := range env.Modules {
		if !jobspec.IsLocal(m) {
			continue
		}
		if err := readable(m, "py-module"); err != nil {
			return req, err
		}
		uri, err := s.client.UploadModule(ctx, m, env.Excludes, nil)
		if err != nil {
			return req, err
		}
		env.Modules[i], local = uri, true
	}
	if local {
		list, err := json.Marshal(env.Modules)
		if err == nil {
			spec, err = spec.Set("runtime_env.py_modules", string(list))
		}
		if err != nil {
			return req, err
		}
	}
	return spec.Request(), nil
}

// readable says in one sentence why a local path cannot be sent.
func readable(path, what string) error {
	f, err := os.Open(path)
	if err != nil {
		abs, absErr := filepath.Abs(path)
		if absErr != nil {
			abs = path
		}
		return usagef("the %s %s cannot be read: %w; name an existing folder or archive", what, abs, cause(err))
	}
	return f.Close()
}

func (a *app) readInput(path string) ([]byte, error) {
	if path == "-" {
		return readAll(a.stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

// blank reports that a command holds nothing that could run.
func blank(s string) bool { return strings.TrimSpace(s) == "" }
