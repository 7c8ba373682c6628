package logfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/logfile"
)

func TestTail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 30000)
	tests := []struct {
		name, content, want string
		lines, chars        int
	}{
		{"fewer lines", "a\nb\n", "a\nb\n", 10, 100},
		{"last lines", "a\nb\nc\n", "b\nc\n", 2, 100},
		{"no newline at the end", "a\nb\nc", "b\nc", 2, 100},
		{"empty lines count", "a\n\n\n", "\n\n", 2, 100},
		{"empty", "", "", 10, 100},
		{"last characters", "abcdef", "def", 10, 3},
		{"characters, not bytes", "aü€😀", "ü€😀", 10, 3},
		{"not UTF-8", "a\xffb\n", "a\ufffdb\n", 10, 100},
		{"one long line", long + "END", strings.Repeat("x", 7) + "END", 10, 10},
		{"lines across blocks", strings.Repeat("12345678\n", 5000), strings.Repeat("12345678\n", 10), 10, 20000},
		{"long rune line", strings.Repeat("😀", 30000), strings.Repeat("😀", 20000), 10, 20000},
		{"newline at a block's edge", long[:8191] + "\n" + long[:8192], long[:8192], 1, 20000},
		{"no lines asked", "a\n", "", 0, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := logfile.Tail(path, tt.lines, tt.chars)
			if err != nil || got != tt.want {
				t.Errorf("Tail = %d bytes %.40q, %v, want %d bytes %.40q", len(got), got, err, len(tt.want), tt.want)
			}
		})
	}
}

func TestTail_files(t *testing.T) {
	t.Parallel()
	t.Run("missing is empty", func(t *testing.T) {
		t.Parallel()
		got, err := logfile.Tail(filepath.Join(t.TempDir(), "log"), 10, 100)
		if got != "" || err != nil {
			t.Errorf("Tail = %q, %v, want nothing", got, err)
		}
	})
	t.Run("a folder is an error", func(t *testing.T) {
		t.Parallel()
		if got, err := logfile.Tail(t.TempDir(), 10, 100); err == nil {
			t.Errorf("Tail = %q, want an error", got)
		}
	})
	t.Run("only the end of a sparse 8 GiB file is read", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "log")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Truncate(8 << 30); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("\nlast\n"), 8<<30); err != nil {
			t.Fatal(err)
		}
		got, err := logfile.Tail(path, 1, 100)
		if err != nil || got != "last\n" {
			t.Errorf("Tail = %q, %v, want the last line", got, err)
		}
	})
}

func FuzzTail(f *testing.F) {
	f.Add([]byte("a\nb\nc"), uint8(2), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, lines, chars uint8) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := logfile.Tail(path, int(lines), int(chars))
		if err != nil {
			t.Fatal(err)
		}
		if n := len([]rune(got)); n > int(chars) {
			t.Fatalf("%d characters, want at most %d", n, chars)
		}
		if n := len(strings.SplitAfter(strings.TrimSuffix(got, "\n"), "\n")); n > max(1, int(lines)) {
			t.Fatalf("%d lines, want at most %d", n, lines)
		}
		var text logfile.Text
		if all := string(text.Flush(text.Append(nil, data))); !strings.HasSuffix(all, got) {
			t.Fatalf("%q is not the end of %q", got, all)
		}
	})
}
