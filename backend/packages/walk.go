package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Options tell which part of a folder belongs to its package.
type Options struct {
	// Excludes are ignore rules relative to the folder, as in the excludes of a
	// runtime environment.
	Excludes []string
	// DefaultExcludes puts Ray's rules for a working_dir before Excludes: .git,
	// .venv, venv and __pycache__, or the comma-separated list in
	// RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES where that is set.
	DefaultExcludes bool
	// TopLevel, when set, is the folder inside the archive that holds all of
	// it: a module needs its name there. It does not change the hash.
	TopLevel string
	// IgnoreGitignore leaves .gitignore files without effect, as does the
	// variable RAY_RUNTIME_ENV_IGNORE_GITIGNORE=1. A .rayignore always counts.
	IgnoreGitignore bool
	// LookupEnv reads the two variables; nil means os.LookupEnv.
	LookupEnv func(name string) (string, bool)
}

const (
	envDefaultExcludes = "RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES"
	envIgnoreGitignore = "RAY_RUNTIME_ENV_IGNORE_GITIGNORE"

	defaultExcludes = ".git,.venv,venv,__pycache__"
)

func (o Options) lookup(name string) (string, bool) {
	if o.LookupEnv != nil {
		return o.LookupEnv(name)
	}
	return os.LookupEnv(name)
}

// rules returns the ignore rules of the folder as a whole.
func (o Options) rules() []string {
	if !o.DefaultExcludes {
		return o.Excludes
	}
	list, ok := o.lookup(envDefaultExcludes)
	if !ok {
		list = defaultExcludes
	}
	var rules []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			rules = append(rules, item)
		}
	}
	return append(rules, o.Excludes...)
}

func (o Options) ignoreFiles() []string {
	if v, _ := o.lookup(envIgnoreGitignore); v == "1" || o.IgnoreGitignore {
		return []string{".rayignore"}
	}
	return []string{".gitignore", ".rayignore"}
}

// maxLoopEntries bounds what is visited below links that lead back to a folder
// above them. Ray follows such a link until the kernel refuses, some 40 levels
// down, and so do we, or the hashes would differ; but two of them in one
// folder would mean 2^40 paths.
const maxLoopEntries = 20000

// entry is one path that belongs to a package.
type entry struct {
	path  string
	rel   string      // slash-separated; "." is the folder itself
	mode  fs.FileMode // type bits, links followed; ModeIrregular when the target is missing
	empty bool        // a folder without any name in it
}

// walker goes through a folder in the way of Ray's client.
type walker struct {
	ignoreFiles []string
	layers      []layer
	ancestors   []fs.FileInfo
	loop        string // the link below which everything is a repetition
	loopEntries int
	visit       func(entry) error
}

// layer is one list of ignore rules and the folder that it is relative to.
type layer struct {
	dir   string
	rules patterns
}

// walk calls visit for dir itself and all below it that no rule excludes, in
// the order of names. Links are followed.
func walk(ctx context.Context, dir string, opt Options, visit func(entry) error) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("package %s: %w", dir, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return fmt.Errorf("package folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("package folder %s: not a folder", dir)
	}
	w := walker{
		ignoreFiles: opt.ignoreFiles(),
		layers:      []layer{{".", compilePatterns(opt.rules())}},
		visit:       visit,
	}
	return w.folder(ctx, entry{path: abs, rel: ".", mode: fs.ModeDir}, info)
}

func (w *walker) folder(ctx context.Context, e entry, info fs.FileInfo) error {
	kept := len(w.layers)
	defer func() { w.layers = w.layers[:kept] }()
	if err := w.pushIgnoreFiles(e); err != nil {
		return err
	}
	if w.excluded(e.rel) {
		return nil
	}
	names, err := os.ReadDir(e.path)
	if errors.Is(err, syscall.ELOOP) {
		// At its limit of 40 links the kernel may let a stat pass and refuse the
		// open that follows: it is the end of a loop either way.
		e.mode = fs.ModeIrregular
		return w.visit(e)
	}
	if err != nil {
		return fmt.Errorf("package folder: %w", err)
	}
	e.empty = len(names) == 0
	if err := w.visit(e); err != nil {
		return err
	}
	w.ancestors = append(w.ancestors, info)
	defer func() { w.ancestors = w.ancestors[:len(w.ancestors)-1] }()
	for _, d := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.child(ctx, e, d); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) child(ctx context.Context, parent entry, d fs.DirEntry) error {
	e := entry{path: filepath.Join(parent.path, d.Name()), rel: d.Name(), mode: d.Type()}
	if parent.rel != "." {
		e.rel = parent.rel + "/" + d.Name()
	}
	if w.loop != "" {
		if w.loopEntries++; w.loopEntries > maxLoopEntries {
			return fmt.Errorf("package folder: the symbolic link %s leads back to a folder above it: "+
				"remove it or exclude it", w.loop)
		}
	}
	var info fs.FileInfo
	if d.IsDir() || d.Type()&fs.ModeSymlink != 0 {
		var err error
		if info, err = os.Stat(e.path); err != nil {
			e.mode = fs.ModeIrregular
		} else {
			e.mode = info.Mode().Type()
		}
	}
	if !e.mode.IsDir() {
		if w.excluded(e.rel) {
			return nil
		}
		return w.visit(e)
	}
	if w.loop == "" && d.Type()&fs.ModeSymlink != 0 && w.isAncestor(info) {
		w.loop = e.path
		defer func() { w.loop = "" }()
	}
	return w.folder(ctx, e, info)
}

func (w *walker) isAncestor(info fs.FileInfo) bool {
	for _, a := range w.ancestors {
		if os.SameFile(a, info) {
			return true
		}
	}
	return false
}

func (w *walker) excluded(rel string) bool {
	for _, l := range w.layers {
		if l.rules.match(relativeTo(rel, l.dir)) {
			return true
		}
	}
	return false
}

func relativeTo(rel, dir string) string {
	switch {
	case dir == ".":
		return rel
	case rel == dir:
		return "."
	}
	return rel[len(dir)+1:]
}

// pushIgnoreFiles adds the rules that lie in a folder. They hold for the
// folder's own name too, which is "." to them: a rule "*" empties it.
func (w *walker) pushIgnoreFiles(e entry) error {
	for _, name := range w.ignoreFiles {
		path := filepath.Join(e.path, name)
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read ignore file: %w", err)
		}
		text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
		w.layers = append(w.layers, layer{e.rel, compilePatterns(strings.Split(text, "\n"))})
	}
	return nil
}
