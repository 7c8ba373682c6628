package submit

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/client"
	"dray/backend/packages"
)

// scanned looks at folders as the client does, without a server.
func scanned(ctx context.Context, dir string, excludes []string, _ func(client.Preflight)) (client.Preflight, error) {
	p, err := packages.Scan(ctx, dir, packages.Options{Excludes: excludes, DefaultExcludes: true}, nil)
	return client.Preflight{Preflight: p, Scanned: true}, err
}

// What is picked from the list of the biggest is left out, and nothing else.
func TestModel_LeavesOutTheBiggest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"data", "a b", "[x]", "a*b", "#c", "!d", "tail ", `back\slash`, "q?", "ä ö", "data.bin/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := remote(t, newServer(t))
			env.Preflight = scanned
			folder := !strings.HasSuffix(name, "/")
			name := strings.TrimSuffix(name, "/")
			path := filepath.Join(env.Cwd, name)
			if folder {
				path = filepath.Join(mkdir(t, path), "big")
			}
			write(t, path, strings.Repeat("x", 4096))
			mkdir(t, filepath.Join(env.Cwd, "sub"))
			if err := os.WriteFile(filepath.Join(env.Cwd, "sub", name), []byte("stays"), 0o600); err != nil {
				t.Fatal(err)
			}
			m := started(t, New(env), 140, 37)
			m, _ = typed(m, "python x.py", "at:working_dir", ".")
			m, _ = settled(t, m)
			m, _ = typed(m, "at:excludes", "ctrl+l")
			if view := m.View(); !strings.Contains(view, "Leave out of the upload") || !strings.Contains(view, "4 KiB") {
				t.Fatalf("the list:\n%s", view)
			}
			m, _ = typed(m, "enter")
			m, _ = settled(t, m)
			if m.dir.files != 1 || m.dir.bytes != 5 {
				t.Errorf("%q leaves %d files, %d bytes; %v", m.form.Value(fieldExcludes), m.dir.files, m.dir.bytes, m.dir.flight.Ignored)
			}
		})
	}
}

// Files that hold secrets are named before they are uploaded to a cluster.
func TestModel_WarnsOfSecretFiles(t *testing.T) {
	t.Parallel()
	env := remote(t, newServer(t))
	env.Preflight = scanned
	write(t, filepath.Join(env.Cwd, ".env"), "HF_TOKEN=x")
	write(t, filepath.Join(env.Cwd, "tls.key"), "x")
	m := started(t, New(env), 140, 37)
	m, _ = typed(m, "python x.py", "at:working_dir", ".")
	if m, _ = settled(t, m); !strings.Contains(m.View(), ".env and 1 more file may hold secrets") {
		t.Errorf("no word of the secrets:\n%s", m.View())
	}
	m, _ = typed(m, "at:excludes", "paste:.env\n*.key")
	if m, _ = settled(t, m); strings.Contains(m.View(), "may hold secrets") || len(m.problems) > 0 {
		t.Errorf("still there:\n%s", m.View())
	}
}
