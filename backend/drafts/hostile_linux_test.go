package drafts

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTemplates_HostileFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"huge.yaml": strings.Repeat(" ", maxTemplate+1), "good.yaml": "entrypoint: x\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	list, err := NewTemplates(dir).List()
	if err != nil || len(list) != 4 {
		t.Fatalf("%d templates, %v", len(list), err)
	}
	for _, tpl := range list {
		if (tpl.Err == nil) != (tpl.Name == "good") {
			t.Errorf("%s: %v", tpl.Name, tpl.Err)
		}
	}
}
