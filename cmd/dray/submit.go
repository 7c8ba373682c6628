package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/backend/shellwords"
)

// submitFlags are the flags of dray submit.
type submitFlags struct {
	id, workingDir, runtimeEnv string
	env, metadata              []string
	excludes, pyModules        []string
	cpus, gpus                 float64
	memory                     int64
	resources                  string
	wait, follow               bool
}

func (a *app) submitCmd() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "submit [flags] -- COMMAND…",
		Short: "Submit a job and print its id",
		Long: `Submits a job and prints its id alone on stdout.

One word after -- is shell text as it stands; several words are quoted so that
each arrives as given. With the embedded backend the job runs in the current
folder, in place; --working-dir gives it a private copy of a folder, as Ray does.`,
		Example: `  dray submit -- python train.py --lr 0.1
  dray submit --working-dir . --env EPOCHS=3 --follow -- python train.py
  dray submit --wait -- 'make data && python train.py'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s takes the job's command after --", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error {
				return a.submit(ctx, s, f, args)
			})
		},
	}
	fl := cmd.Flags()
	fl.SetInterspersed(false)
	fl.StringVar(&f.id, "id", "", "submission `id` (default: made up)")
	fl.StringVar(&f.workingDir, "working-dir", "", "`folder`, archive or URI the job gets a copy of")
	fl.StringArrayVar(&f.env, "env", nil, "environment variable `K=V`; may be repeated")
	fl.StringArrayVar(&f.metadata, "metadata", nil, "metadata `K=V`; may be repeated")
	fl.StringArrayVar(&f.excludes, "exclude", nil, "`pattern` of files left out of the working dir; may be repeated")
	fl.StringArrayVar(&f.pyModules, "py-module", nil, "`folder`, .whl or URI put on PYTHONPATH; may be repeated")
	fl.StringVar(&f.runtimeEnv, "runtime-env-json", "", "runtime environment as a `JSON` object; the flags above win")
	fl.Float64Var(&f.cpus, "entrypoint-num-cpus", 0, "CPUs to reserve for the entrypoint")
	fl.Float64Var(&f.gpus, "entrypoint-num-gpus", 0, "GPUs to reserve for the entrypoint")
	fl.Int64Var(&f.memory, "entrypoint-memory", 0, "`bytes` of memory to reserve for the entrypoint")
	fl.StringVar(&f.resources, "entrypoint-resources", "", "custom resources as a `JSON` object of numbers")
	fl.BoolVar(&f.wait, "wait", false, "wait for the job's end; the exit code tells how it ended")
	fl.BoolVar(&f.follow, "follow", false, "print the log until the job's end; the exit code tells how it ended")
	return cmd
}

func (a *app) submit(ctx context.Context, s *session, f submitFlags, words []string) error {
	req, err := f.request(words)
	if err != nil {
		return err
	}
	env, err := f.environment(ctx, s)
	if err != nil {
		return err
	}
	if len(env) > 0 {
		if req.RuntimeEnv, err = json.Marshal(env); err != nil {
			return usagef("the runtime environment cannot be sent: %w", err)
		}
	}
	return a.send(ctx, s, req, "", f.wait, f.follow)
}

// send submits a complete request, whose intent is written down first, and
// waits as far as was asked.
func (a *app) send(ctx context.Context, s *session, req rayapi.SubmitRequest, parent string, wait, follow bool) error {
	now := time.Now()
	if err := s.ledger.Record(s.key, req, parent, now); err != nil {
		return err
	}
	id, err := s.client.Submit(ctx, req)
	if err != nil {
		if refused(err) {
			err = errors.Join(err, s.ledger.Drop(s.key, req.SubmissionID, now))
		}
		return err
	}
	if _, err := fmt.Fprintln(a.stdout, id); err != nil {
		return fmt.Errorf("job %s is submitted, but its id cannot be printed: %w", id, err)
	}
	switch {
	case follow:
		return a.follow(ctx, s, id)
	case wait:
		return a.waitEnd(ctx, s, id)
	case s.host != nil:
		return a.untilStarted(ctx, s, id)
	}
	return nil
}

// refused reports that the server took no job: what was written down of it
// must not stand for the job that has the id.
func refused(err error) bool {
	var answer *client.Error
	return errors.As(err, &answer) && answer.Code >= 400
}

// untilStarted keeps the embedded backend alive until the job has left
// PENDING, or is known to wait for resources.
func (a *app) untilStarted(ctx context.Context, s *session, id string) error {
	job, err := poll(ctx, s.client, id, func(j rayapi.Job) bool {
		return j.Status != rayapi.StatusPending || strings.Contains(j.MessageText(), "waiting for resources")
	})
	if err != nil {
		return err
	}
	if job.Status == rayapi.StatusPending {
		fmt.Fprintf(a.stderr, "dray: %s waits: %s\n", id, job.MessageText())
	}
	return nil
}

func (f submitFlags) request(words []string) (rayapi.SubmitRequest, error) {
	req := rayapi.SubmitRequest{SubmissionID: f.id, NumCPUs: f.cpus, NumGPUs: f.gpus, Memory: f.memory}
	req.Entrypoint = words[0]
	if len(words) > 1 {
		req.Entrypoint = shellwords.Join(words)
	}
	if strings.TrimSpace(req.Entrypoint) == "" {
		return req, usagef("the command is blank: give the job's command after --")
	}
	if strings.ContainsRune(req.Entrypoint, 0) {
		return req, usagef("the command contains a NUL byte, which no shell can run")
	}
	if req.SubmissionID == "" {
		req.SubmissionID = rayapi.NewID()
	}
	var err error
	if req.Metadata, err = pairs("--metadata", f.metadata); err != nil {
		return req, err
	}
	if f.resources != "" {
		if err := json.Unmarshal([]byte(f.resources), &req.Resources); err != nil {
			return req, usagef("--entrypoint-resources is not a JSON object of numbers: %w", err)
		}
	}
	if err := req.Validate(); err != nil {
		return req, &usageError{err}
	}
	return req, nil
}

// pairs reads K=V flags; nil when there are none.
func pairs(flag string, list []string) (map[string]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	m := make(map[string]string, len(list))
	for _, kv := range list {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, usagef("%s %q is not of the form K=V", flag, kv)
		}
		if _, twice := m[k]; twice {
			return nil, usagef("%s sets %q twice", flag, k)
		}
		m[k] = v
	}
	return m, nil
}

// environment returns the runtime environment as it is sent; local folders are
// uploaded on the way.
func (f submitFlags) environment(ctx context.Context, s *session) (map[string]any, error) {
	env := map[string]any{}
	if f.runtimeEnv != "" {
		if err := json.Unmarshal([]byte(f.runtimeEnv), &env); err != nil {
			return nil, usagef("--runtime-env-json is not a JSON object: %w", err)
		}
		if env == nil {
			return nil, usagef("--runtime-env-json is null: give a JSON object, or leave the flag out")
		}
	}
	vars, err := pairs("--env", f.env)
	if err != nil {
		return nil, err
	}
	if len(vars) > 0 {
		if env["env_vars"], err = mergeVars(env["env_vars"], vars); err != nil {
			return nil, err
		}
	}
	if len(f.excludes) > 0 {
		env["excludes"] = f.excludes
	}
	if err := f.workDir(ctx, s, env); err != nil {
		return nil, err
	}
	return env, f.modules(ctx, s, env)
}

func mergeVars(old any, vars map[string]string) (map[string]any, error) {
	merged, ok := old.(map[string]any)
	if old != nil && !ok {
		return nil, usagef("env_vars in --runtime-env-json is not an object of strings, so --env cannot add to it")
	}
	if merged == nil {
		merged = map[string]any{}
	}
	for k, v := range vars {
		merged[k] = v
	}
	return merged, nil
}

func (f submitFlags) workDir(ctx context.Context, s *session, env map[string]any) error {
	dir := f.workingDir
	if dir == "" {
		dir, _ = env["working_dir"].(string)
	}
	if dir == "" {
		if s.host != nil {
			env["working_dir"] = "local://" + s.cwd
		}
		return nil
	}
	uri, err := f.upload(ctx, s, dir, "working dir")
	if err != nil {
		return err
	}
	env["working_dir"] = uri
	return nil
}

func (f submitFlags) modules(ctx context.Context, s *session, env map[string]any) error {
	if len(f.pyModules) == 0 {
		return nil
	}
	uris := make([]string, 0, len(f.pyModules))
	for _, m := range f.pyModules {
		uri, err := f.uploadModule(ctx, s, m)
		if err != nil {
			return err
		}
		uris = append(uris, uri)
	}
	env["py_modules"] = uris
	return nil
}

func (f submitFlags) upload(ctx context.Context, s *session, path, what string) (string, error) {
	if strings.Contains(path, "://") {
		return path, nil
	}
	if err := readable(path, what); err != nil {
		return "", err
	}
	return s.client.Upload(ctx, path, f.excludes, nil)
}

func (f submitFlags) uploadModule(ctx context.Context, s *session, path string) (string, error) {
	if strings.Contains(path, "://") {
		return path, nil
	}
	if err := readable(path, "py-module"); err != nil {
		return "", err
	}
	return s.client.UploadModule(ctx, path, nil)
}

// readable says in one sentence why a local path cannot be sent.
func readable(path, what string) error {
	f, err := os.Open(path)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		abs, absErr := filepath.Abs(path)
		if absErr != nil {
			abs = path
		}
		return usagef("the %s %s cannot be read: %w; name an existing folder or archive", what, abs, err)
	}
	return f.Close()
}
