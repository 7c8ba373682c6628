package submit

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLoadFile_Pipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vars.env")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	m := started(t, New(embedded(t, newServer(t))), 80, 21)
	if m = update(m, loadFile(fieldEnv, path)()); !strings.Contains(m.failure, "vars.env cannot be read: it is not a regular file") {
		t.Errorf("failure %q", m.failure)
	}
}
