package main

import (
	"strings"
	"testing"

	"dray/tui"
)

// Each action on a job has a command line, and each line is of a verb and flags
// that there are.
func TestDeeds(t *testing.T) {
	t.Parallel()
	registry := tui.KeysMarkdown()
	has := map[string]bool{
		// Of the copying, the shell is the better tool.
		"job.copy-id": true, "job.copy-menu": true, "job.copy-record": true,
		// Another way to a page that has its line.
		"job.log-error": true, "job.detail": true,
	}
	for _, d := range deeds() {
		has[d.action] = true
		if !strings.Contains(registry, "`"+d.action+"`") {
			t.Errorf("there is no action %s", d.action)
		}
		words := strings.Fields(d.line)
		root := (&app{getenv: func(string) string { return "" }}).rootCmd()
		cmd, rest, err := root.Find(words[1:])
		if err != nil {
			t.Errorf("%s: %v", d.line, err)
			continue
		}
		if cmd == root && words[1] != "--theme" {
			t.Errorf("%s names no verb", d.line)
		}
		for _, word := range rest {
			name, long := strings.CutPrefix(word, "--")
			short, isShort := strings.CutPrefix(word, "-")
			switch {
			case word == "--":
			case long && cmd.Flag(name) == nil:
				t.Errorf("%s: there is no flag %s", d.line, word)
			case !long && isShort && len(short) == 1 && cmd.Flags().ShorthandLookup(short) == nil:
				t.Errorf("%s: there is no flag %s", d.line, word)
			}
		}
	}
	for _, word := range strings.Fields(registry) {
		if action := strings.Trim(word, "`"); strings.HasPrefix(action, "job.") && !has[action] {
			t.Errorf("the action %s has no command line", action)
		}
	}
}
