package contexts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve_clusters(t *testing.T) {
	t.Parallel()
	all := []Cluster{{Name: "a", Address: "http://a:1/"}, {Name: "b", Address: "http://b:1"}, {Name: "b2", Address: "http://b:1"}, {Name: "own", Address: "embedded"}}
	tests := []struct {
		name    string
		opt     Options
		env     []string
		cluster string // "" is none
		source  string
		err     string
	}{
		{"flag", Options{FlagCluster: "a", Current: "b"}, []string{"DRAY_CLUSTER", "b"}, "a", "--cluster", ""},
		{"variable", Options{Current: "b"}, []string{"DRAY_CLUSTER", "a", "RAY_ADDRESS", "http://x"}, "a", "DRAY_CLUSTER", ""},
		{"Ray's variable before the choice", Options{Current: "b"}, []string{"RAY_ADDRESS", "http://x"}, "", "RAY_ADDRESS", ""},
		{"choice", Options{Current: "b"}, nil, "b", "dray ctx use", ""},
		{"embedded by choice", Options{Current: "embedded"}, nil, "", "dray ctx use", ""},
		{"embedded by a name", Options{FlagCluster: "own"}, nil, "own", "--cluster", ""},
		{"address of one", Options{Flag: "http://a:1"}, nil, "a", "--address", ""},
		{"address of two", Options{Flag: "http://b:1"}, nil, "", "--address", ""},
		{"unknown", Options{FlagCluster: "c"}, nil, "", "", `--cluster: there is no cluster "c": there are a, b, b2, own`},
		{"unknown by choice", Options{Current: "c"}, nil, "", "", "dray ctx use chooses another"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opt.Clusters, tt.opt.Getenv, tt.opt.TempDir = all, env(tt.env...), t.TempDir()
			got, err := Resolve(t.Context(), tt.opt)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("err = %v, want %q", err, tt.err)
				}
				return
			}
			name := ""
			if got.Cluster != nil {
				name = got.Cluster.Name
			}
			if err != nil || name != tt.cluster || got.Source != tt.source {
				t.Errorf("%+v, %v; want cluster %q from %s", got, err, tt.cluster, tt.source)
			}
		})
	}
}

// Two clusters behind one forwarded port have records of their own, and the
// first of them those from before it had a name.
func TestState_keys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := func(name, address string) (key string) {
		if err := Change(dir, func(s *State) { key = s.Key(name, address) }); err != nil {
			t.Fatal(err)
		}
		return key
	}
	const port = "http://127.0.0.1:8265"
	for _, tt := range []struct{ name, address, want string }{
		{"a", port, port},
		{"b", port, port + "#b"},
		{"a", port, port},
		{"b", port, port + "#b"},
		{"a", "http://elsewhere", "http://elsewhere"}, // it has moved
		{"c", port, port},
	} {
		if got := key(tt.name, tt.address); got != tt.want {
			t.Errorf("key of %s at %s = %s, want %s", tt.name, tt.address, got, tt.want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "clusters.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadState(dir); err == nil {
		t.Error("a broken file is read")
	}
	if got := key("a", port); got != port {
		t.Errorf("after a broken file: %s", got)
	}
}
