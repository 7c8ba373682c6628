package packages_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree describes a folder: path to content. A path that ends in a slash is a
// folder, a content that begins with "-> " a symbolic link.
type tree map[string]string

func (tr tree) write(t *testing.T, dir string) {
	t.Helper()
	paths := make([]string, 0, len(tr))
	for p := range tr {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		full := filepath.Join(dir, p)
		parent := filepath.Dir(full)
		if strings.HasSuffix(p, "/") {
			parent = full
		}
		if err := os.MkdirAll(parent, 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(p, "/") {
			continue
		}
		var err error
		if target, isLink := strings.CutPrefix(tr[p], "-> "); isLink {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte(tr[p]), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// hashCase is a folder, what is excluded, and the hash that the client of Ray
// 2.60.0 computes for it.
type hashCase struct {
	name        string
	tree        tree
	excludes    []string
	noGitignore bool
	hash        string
}

func hashCases() []hashCase {
	files := tree{
		"a.py": "a", "b.txt": "b", "build/x.o": "x", "build/keep.txt": "k", "src/build/y": "y",
		"src/deep/er/z.py": "z", "src/a.py": "sa", "empty/": "", ".hidden": "h", "log-1": "1", "log-2": "2", "log-a": "A",
	}
	with := func(more tree) tree {
		out := tree{}
		for _, m := range []tree{files, more} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	return []hashCase{
		{name: "empty folder", hash: "0a62fe483960e4e9", tree: tree{}},
		{name: "one file", hash: "74af9424b0556c08", tree: tree{"script.py": "print(1)\n"}},
		{name: "files and an empty folder", hash: "cca6867f936604a1", tree: files},
		{name: "exclude by name", hash: "3b2d574d848c7980", tree: files, excludes: []string{"a.py"}},
		{name: "exclude at the top only", hash: "191bd6fcc6b4e26b", tree: files, excludes: []string{"/a.py"}},
		{name: "exclude by path", hash: "9ce439f5e4766607", tree: files, excludes: []string{"src/build"}},
		{name: "folder rule leaves the name", hash: "dc3cfdf54e2a9b29", tree: files, excludes: []string{"build/"}},
		{name: "star", hash: "f492baedca421e58", tree: files, excludes: []string{"*.py", "*.txt"}},
		{name: "star alone empties all", hash: "3030303030303030", tree: files, excludes: []string{"*"}},
		{name: "leading dot star empties all", hash: "3030303030303030", tree: files, excludes: []string{".*"}},
		{name: "double star first", hash: "918a86b1a494f9c6", tree: files, excludes: []string{"**/z.py"}},
		{name: "double star last", hash: "e525da822eae5fa3", tree: files, excludes: []string{"src/**"}},
		{name: "double star inside", hash: "918a86b1a494f9c6", tree: files, excludes: []string{"src/**/z.py"}},
		{name: "double star alone", hash: "3030303030303030", tree: files, excludes: []string{"**"}},
		{name: "question mark", hash: "da6f0fe62198cd6b", tree: files, excludes: []string{"log-?"}},
		{name: "class", hash: "2a2fa67bdc5e61e6", tree: files, excludes: []string{"log-[0-9]"}},
		{name: "negated class", hash: "3ce62fe26ea0a82c", tree: files, excludes: []string{"log-[!0-9]"}},
		{name: "class with bracket and dash", hash: "3b1828d78643af5a", tree: tree{"x]": "1", "x-": "2", "xa": "3"}, excludes: []string{"x[]-]"}},
		{name: "unclosed class", hash: "525f217d436b5b52", tree: tree{"x[a": "1", "xa": "2"}, excludes: []string{"x[a"}},
		{name: "posix class is none", hash: "525f217d436b5b52", tree: tree{"x:]": "1", "xa": "2", "xp]": "3"}, excludes: []string{"x[[:alpha:]]"}},
		{name: "negation", hash: "918a86b1a494f9c6", tree: files, excludes: []string{"*.py", "!a.py"}},
		{name: "negation does not reopen a folder", hash: "1f9e38279a538f66", tree: files, excludes: []string{"build", "!build/keep.txt"}},
		{name: "negation of the content", hash: "e131be1decd57b2c", tree: files, excludes: []string{"build/*", "!build/keep.txt"}},
		{name: "last rule wins", hash: "3b2d574d848c7980", tree: files, excludes: []string{"!a.py", "a.py"}},
		{name: "comment, blank and slash", hash: "cca6867f936604a1", tree: files, excludes: []string{"# a.py", "", "  ", "/"}},
		{name: "escapes", hash: "0a62fe483960e4e9", tree: tree{"#x": "1", "!y": "2", `z\`: "3", "a b": "4"}, excludes: []string{`\#x`, `\!y`, `z\\`, `a\ b`}},
		{name: "white space around", hash: "8726c96ae7dd18c3", tree: files, excludes: []string{"  a.py\t", "b.txt \u00a0"}},
		{name: "gitignore", hash: "2f39afb39cceba2e", tree: with(tree{".gitignore": "*.o\n/build/\n\n# x\n"})},
		{name: "gitignore switched off", hash: "f2639fe5b2719c9b", tree: with(tree{".gitignore": "*.o\nsrc\n"}), noGitignore: true},
		{name: "rayignore", hash: "e849410991714f6e", tree: with(tree{".rayignore": "src\r\nbuild\r"}), noGitignore: true},
		{name: "both files", hash: "0a3e4c19e5c3ceaf", tree: with(tree{".gitignore": "src/a.py\n", ".rayignore": "!src/a.py\nb.txt\n"})},
		{name: "ignore files at several levels", hash: "7647ae6cd2dae369", tree: with(tree{
			".gitignore": "*.py\n", "src/.gitignore": "!a.py\n/build\n", "src/deep/.rayignore": "er/*\n",
		})},
		{name: "star in a lower ignore file", hash: "175a37600ca59291", tree: with(tree{"src/.gitignore": "*\n!.gitignore\n"})},
		{name: "ignore file that is a link", hash: "2368bd5bb715b202", tree: with(tree{"rules": "*.py\n", ".gitignore": "-> rules"})},
		{name: "ignore file that is a folder", hash: "79fc4e67dc601f1f", tree: with(tree{".gitignore/x": "*"})},
		{name: "unicode names", hash: "4dd0d3e6bb6efd8c", tree: tree{"größe.py": "1", "日本/語.txt": "2", "e\u0301": "3"}, excludes: []string{"gr?ße.py"}},
		{name: "link to a file", hash: "867afd79e11d0b7c", tree: tree{"a": "1", "b": "-> a"}},
		{name: "link to a folder", hash: "8de522a4a953be06", tree: tree{"d/x": "1", "l": "-> d"}, excludes: []string{"d"}},
		{name: "link to nowhere", hash: "5e26e9f9be8f56b3", tree: tree{"a": "1", "gone": "-> nowhere"}},
		{name: "link to itself", hash: "4a5af589ea384211", tree: tree{"self": "-> self"}},
		{name: "link to the folder above", hash: "e45f786943474450", tree: tree{"d/x": "1", "d/up": "-> .."}},
		{name: "newline in a name", hash: "dc98c0d3dcda0b2e", tree: tree{"a\n": "1", "a": "2", "a\nb": "3"}, excludes: []string{"a"}},
	}
}
