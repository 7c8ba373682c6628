package packages_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/packages"
)

func TestScan_countsWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, c := range hashCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c.tree.write(t, dir)
			opt := packages.Options{
				Excludes: c.excludes, DefaultExcludes: true, IgnoreGitignore: c.noGitignore,
				LookupEnv: func(string) (string, bool) { return "", false },
			}
			want, err := packages.Measure(dir, opt)
			if err != nil {
				t.Fatal(err)
			}
			got, err := packages.Scan(t.Context(), dir, opt, nil)
			if err != nil || got.Size != want {
				t.Errorf("Scan = %+v, %v; Measure says %+v", got.Size, err, want)
			}
			hash, err := packages.HashDir(dir, opt)
			if err != nil {
				t.Fatal(err)
			}
			if h, err := packages.HashContext(t.Context(), dir, opt); err != nil || h != hash {
				t.Errorf("HashContext = %s, %v; want %s", h, err, hash)
			}
		})
	}
}

func TestScan_saysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree{
		"a.py": "aa", "big.bin": "0123456789", "x.ckpt": "c", "y.ckpt": "c", "sub/n.log": "l", "sub/keep.log": "k",
		"sub/.gitignore": "# logs\n*.log\n!keep.log\n", ".rayignore": "out\n", "out/1": "1", "out/2": "2", ".git/HEAD": "h",
		"nowhere": "-> gone", "sub/deep/z": "zzz",
	}.write(t, dir)
	p, err := packages.Scan(t.Context(), dir, packages.Options{Excludes: []string{"*.ckpt"}, DefaultExcludes: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []packages.Ignored{
		{Rule: "*.ckpt", From: "excludes", Paths: 2, Example: []string{"x.ckpt", "y.ckpt"}},
		{Rule: "out", From: ".rayignore:1", Paths: 1, Example: []string{"out/"}},
		{Rule: ".git", From: "Ray's defaults", Paths: 1, Example: []string{".git/"}},
		{Rule: "*.log", From: "sub/.gitignore:2", Paths: 1, Example: []string{"sub/n.log"}},
	}
	if diff := cmp.Diff(want, p.Ignored); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
	if len(p.Biggest) == 0 || p.Biggest[0] != (packages.File{Path: "sub/.gitignore", Bytes: 23}) || p.Biggest[1].Path != "big.bin" {
		t.Errorf("biggest = %v", p.Biggest)
	}
	if len(p.Tree.Folders) != 1 || p.Tree.Folders[0].Name != "sub" || p.Tree.Folders[0].Files != 3 || len(p.Tree.Folders[0].Folders) != 1 {
		t.Errorf("tree = %+v", p.Tree)
	}
	if diff := cmp.Diff([]string{"nowhere"}, p.Odd); diff != "" {
		t.Errorf("odd (-want +got):\n%s", diff)
	}
}

func TestScan_secrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree{
		".env": "A=1", ".env.example": "A=", ".env.prod": "A=1", "sub/id_rsa": "k", "sub/tls.key": "k", "keys.py": "", "a.pem": "k", "left/.env": "x",
	}.write(t, dir)
	p, err := packages.Scan(t.Context(), dir, packages.Options{Excludes: []string{"left"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(p.Secrets)
	if diff := cmp.Diff([]string{".env", ".env.prod", "a.pem", "sub/id_rsa", "sub/tls.key"}, p.Secrets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScan_steps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 3000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	steps := 0
	if _, err := packages.Scan(t.Context(), dir, packages.Options{}, func(packages.Size) { steps++ }); err != nil || steps < 5 {
		t.Errorf("%d steps, %v", steps, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := packages.Scan(ctx, dir, packages.Options{}, func(s packages.Size) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled scan: %v", err)
	}
}

func BenchmarkScan_100000Files(b *testing.B) {
	dir := b.TempDir()
	for i := range 100 {
		sub := filepath.Join(dir, fmt.Sprintf("d%03d", i))
		if err := os.Mkdir(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 1000 {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("f%04d.txt", j)), nil, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		if p, err := packages.Scan(b.Context(), dir, packages.Options{DefaultExcludes: true, Excludes: []string{"*.ckpt"}}, nil); err != nil || p.Files != 100_000 {
			b.Fatal(p.Files, err)
		}
	}
}
