package main

import (
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// deed is an action of the dashboard and the command line that does the same.
type deed struct{ action, what, line string }

// deeds are the actions that have an effect or bring something to light beyond
// the look of the screen.
func deeds() []deed {
	return []deed{
		{"job.open", "a job with all its fields", "dray get ID -o wide"},
		{"job.raw", "its raw record", "dray get ID -o yaml"},
		{"job.log", "its log, as it grows", "dray logs -f ID"},
		{"job.stop", "stop it", "dray stop ID"},
		{"job.rerun", "submit it again", "dray rerun ID"},
		{"job.edit", "the same with changes", "dray rerun ID --set PATH=VALUE"},
		{"form.sweep", "one for each value", "dray rerun ID --sweep PATH=V1,V2"},
		{"job.delete", "delete it", "dray delete ID"},
		{"job.watch", "be told of its states", "dray watch ID"},
		{"job.new", "submit a job", "dray submit -- COMMAND"},
		{"form.templates", "from a template", "dray submit -t NAME -- COMMAND"},
		{"form.history", "what was submitted", "dray history"},
		{"form.preview", "what would be sent", "dray submit --dry-run -o json -- COMMAND"},
		{"list.filter", "jobs that match", "dray ls -q 'status:failed age<2d'"},
		{"list.sort", "in another order", "dray ls --sort -dur"},
		{"list.wide", "with more columns", "dray ls -o wide"},
		{"log.save", "save a log", "dray logs ID > FILE"},
		{"log.pipe", "give it to a command", "dray logs ID | COMMAND"},
		{"app.clusters", "the clusters", "dray ctx ls"},
		{"clusters.switch", "use another", "dray ctx use NAME"},
		{"clusters.add", "add one", "dray ctx add NAME ADDRESS"},
		{"clusters.test", "try them", "dray ctx test NAME"},
		{"clusters.forget", "remove one", "dray ctx rm NAME"},
		{"app.theme", "another look", "dray --theme NAME"},
	}
}

// actionsHelp is a help topic: dray help actions.
func actionsHelp() *cobra.Command {
	var b strings.Builder
	b.WriteString("What can be done in the dashboard can be done by a verb. The names of the\n" +
		"actions are those of the settings; dray config keys lists them with their keys.\n\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, d := range deeds() {
		_, _ = w.Write([]byte("  " + d.line + "\t" + d.what + "\t" + d.action + "\n")) // into memory
	}
	_ = w.Flush()
	return &cobra.Command{Use: "actions", Short: "The dashboard's actions as command lines", Long: strings.TrimRight(b.String(), "\n")}
}
