package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const full = `# mine
theme: nord
ascii: yes
animation: false
mouse: off
theme_light: light
columns: [id, status, dur]
sort: -dur
views:
  - name: mine
    filter: mine status:failed
    sort: start
keys:
  job.stop: [K, ctrl+x]
  Jobs/job.delete: []
  app.help: F1
hotkeys:
  - key: f2
    name: grafana
    shell: xdg-open "https://g/$ID"
    confirm: true
  - {key: f3, run: "logs $ID"}
aliases:
  failed: filter status:failed
notify: {watch: mine, bell: true, osc: true, title: false, command: notify-send, webhook: "https://hooks/x"}
logs: {wrap: true, numbers: true, times: true}
`

func TestParse_full(t *testing.T) {
	t.Parallel()
	got, err := Parse("c.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := &Settings{
		Theme: "nord", ThemeLight: "light", ASCII: true, File: "c.yaml", Columns: []string{"id", "status", "dur"}, Sort: "-dur",
		Views: []View{{"mine", "mine status:failed", "start"}},
		Keys:  map[string][]string{"job.stop": {"K", "ctrl+x"}, "Jobs/job.delete": {}, "app.help": {"F1"}},
		Hotkeys: []Hotkey{
			{Key: "f2", Name: "grafana", Shell: `xdg-open "https://g/$ID"`, Confirm: true},
			{Key: "f3", Name: "logs $ID", Run: "logs $ID"},
		},
		Aliases: map[string]string{"failed": "filter status:failed"},
		Notify:  Notify{Watch: "mine", Bell: true, OSC: true, Command: "notify-send", Webhook: "https://hooks/x"},
		Logs:    Logs{Wrap: true, Numbers: true, Times: true},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Settings{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if at := got.Where("keys.job.stop"); at != "c.yaml:14:3" {
		t.Errorf("job.stop stands at %s", at)
	}
}

func TestParse_errorsSayWhere(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"them: nord", `c.yaml:1:1: there is no setting "them"; is "theme" meant?`},
		{"theme: [a]", "c.yaml:1:8: one value is expected"},
		{"\nascii: maybe", `c.yaml:2:8: it is true or false, not "maybe"`},
		{"theme: a\ntheme: b", `c.yaml:2:1: "theme" is set twice`},
		{"notify: {watch: some}", `c.yaml:1:17: notify.watch is none, mine or all`},
		{"notify: {bel: true}", `c.yaml:1:10: there is no setting "notify.bel"; is "bell" meant?`},
		{"notify: {webhook: ftp://x}", "c.yaml:1:19: notify.webhook is an address"},
		{"notify: on", "c.yaml:1:9: notify takes names with values"},
		{"views: {}", "c.yaml:1:8: views is a list"},
		{"views: [{filter: a}]", "c.yaml:1:9: a view needs a name"},
		{"views: [{name: a}, {name: a}, {name: a}, {name: a}, {name: a}, {name: a}]", "keys for 5 views only"},
		{"hotkeys: [{run: a}]", "c.yaml:1:11: a hotkey needs a key"},
		{"hotkeys: [{key: a}]", "a hotkey needs one of run and shell"},
		{"hotkeys: [{key: a, run: b, shell: c}]", "a hotkey needs one of run and shell"},
		{"- a", "c.yaml:1:1: a list of names with values is expected"},
		{"a: [", "c.yaml: it is not YAML"},
		{"keys: {a: {b: c}}", "c.yaml:1:11: a list is expected"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse("c.yaml", []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	env := map[string]string{"HOME": home}
	getenv := func(k string) string { return env[k] }
	got, err := Load(getenv)
	if err != nil || got.Theme != "terminal" || got.File != filepath.Join(home, ".config/dray/config.yaml") {
		t.Fatalf("without a file: %+v, %v", got, err)
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "~"} {
		if s, err := Parse("c", []byte(text)); err != nil || s.Theme != "terminal" {
			t.Errorf("Parse(%q) = %+v, %v", text, s, err)
		}
	}
	env["DRAY_CONFIG"] = filepath.Join(home, "other.yaml")
	if _, err := Load(getenv); err == nil {
		t.Error("a named file that is not there is no error")
	}
	if err := os.WriteFile(env["DRAY_CONFIG"], []byte("mouse: false\ntheme: nrod\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(getenv); err == nil || !strings.Contains(err.Error(), `other.yaml:2:1: there is no theme "nrod"; is "nord" meant?`) {
		t.Errorf("err = %v", err)
	}
}

func TestTheme_ofTheUser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("mine", "failed: \"#ff0000\"\nbase: nord\nmuted: 8\n")
	got, err := Theme(dir, "mine")
	if err != nil || got.Name != "mine" || got.Failed != "#ff0000" || got.Muted != "8" || got.Accent != "#88c0d0" {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"faild: '#ff0000'":  `bad.yaml:1:1: there is no setting "faild"; is "failed" meant?`,
		"failed: red":       "bad.yaml:1:9: failed is a colour as",
		"\nbase: nrod":      `bad.yaml:2:7: there is no theme "nrod" to build on; is "nord" meant?`,
		"failed: '#ff00zz'": "bad.yaml:1:9: failed is a colour",
		"failed: 256":       "bad.yaml:1:9: failed is a colour",
	} {
		write("bad", text)
		if _, err := Theme(dir, "bad"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: err = %v, want %q", text, err, want)
		}
	}
	for _, name := range []string{"../mine", "", "no"} {
		if _, err := Theme(dir, name); err == nil {
			t.Errorf("there is a theme %q", name)
		}
	}
}

func TestSaveTheme_keepsTheRest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "dray", "config.yaml")
	for _, step := range []struct{ before, want string }{
		{"", "theme: nord\n"},
		{"# me\ntheme: dracula # old\nmouse: false\n", "# me\ntheme: nord\nmouse: false\n"},
		{"mouse: false", "mouse: false\ntheme: nord\n"},
	} {
		if step.before != "" {
			if err := os.WriteFile(file, []byte(step.before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := SaveTheme(file, "nord"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != step.want {
			t.Errorf("after %q: %q, %v", step.before, got, err)
		}
	}
	if err := os.WriteFile(file, []byte("nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SaveTheme(file, "nord"); err == nil {
		t.Error("a broken file was written to")
	}
}
