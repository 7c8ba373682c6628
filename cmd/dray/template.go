package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dray/backend/drafts"
	"dray/backend/jobspec"
	"dray/backend/ledger"
	"dray/tui/clean"
)

func (a *app) templates() *drafts.Templates { return drafts.NewTemplates(drafts.TemplateDir(a.getenv)) }

func (a *app) templateCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "template",
		Short: "List, show, save and remove job templates",
		Long: `Templates are job files under a name, in $XDG_CONFIG_HOME/dray/templates, made to
be shared. Secrets in metadata and runtime environment are left out: their place
is marked "` + jobspec.FillIn + `" and must be given by a flag at submit. A command is
saved as it stands. dray submit -t NAME submits one.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s has no verb %q: use ls, show, save or rm", cmd.CommandPath(), args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return a.listTemplates(new(output)) },
	}
	cmd.AddCommand(a.templateLsCmd(), a.templateShowCmd(), a.templateSaveCmd(), a.templateRmCmd())
	return cmd
}

func (a *app) templateLsCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the templates", Args: exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error { return a.listTemplates(out) },
	}
	out = addOutput(cmd)
	return cmd
}

// templateNames are the names, for the completion.
func (a *app) templateNames() []string {
	list, err := a.templates().List()
	if err != nil {
		return nil
	}
	found := make([]string, len(list))
	for i, t := range list {
		found[i] = t.Name
	}
	return found
}

// listed is a template as JSON.
type listed struct {
	Name  string       `json:"name"`
	Path  string       `json:"path"`
	Error string       `json:"error,omitempty"`
	Job   jobspec.Spec `json:"job"`
}

func (a *app) listTemplates(out *output) error {
	list, err := a.templates().List()
	if err != nil {
		return err
	}
	if out.isData() {
		lines := make([]listed, 0, len(list))
		for _, t := range list {
			l := listed{Name: t.Name, Path: t.Path, Job: t.Spec}
			if t.Err != nil {
				l.Error = t.Err.Error()
			}
			lines = append(lines, l)
		}
		return a.printData(out, lines)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.stderr, "no templates yet: dray template save NAME -f job.yaml saves one")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTO FILL IN\tENTRYPOINT")
	for _, t := range list {
		if t.Err != nil {
			fmt.Fprintf(w, "%s\t-\t%s\n", t.Name, clean.Text("wrong: "+t.Err.Error()))
			continue
		}
		fill := strings.Join(t.Spec.Unfilled(), ", ")
		if fill == "" {
			fill = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, clean.Text(fill), clean.Text(t.Spec.Entrypoint))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (a *app) templateShowCmd() *cobra.Command {
	format := outYAML
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Print a template as a job file", Args: exactArgs(1, "the name of a template"),
		ValidArgsFunction: names(a.templateNames),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := a.templates().Load(args[0])
			if err != nil {
				return err
			}
			if format == outJSON {
				return a.printJSON(t.Spec)
			}
			if _, err := a.stdout.Write(t.Spec.YAML()); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	}
	formats := []output{outYAML, outJSON}
	cmd.Flags().VarP(outputFlag{&format, formats}, "output", "o", "`format`: "+oneOf(formats))
	completeFormats(cmd, formats)
	return cmd
}

func (a *app) templateSaveCmd() *cobra.Command {
	var file, job string
	var replace bool
	cmd := &cobra.Command{
		Use:   "save NAME",
		Short: "Save a job file, or a job that was submitted, as a template",
		Example: `  dray template save gpu-train -f job.yaml
  dray template save gpu-train --job sweep-7`,
		Args: exactArgs(1, "the name of a template"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var spec jobspec.Spec
			var err error
			switch {
			case (file == "") == (job == ""):
				return usagef("%s takes a job file by -f, or a job by --job", cmd.CommandPath())
			case file != "":
				spec, err = a.fileSpec(file)
			default:
				spec, err = a.jobSpec(cmd.Context(), job)
			}
			if err != nil {
				return err
			}
			left, err := a.templates().Save(args[0], spec, replace)
			for _, path := range left {
				fmt.Fprintf(a.stderr, "dray: %s is a secret and was left out\n", path)
			}
			switch {
			case errors.Is(err, os.ErrExist):
				return fmt.Errorf("%w; --replace replaces it", err)
			case err == nil && jobspec.CommandSecret(spec.Entrypoint):
				fmt.Fprintln(a.stderr, "dray: the command seems to hold a secret, which is saved with it: put it into a variable (--env) instead")
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "job `file`; - reads stdin")
	cmd.Flags().StringVar(&job, "job", "", "`id` of a job that was submitted")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a template of that name")
	return cmd
}

// jobSpec returns the job file of a job that was submitted, without lineage.
func (a *app) jobSpec(ctx context.Context, id string) (spec jobspec.Spec, err error) {
	err = a.with(ctx, func(ctx context.Context, s *session) error {
		o, err := a.origin(ctx, s, id)
		if err != nil {
			return err
		}
		r, notes := ledger.Original(o.job, o.entry)
		for _, n := range notes {
			fmt.Fprintln(a.stderr, "dray: "+n)
		}
		spec = jobspec.FromRequest(r).Without(ledger.ParentKey, ledger.SweepKey)
		return nil
	})
	return spec, err
}

func (a *app) templateRmCmd() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME…", Aliases: []string{"delete"}, Short: "Remove templates", Args: minArgs("one or more names"),
		ValidArgsFunction: names(a.templateNames),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				if err := a.templates().Delete(name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
