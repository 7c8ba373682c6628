package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dray/backend/jobspec"
	"dray/backend/ledger"
	"dray/backend/rayapi"
)

// rerunFlags are the flags of dray rerun.
type rerunFlags struct {
	id    string
	set   []string
	sweep string
	after
}

func (a *app) rerunCmd() *cobra.Command {
	var f rerunFlags
	cmd := &cobra.Command{
		Use:   "rerun ID",
		Short: "Submit a job again under a new id, which is printed",
		Long: `Submits a job again, as this machine recorded it or as far as its server tells,
under a new id. A package that the server has dropped is uploaded again.

--set changes a field: --set entrypoint_num_gpus=2, --set metadata.team=x,
--set env.LR=0.1 (a variable), --set runtime_env.pip='["torch"]', or the value
of a flag in the command: --set --lr=0.1. --sweep makes a job for each of
several values: --sweep --lr=0.1,0.01,0.001, or a JSON list. --dry-run shows
what would change and sends nothing.`,
		Example: `  dray rerun sweep-7 --set --lr=0.01 --set entrypoint_num_gpus=2
  dray rerun sweep-7 --sweep env.SEED=1,2,3 --dry-run`,
		Args:              exactArgs(1, "one job id"),
		ValidArgsFunction: a.ids(1, submitted),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if f.dryRun && f.format.isData() {
				return usagef("rerun --dry-run prints what changes, for people: leave -o out")
			}
			if f.sweep != "" && (f.id != "" || f.wait || f.follow) {
				return usagef("--sweep makes several jobs, so --id, --wait and --follow cannot be used with it")
			}
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error { return a.rerun(ctx, s, args[0], f) })
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.id, "id", "", "submission `id` of the new job (default: the old one with -r2, -r3 …)")
	fl.StringArrayVar(&f.set, "set", nil, "change a field, `PATH=VALUE`; may be repeated")
	fl.StringVar(&f.sweep, "sweep", "", "a job for each value of a field, `PATH=V1,V2,…`")
	f.add(cmd, "print what would be sent and what changes, and send nothing")
	return cmd
}

// origin is a job that is to be submitted again, and what is known of it.
type origin struct {
	job   rayapi.Job
	entry *ledger.Entry // nil when this machine did not submit it
	gone  bool          // the server has it no longer
}

// origin finds a job on the server, or else in the ledger.
func (a *app) origin(ctx context.Context, s *session, id string) (origin, error) {
	job, jobErr := s.client.Get(ctx, id)
	if jobErr != nil && !errors.Is(jobErr, rayapi.ErrNotFound) {
		return origin{}, jobErr
	}
	if jobErr == nil {
		id = job.ID()
	}
	entry, err := s.ledger.Get(s.key, id)
	switch {
	case err == nil && jobErr == nil:
		return origin{job: job, entry: &entry}, nil
	case err == nil:
		return origin{job: ledger.Forgotten(entry), entry: &entry, gone: true}, nil
	case errors.Is(err, os.ErrNotExist):
		return origin{job: job}, jobErr
	case jobErr == nil: // a damaged record must not keep a job from being seen
		fmt.Fprintf(a.stderr, "dray: %s; what the server tells of the job is used\n", err)
		return origin{job: job}, nil
	}
	return origin{}, err
}

func (a *app) rerun(ctx context.Context, s *session, old string, f rerunFlags) error {
	a.resolve(ctx, s)
	o, err := a.origin(ctx, s, old)
	if err != nil {
		return err
	}
	if o.gone {
		fmt.Fprintf(a.stderr, "dray: the server has no job %s: it is submitted again from what was recorded here\n", old)
	}
	change, err := a.changes(s, f.set)
	if err != nil {
		return err
	}
	base, notes, err := ledger.RerunWith(o.job, o.entry, "", change)
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(a.stderr, "dray: "+n)
	}
	if f.dryRun || f.sweep != "" {
		return a.variants(ctx, s, o, base, f)
	}
	if base, err = a.uploaded(ctx, s, jobspec.FromRequest(base)); err != nil {
		return err
	}
	return a.resend(ctx, s, o.job.ID(), base, f)
}

// resend submits a rerun under the first id that is free.
func (a *app) resend(ctx context.Context, s *session, old string, req rayapi.SubmitRequest, f rerunFlags) error {
	const tries = 20 // somebody else may take the next free id first
	for try := range tries {
		req.SubmissionID = f.id
		if f.id == "" {
			var err error
			if req.SubmissionID, err = a.nextID(ctx, s, old); err != nil {
				return err
			}
		}
		err := a.send(ctx, s, req, old, f.after)
		if f.id != "" || try == tries-1 || !errors.Is(err, rayapi.ErrExists) {
			return err
		}
	}
	return nil
}

// changes returns what --set does to a request.
func (a *app) changes(s *session, set []string) (func(rayapi.SubmitRequest) (rayapi.SubmitRequest, error), error) {
	list, err := assignments("--set", set)
	if err != nil {
		return nil, err
	}
	return func(r rayapi.SubmitRequest) (rayapi.SubmitRequest, error) {
		spec := jobspec.FromRequest(r)
		for _, kv := range list {
			path, err := settable("--set", kv[0])
			if err != nil {
				return r, err
			}
			if spec, err = spec.Set(path, kv[1]); err != nil {
				return r, &usageError{err}
			}
		}
		if len(list) == 0 {
			return r, nil // a rerun is faithful, whatever is in it
		}
		spec = spec.At(s.cwd)
		return spec.Request(), a.checked(spec)
	}, nil
}

// settable returns where a request has the field at path, and refuses what a
// rerun gives a value of its own.
func settable(flag, path string) (string, error) {
	switch path {
	case "working_dir":
		return "runtime_env.working_dir", nil
	case "submission_id":
		return "", usagef("%s cannot change submission_id: a rerun has a new one, which --id gives", flag)
	case "metadata." + ledger.ParentKey, "metadata." + ledger.SweepKey, "after":
		return "", usagef("%s cannot change %s, which is not the job's own", flag, path)
	}
	return path, nil
}

// variants prints or submits one job, or one for each value of a sweep.
func (a *app) variants(ctx context.Context, s *session, o origin, base rayapi.SubmitRequest, f rerunFlags) error {
	var lookErr error
	taken := func(id string) bool {
		used, err := s.taken(ctx, id)
		lookErr = errors.Join(lookErr, err)
		return used
	}
	list := []rayapi.SubmitRequest{base}
	if f.sweep == "" {
		list[0].SubmissionID = f.id
		if f.id == "" {
			list[0].SubmissionID = ledger.NextID(o.job.ID(), taken)
		}
	} else {
		path, values, err := sweepOf(f.sweep)
		if err != nil {
			return err
		}
		if list, err = ledger.Sweep(base, o.job.ID(), path, values, taken); err != nil {
			return &usageError{err}
		}
	}
	if lookErr != nil {
		return lookErr
	}
	if f.dryRun {
		original, _ := ledger.Original(o.job, o.entry)
		for _, r := range list {
			if err := a.printVariant(r, original); err != nil {
				return err
			}
		}
		return nil
	}
	return a.sendAll(ctx, s, o.job.ID(), list, f.format)
}

// sendAll submits the jobs of a sweep.
func (a *app) sendAll(ctx context.Context, s *session, parent string, list []rayapi.SubmitRequest, format *output) error {
	jobs := make([]rayapi.Job, 0, len(list))
	for i, r := range list {
		sent, err := a.uploaded(ctx, s, jobspec.FromRequest(r))
		if err == nil && format.isData() {
			var job rayapi.Job
			job, err = a.sendForRecord(ctx, s, sent, parent)
			jobs = append(jobs, job)
		} else if err == nil {
			err = a.send(ctx, s, sent, parent, after{format: format})
		}
		if err != nil {
			return fmt.Errorf("%d of %d jobs are submitted: %w", i, len(list), err)
		}
	}
	if format.isData() {
		return a.printData(format, jobs)
	}
	return nil
}

func (a *app) sendForRecord(ctx context.Context, s *session, req rayapi.SubmitRequest, parent string) (rayapi.Job, error) {
	id, err := a.post(ctx, s, req, parent)
	if err != nil {
		return rayapi.Job{}, err
	}
	if err := a.finish(ctx, s, id, after{}); err != nil {
		return rayapi.Job{}, err
	}
	return s.client.Get(ctx, id)
}

func (a *app) printVariant(r, original rayapi.SubmitRequest) error {
	if _, err := fmt.Fprintln(a.stdout, r.SubmissionID); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return a.printChanges("  ", ledger.Diff(original, r))
}

// sweepOf reads PATH=V1,V2 or PATH=["V1","V2"].
func sweepOf(s string) (path string, values []string, err error) {
	path, list, ok := strings.Cut(s, "=")
	if !ok || path == "" || list == "" {
		return "", nil, usagef("--sweep %q is not of the form PATH=V1,V2,…", s)
	}
	if path, err = settable("--sweep", path); err != nil {
		return "", nil, err
	}
	var elements []json.RawMessage
	if json.Unmarshal([]byte(list), &elements) == nil {
		return path, texts(elements), nil
	}
	return path, strings.Split(list, ","), nil
}

// texts returns the values of a JSON list; what is no text stays JSON.
func texts(list []json.RawMessage) []string {
	values := make([]string, len(list))
	for i, e := range list {
		if json.Unmarshal(e, &values[i]) != nil {
			values[i] = string(e)
		}
	}
	return values
}

func (s *session) taken(ctx context.Context, id string) (bool, error) {
	_, err := s.client.Get(ctx, id)
	if errors.Is(err, rayapi.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// nextID finds the first free id of the form OLD-rN.
func (a *app) nextID(ctx context.Context, s *session, old string) (string, error) {
	var lookErr error
	id := ledger.NextID(old, func(id string) bool {
		used, err := s.taken(ctx, id)
		if err != nil {
			lookErr = err
		}
		return used
	})
	return id, lookErr
}
