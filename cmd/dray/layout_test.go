package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The direction of imports is the architecture: the linter checks direct
// imports, this test the whole chain.
func TestImportDirections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pattern string
		forbidden     []string // prefixes
		except        []string
	}{
		{
			"the backend draws nothing", "./backend/...",
			[]string{"github.com/charmbracelet/", "dray/tui", "dray/theme", "dray/cmd"},
			nil,
		},
		{
			"a screen is a client", "./tui/...",
			[]string{"dray/backend", "dray/cmd", "modernc.org/sqlite"},
			[]string{"dray/backend/client", "dray/backend/rayapi", "dray/backend/contexts", "dray/backend/ledger", "dray/backend/packages", "dray/backend/atomicfile", "dray/backend/shellwords", "dray/backend/jobspec", "dray/backend/drafts", "dray/backend/once"},
		},
		{"theme imports nothing of ours", "./theme/...", []string{"dray/backend", "dray/tui", "dray/cmd"}, nil},
		{"rayapi imports nothing of ours", "./backend/rayapi", []string{"dray/backend/", "dray/tui", "dray/cmd", "dray/theme"}, []string{"dray/backend/rayapi"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := goTool(t, "list", "-deps", tt.pattern)
			for dep := range strings.FieldsSeq(out) {
				if slices.Contains(tt.except, dep) || strings.HasPrefix(tt.pattern, "./backend/rayapi") && dep == "dray/backend/rayapi" {
					continue
				}
				for _, f := range tt.forbidden {
					if strings.HasPrefix(dep, f) {
						t.Errorf("%s depends on %s", tt.pattern, dep)
					}
				}
			}
		})
	}
}

// The init that keeps bubbletea from asking the terminal must run before
// bubbletea's own; Go orders inits by import path.
func TestBackgroundComesFirst(t *testing.T) {
	t.Parallel()
	if self := "dray/theme/background"; self > "github.com/charmbracelet/bubbletea" {
		t.Errorf("%s sorts after bubbletea", self)
	}
	out := goTool(t, "list", "-f", "{{join .Imports \" \"}}", "./theme/background")
	if got := strings.TrimSpace(out); got != "github.com/charmbracelet/lipgloss" {
		t.Errorf("theme/background imports %s: only lipgloss is early enough", got)
	}
}

// Every package says once what it is for; no file outgrows 400 lines.
func TestPackagesAndFiles(t *testing.T) {
	t.Parallel()
	type pkg struct {
		Dir, ImportPath           string
		GoFiles, IgnoredGoFiles   []string
		TestGoFiles, XTestGoFiles []string
	}
	dec := json.NewDecoder(strings.NewReader(goTool(t, "list", "-json=Dir,ImportPath,GoFiles,IgnoredGoFiles", "./...")))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		comments := 0
		for _, name := range append(p.GoFiles, p.IgnoredGoFiles...) {
			comments += checkFile(t, filepath.Join(p.Dir, name))
		}
		if comments != 1 && len(p.GoFiles) > 0 {
			t.Errorf("package %s has %d package comments, want 1", p.ImportPath, comments)
		}
	}
}

// checkFile returns 1 when the file holds a package comment.
func checkFile(t *testing.T, path string) int {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(src, []byte("\n")); n > 400 {
		t.Errorf("%s has %d lines, at most 400 are a file", path, n)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if f.Doc != nil && hasProse(f.Doc) && !strings.HasSuffix(path, "_test.go") {
		return 1
	}
	return 0
}

func hasProse(g *ast.CommentGroup) bool {
	return strings.HasPrefix(g.Text(), "Package ") || strings.HasPrefix(g.Text(), "Command ")
}

func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = filepath.Join("..", "..")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}
