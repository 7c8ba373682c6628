package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dray/backend/doctor"
)

func (a *app) doctorCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what the embedded backend stands on; exits with 1 when something is bad",
		Args:  exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := a.statePath()
			if err != nil {
				return err
			}
			found := doctor.Run(cmd.Context(), doctor.Options{StateDir: state, Getenv: a.getenv})
			if out.isData() {
				err = a.printData(out, found)
			} else {
				err = a.printFindings(found)
			}
			if err == nil && doctor.Worst(found) == doctor.Bad {
				err = fmt.Errorf("something is bad, see above")
			}
			return err
		},
	}
	out = addOutput(cmd)
	return cmd
}

func (a *app) printFindings(found []doctor.Finding) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Level, f.Name, f.Text)
		if f.Fix != "" {
			fmt.Fprintf(w, "\t\tfix: %s\n", f.Fix)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
