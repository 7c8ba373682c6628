package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/contexts"
)

const clusters = `# mine
theme: nord
clusters:
  # the big one
  prod:
    address: https://head.corp:8265   # behind the proxy
    headers: {X-Team: vision}
    header_command: [pass, show, ray/prod]
    header_timeout: 5s
    ca_file: corp.pem
    cert_file: ~/me.pem
    key_file: ~/me.key
    read_only: false # for now
    protected: true
    colour: red

  lab:
    address: http://10.9.0.4:8265
    token_env: LAB_TOKEN
# the end
mouse: false
`

func TestParse_clusters(t *testing.T) {
	t.Parallel()
	got, err := Parse("/cfg/c.yaml", []byte(clusters))
	if err != nil {
		t.Fatal(err)
	}
	want := []contexts.Cluster{{
		Name: "prod", Address: "https://head.corp:8265", Headers: map[string]string{"X-Team": "vision"},
		HeaderCommand: []string{"pass", "show", "ray/prod"}, HeaderTimeout: 5 * time.Second,
		CAFile: "corp.pem", CertFile: "~/me.pem", KeyFile: "~/me.key", Protected: true, Colour: "red", Dir: "/cfg",
	}, {Name: "lab", Address: "http://10.9.0.4:8265", TokenEnv: "LAB_TOKEN", Dir: "/cfg"}}
	if diff := cmp.Diff(want, got.Clusters); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	one, err := Parse("c.yaml", []byte("clusters: {a: {address: embedded, header_command: print-it | head}}"))
	if err != nil || !cmp.Equal(one.Clusters[0].HeaderCommand, []string{"/bin/sh", "-c", "print-it | head"}) {
		t.Errorf("a line for the shell: %v, %v", one, err)
	}
}

func TestParse_clusterErrorsSayWhere(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"clusters: [a]", "c.yaml:1:11: clusters takes names with values"},
		{"clusters:\n  a b: {address: http://h}", "c.yaml:2:3: a cluster's name is made of letters"},
		{"clusters:\n  embedded: {address: http://h}", "c.yaml:2:3: a cluster cannot be called embedded"},
		{"clusters:\n  a: {read_only: true}", "c.yaml:2:3: clusters.a has no address"},
		{"clusters:\n  a: {adr: http://h}", `c.yaml:2:7: there is no setting "clusters.a.adr"`},
		{"clusters:\n  a:\n    address: head:8265", "c.yaml:3:14: address: head:8265 is not the address of a Jobs API: use http://head:8265"},
		{"clusters:\n  a: {address: http://h, read_only: maybe}", `c.yaml:2:37: it is true or false`},
		{"clusters:\n  a: {address: http://h, header_timeout: soon}", `c.yaml:2:42: header_timeout is a time such as 10s`},
		{"clusters:\n  a: {address: http://h, header_command: []}", `c.yaml:2:42: header_command is a program`},
		{"clusters:\n  a: {address: http://h, headers: {\"a b\": x}}", `is not the name of a header`},
		{"clusters:\n  a: {address: http://h, colour: reddish}", `colour is one of red`},
		{"clusters:\n  a: {address: https://h, cert_file: x}", `c.yaml:2:3: clusters.a: cert_file and key_file need each other`},
		{"clusters:\n  a: {address: http://h, insecure_skip_verify: yes}", `are for an address that begins with https://`},
		{"clusters:\n  a: {address: https://h, ca_file: x, insecure_skip_verify: yes}", `exclude each other`},
		{"clusters:\n  a: {address: http://h, token_file: x, token_env: y}", `exclude each other`},
		{"clusters:\n  a: {address: http://h, token_file: ''}", `c.yaml:2:38: the value is missing`},
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

// Each change leaves every other line as it was.
func TestEdit_keepsTheRest(t *testing.T) {
	t.Parallel()
	add := func(name, address string) func(string) error {
		return func(f string) error {
			return AddCluster(f, contexts.Cluster{Name: name, Address: address, HeaderCommand: []string{"a", "b c"}, ReadOnly: true})
		}
	}
	const added = "  new:\n    address: http://h\n    header_command:\n        - a\n        - b c\n    read_only: true\n"
	tests := []struct {
		name, before string
		do           func(file string) error
		want         string
	}{
		{"add to nothing", "", add("new", "http://h"), "clusters:\n" + added},
		{"add to a file", "# a\nmouse: off\n", add("new", "http://h"), "# a\nmouse: off\nclusters:\n" + added},
		{"add to none", "clusters:\nmouse: off\n", add("new", "http://h"), "clusters:\n" + added + "mouse: off\n"},
		{"add to an empty one", "clusters: {}\nmouse: off\n", add("new", "http://h"), "clusters:\n" + added + "mouse: off\n"},
		{"add to others", clusters, add("new", "http://h"), strings.Replace(clusters, "# the end\n", added+"# the end\n", 1)},
		{
			"remove the first", clusters, func(f string) error { return RemoveCluster(f, "prod") },
			"# mine\ntheme: nord\nclusters:\n  # the big one\n\n" + clusters[strings.Index(clusters, "  lab:"):],
		},
		{
			"remove the last", clusters, func(f string) error { return RemoveCluster(f, "lab") },
			strings.Replace(clusters, "  lab:\n    address: http://10.9.0.4:8265\n    token_env: LAB_TOKEN\n", "", 1),
		},
		{"remove the only", "clusters:\n  a:\n    address: http://h\nmouse: off\n", func(f string) error { return RemoveCluster(f, "a") }, "mouse: off\n"},
		{
			"read-only, there", clusters, func(f string) error { return SetReadOnly(f, "prod", true) },
			strings.Replace(clusters, "read_only: false # for now", "read_only: true # for now", 1),
		},
		{
			"read-only, not there", clusters, func(f string) error { return SetReadOnly(f, "lab", true) },
			strings.Replace(clusters, "  lab:\n", "  lab:\n    read_only: true\n", 1),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tt.do(file); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(file)
			if diff := cmp.Diff(tt.want, string(got)); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// What a few lines cannot change is left alone, and said.
func TestEdit_leavesAloneWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		do         func(file string) error
	}{
		{"flow", "clusters: {a: {address: http://h}}\n", func(f string) error { return AddCluster(f, contexts.Cluster{Name: "b", Address: "http://h"}) }},
		{"flow entry", "clusters:\n  a: {address: http://h}\n", func(f string) error { return SetReadOnly(f, "a", true) }},
		{"there already", "clusters:\n  a: {address: http://h}\n", func(f string) error { return AddCluster(f, contexts.Cluster{Name: "a", Address: "http://h"}) }},
		{"alias", "clusters:\n  a: &x\n    address: http://h\n  b: *x\n", func(f string) error { return RemoveCluster(f, "a") }},
		{"nobody", "clusters:\n  a: {address: http://h}\n", func(f string) error { return RemoveCluster(f, "b") }},
		{"broken", "nonsense: 1\n", func(f string) error { return AddCluster(f, contexts.Cluster{Name: "b", Address: "http://h"}) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := tt.do(file)
			if got, readErr := os.ReadFile(file); err == nil || readErr != nil || string(got) != tt.text {
				t.Errorf("%v, %v: %q", err, readErr, got)
			}
		})
	}
}
