package packages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Preflight is what an upload of a folder would send, and what it would leave
// out and why.
type Preflight struct {
	Size
	// Tree is the folder itself.
	Tree *Folder
	// Biggest are the largest files, the largest first.
	Biggest []File
	// Ignored are the rules that leave something out, those that leave out most
	// first.
	Ignored []Ignored
	// Odd are paths that travel by their name alone: links that lead nowhere,
	// sockets and pipes.
	Odd []string
	// Secrets are files whose name says that keys or passwords are in them.
	Secrets []string
}

// Folder is the sum of what a folder sends.
type Folder struct {
	Name    string
	Files   int
	Bytes   int64
	Folders []*Folder // by size, the largest first
}

// File is one file, by its slash-separated path in the folder.
type File struct {
	Path  string
	Bytes int64
}

// Ignored is one rule and what it leaves out.
type Ignored struct {
	Rule string // as it is written: "*.ckpt"
	// From says where it stands: "sub/.gitignore:3", "excludes", "Ray's
	// defaults".
	From    string
	Paths   int      // files and folders; what is in such a folder is not counted
	Example []string // a few of the paths
}

const (
	maxBiggest  = 20
	maxExamples = 5
	maxOdd      = 20
	maxSecrets  = 20
	// stepEvery is how many paths lie between two reports of a scan.
	stepEvery = 512
)

// Scan looks at dir as WriteZip would, without reading any content. step, which
// may be nil, is told now and then how much was found so far. It ends early
// with ctx.
func Scan(ctx context.Context, dir string, opt Options, step func(Size)) (Preflight, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Preflight{}, fmt.Errorf("look at %s: %w", dir, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return Preflight{}, fmt.Errorf("look at the folder: %w", err)
	}
	if !info.IsDir() {
		return Preflight{}, fmt.Errorf("look at %s: it is not a folder", dir)
	}
	s := scanner{ignoreFiles: opt.ignoreFiles(), step: step, byRule: make(map[*rule]*Ignored)}
	s.layers = []ruleLayer{{".", opt.namedRules()}}
	s.found.Tree = &Folder{Name: filepath.Base(abs)}
	if err := s.folder(ctx, abs, ".", info, s.found.Tree); err != nil {
		return Preflight{}, err
	}
	for _, i := range s.byRule {
		s.found.Ignored = append(s.found.Ignored, *i)
	}
	slices.SortFunc(s.found.Ignored, func(a, b Ignored) int {
		return cmp.Or(cmp.Compare(b.Paths, a.Paths), cmp.Compare(a.From, b.From), cmp.Compare(a.Rule, b.Rule))
	})
	s.found.Files, s.found.Bytes = s.found.Tree.Files, s.found.Tree.Bytes
	return s.found, nil
}

// HashContext is HashDir that ends early with ctx.
func HashContext(ctx context.Context, dir string, opt Options) (string, error) {
	h := newTreeHash()
	err := walk(ctx, dir, opt, func(e entry) error { return h.add(e.path, e.rel, e.mode.IsRegular()) })
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// rule is a pattern that remembers where it comes from.
type rule struct {
	pattern
	text, from string
}

type ruleLayer struct {
	dir   string
	rules []*rule
}

// decides returns the rule that leaves rel out, or nil.
func (l ruleLayer) decides(rel string) *rule {
	rel = relativeTo(rel, l.dir)
	for i := len(l.rules) - 1; i >= 0; i-- {
		if l.rules[i].re.MatchString(rel) {
			if l.rules[i].exclude {
				return l.rules[i]
			}
			return nil
		}
	}
	return nil
}

// namedRules are the rules of the folder as a whole, as in rules.
func (o Options) namedRules() []*rule {
	var out []*rule
	all := o.rules()
	defaults := len(all) - len(o.Excludes)
	for i, text := range all {
		from := "excludes"
		if i < defaults {
			from = "Ray's defaults"
		}
		if p, ok := compilePattern(text); ok {
			out = append(out, &rule{p, strings.TrimSpace(text), from})
		}
	}
	return out
}

// scanner goes the way of walker, and remembers why a path is left out.
type scanner struct {
	ignoreFiles []string
	layers      []ruleLayer
	ancestors   []fs.FileInfo
	loop        string
	loopEntries int
	byRule      map[*rule]*Ignored
	found       Preflight
	seen        int
	size        Size
	step        func(Size)
}

func (s *scanner) folder(ctx context.Context, dir, rel string, info fs.FileInfo, sum *Folder) error {
	kept := len(s.layers)
	defer func() { s.layers = s.layers[:kept] }()
	if err := s.pushIgnoreFiles(dir, rel); err != nil {
		return err
	}
	if s.excluded(rel, true) {
		return nil
	}
	names, err := os.ReadDir(dir)
	if errors.Is(err, syscall.ELOOP) {
		s.odd(rel)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the folder: %w", err)
	}
	s.ancestors = append(s.ancestors, info)
	defer func() { s.ancestors = s.ancestors[:len(s.ancestors)-1] }()
	for _, d := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.child(ctx, dir, rel, d, sum); err != nil {
			return err
		}
	}
	slices.SortFunc(sum.Folders, func(a, b *Folder) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name))
	})
	return nil
}

func (s *scanner) child(ctx context.Context, dir, parent string, d fs.DirEntry, sum *Folder) error {
	full, rel := filepath.Join(dir, d.Name()), path.Join(parent, d.Name())
	s.report()
	if s.loop != "" {
		if s.loopEntries++; s.loopEntries > maxLoopEntries {
			return fmt.Errorf("look at the folder: the symbolic link %s leads back to a folder above it: remove it or exclude it", s.loop)
		}
	}
	if !d.IsDir() && d.Type()&fs.ModeSymlink == 0 {
		if s.excluded(rel, false) {
			return nil
		}
		info, err := d.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it went while we looked
		case err != nil:
			return fmt.Errorf("look at %s: %w", full, err)
		}
		s.file(rel, info, sum)
		return nil
	}
	info, err := os.Stat(full)
	if err != nil || !info.IsDir() {
		if s.excluded(rel, false) {
			return nil
		}
		if err != nil {
			s.odd(rel)
			return nil
		}
		s.file(rel, info, sum)
		return nil
	}
	if s.loop == "" && d.Type()&fs.ModeSymlink != 0 && slices.ContainsFunc(s.ancestors, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		s.loop = full
		defer func() { s.loop = "" }()
	}
	below := &Folder{Name: d.Name()}
	if err := s.folder(ctx, full, rel, info, below); err != nil {
		return err
	}
	sum.Files, sum.Bytes = sum.Files+below.Files, sum.Bytes+below.Bytes
	if below.Files > 0 {
		sum.Folders = append(sum.Folders, below)
	}
	return nil
}

func (s *scanner) report() {
	if s.seen++; s.step != nil && s.seen%stepEvery == 0 {
		s.step(s.size)
	}
}

func (s *scanner) file(rel string, info fs.FileInfo, sum *Folder) {
	if !info.Mode().IsRegular() {
		s.odd(rel)
		return
	}
	if secretFile(path.Base(rel)) && len(s.found.Secrets) < maxSecrets {
		s.found.Secrets = append(s.found.Secrets, rel)
	}
	n := info.Size()
	sum.Files, sum.Bytes = sum.Files+1, sum.Bytes+n
	s.size.Files, s.size.Bytes = s.size.Files+1, s.size.Bytes+n
	at, _ := slices.BinarySearchFunc(s.found.Biggest, n, func(f File, n int64) int { return cmp.Compare(n, f.Bytes) })
	if at < maxBiggest {
		s.found.Biggest = slices.Insert(s.found.Biggest, at, File{rel, n})
		s.found.Biggest = s.found.Biggest[:min(len(s.found.Biggest), maxBiggest)]
	}
}

// secretFile reports that people keep secrets in files of this name.
func secretFile(name string) bool {
	switch name {
	case ".env", ".netrc", ".pypirc", ".npmrc", ".git-credentials", "id_rsa", "id_ed25519", "id_ecdsa", "credentials.json", "service-account.json":
		return true
	case ".env.example", ".env.sample", ".env.template":
		return false
	}
	switch ext := path.Ext(name); ext {
	case ".pem", ".p12", ".pfx", ".key":
		return name != ext
	}
	return strings.HasPrefix(name, ".env.")
}

func (s *scanner) odd(rel string) {
	if len(s.found.Odd) < maxOdd {
		s.found.Odd = append(s.found.Odd, rel)
	}
}

func (s *scanner) excluded(rel string, folder bool) bool {
	for _, l := range s.layers {
		r := l.decides(rel)
		if r == nil {
			continue
		}
		i := s.byRule[r]
		if i == nil {
			i = &Ignored{Rule: r.text, From: r.from}
			s.byRule[r] = i
		}
		i.Paths++
		if len(i.Example) < maxExamples {
			if folder {
				rel += "/"
			}
			i.Example = append(i.Example, rel)
		}
		return true
	}
	return false
}

func (s *scanner) pushIgnoreFiles(dir, rel string) error {
	for _, name := range s.ignoreFiles {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read ignore file: %w", err)
		}
		text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
		l := ruleLayer{dir: rel}
		for i, line := range strings.Split(text, "\n") {
			if p, ok := compilePattern(line); ok {
				l.rules = append(l.rules, &rule{p, strings.TrimSpace(line), fmt.Sprintf("%s:%d", path.Join(rel, name), i+1)})
			}
		}
		s.layers = append(s.layers, l)
	}
	return nil
}
