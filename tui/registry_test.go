package tui

import (
	"os"
	"strings"
	"testing"

	"dray/tui/settings"
	"dray/tui/tuitest"
)

// Every action has an id, a text and a key, no key does two things on one
// page, and what is in the registry is in the documentation.
func TestRegistry(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := KeysMarkdown()
	for _, sc := range Registry() {
		ids := map[string]bool{}
		keys := map[string]string{}
		for _, b := range sc.Bindings {
			if b.ID == "" || b.Group == "" || b.Help().Key == "" || b.Help().Desc == "" || len(b.Keys()) == 0 || ids[b.ID] {
				t.Errorf("%s: %q is incomplete or there twice", sc.Name, b.ID)
			}
			ids[b.ID] = true
			if !strings.Contains(docs, "`"+b.ID+"`") {
				t.Errorf("the documentation lacks %s", b.ID)
			}
			for _, k := range b.Keys() {
				if _, ok := KeyNamed(k); !ok {
					t.Errorf("%s: there is no key %q", b.ID, k)
				}
				if other, taken := keys[k]; taken && b.Enabled() {
					t.Errorf("%s: %q belongs to %s and %s", sc.Name, k, other, b.ID)
				}
				if b.Enabled() {
					keys[k] = b.ID
				}
			}
		}
	}
	const begin, end = "<!-- keys: begin -->\n", "<!-- keys: end -->"
	if _, rest, found := strings.Cut(string(readme), begin); found {
		if section, _, _ := strings.Cut(rest, end); strings.TrimSpace(section) != strings.TrimSpace(docs) {
			t.Error("the README's table of keys is old: put the output of dray config keys between its marks")
		}
	}
}

func TestCheckKeys(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"keys: {job.stop: K}", ""},
		{"keys: {Jobs/job.stop: l, Jobs/job.log: x}", ""},
		{"keys: {job.stop: [], job.log: x}", ""},
		{"keys: {list.down: T}", `the key "T" of list.down is that of app.theme too`},
		{"keys: {list.down: T, app.theme: []}", ""},
		{"keys:\n  job.stop: l", `c.yaml:2:3: the key "l" of job.`},
		{"keys:\n  job.stpo: l", `c.yaml:2:3: there is no action "job.stpo"; is "job.stop" meant?`},
		{"keys:\n  job.stop: [ctrl+;]", `c.yaml:2:3: there is no key "ctrl+;"`},
		{"keys:\n  job.stop: ctrl+c", `c.yaml:2:3: ctrl+c always quits`},
		{"hotkeys:\n  - {key: x, run: jobs}", `c.yaml:2:6: the key "x" of hotkey x is that of job.stop too`},
		{"hotkeys:\n  - {key: f9, run: jobs}\n  - {key: f9, run: events}", ""},
		{"hotkeys:\n  - {key: foo, run: jobs}", `c.yaml:2:6: there is no key "foo"`},
		{"keys: {job.stop: K}\nhotkeys:\n  - {key: K, run: jobs}", `the key "K" of hotkey K is that of job.stop too`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			s, err := settings.Parse("c.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			err = CheckKeys(s)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		})
	}
}

// Every action of a page that is open can be run by its name.
func TestPalette_hasEveryAction(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"d"}, {"!"}} {
		a := start(t, 80, 24, tuitest.Jobs20(), nil)
		a.press(keys...)
		names := map[string]bool{}
		for _, c := range a.m.commands() {
			names[c.Name] = true
		}
		for _, b := range a.m.bindings() {
			if b.Enabled() && !names[b.ID] {
				t.Errorf("after %v: the palette lacks %s", keys, b.ID)
			}
		}
	}
}
