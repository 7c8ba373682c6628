package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/settings"
	"dray/tui/widget/jobtext"
)

const (
	// completionTime bounds how long a tab waits for the server.
	completionTime = time.Second
	// completionMost is how many ids are offered, the newest.
	completionMost = 200
)

// completeFlag says what a flag that was added to cmd may be given.
func completeFlag(cmd *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(fmt.Sprintf("complete --%s: %v", flag, err)) // there is no such flag, or it has two
	}
}

// names offers words that are known without a server.
func names(list func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		left := slices.DeleteFunc(list(), func(s string) bool { return slices.Contains(given, s) })
		return left, cobra.ShellCompDirectiveNoFileComp
	}
}

// ids offers the ids of the server's jobs that fit, at most many to a command
// line; 0 is any number.
func (a *app) ids(many int, fits func(*rayapi.Job) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		if many > 0 && len(given) >= many {
			return nil, directive
		}
		return a.offer(cmd.Context(), given, fits), directive
	}
}

// offer asks the server for its jobs. A tab tells of no error: nothing is
// offered then.
func (a *app) offer(ctx context.Context, given []string, fits func(*rayapi.Job) bool) []cobra.Completion {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	var jobs []rayapi.Job
	err := a.with(ctx, func(ctx context.Context, s *session) (err error) {
		jobs, err = s.client.List(ctx)
		return err
	})
	if err != nil {
		return nil
	}
	slices.SortStableFunc(jobs, func(a, b rayapi.Job) int { return cmp.Compare(b.Started().UnixMilli(), a.Started().UnixMilli()) })
	var list []cobra.Completion
	for i := range jobs {
		id := jobs[i].ID()
		if len(list) == completionMost {
			break
		}
		if plainWord(id) && !slices.Contains(given, id) && fits(&jobs[i]) {
			about := jobtext.KindOf(&jobs[i]).Word() + " " + jobtext.Entrypoint(&jobs[i], 60)
			list = append(list, cobra.CompletionWithDesc(id, about))
		}
	}
	return list
}

// plainWord reports whether a shell takes id as it stands: a server may call a
// job anything.
func plainWord(id string) bool {
	return id != "" && id == clean.Text(id) && !strings.HasPrefix(id, "-") && !strings.ContainsAny(id, " \t'\"\\$`;&|<>(){}*?!~#:")
}

// completeGlobals says what the flags of all verbs may be given.
func (a *app) completeGlobals(root *cobra.Command) {
	completeFlag(root, "address", cobra.FixedCompletions([]string{"embedded", "auto", "http://", "https://"},
		cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	completeFlag(root, "cluster", a.clusterNames)
	completeFlag(root, "theme", names(func() []string {
		_, dir := settings.Path(a.getenv)
		return settings.ThemeNames(dir)
	}))
	if err := root.MarkPersistentFlagDirname("state-dir"); err != nil {
		panic(err) // there is no such flag
	}
}

func anyJob(*rayapi.Job) bool      { return true }
func activeJob(j *rayapi.Job) bool { return !j.Status.IsTerminal() }
func endedJob(j *rayapi.Job) bool  { return j.Status.IsTerminal() }
func stoppable(j *rayapi.Job) bool { return activeJob(j) && j.Type != rayapi.TypeDriver }
func submitted(j *rayapi.Job) bool { return j.Type != rayapi.TypeDriver }
func deletable(j *rayapi.Job) bool { return endedJob(j) && submitted(j) }
