package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dray/backend/packages"
)

// DefaultPackageBytes is how much of uploaded packages is kept.
const DefaultPackageBytes = 1 << 30

// Packages keeps the packages that were uploaded, those used last, so that a
// rerun is faithful after the server has dropped them.
type Packages struct {
	dir string
	max int64
}

// Packages returns the store beside the requests, which keeps at most max
// bytes.
func (l *Ledger) Packages(max int64) *Packages {
	return &Packages{dir: filepath.Join(l.dir, ".packages"), max: max}
}

// Has reports whether a package is kept, which counts as a use.
func (p *Packages) Has(name string) bool {
	f, err := p.Open(name)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// Open returns a package; the caller closes it. The error wraps os.ErrNotExist
// when it is not kept.
func (p *Packages) Open(name string) (*os.File, error) {
	if err := packages.CheckName(name); err != nil {
		return nil, fmt.Errorf("read the kept package: %w", err)
	}
	path := filepath.Join(p.dir, name)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the kept package: %w", err)
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // at worst it is dropped too early
	return f, nil
}

// Keep stores what r gives under the name of a package, and drops those that
// were not used for longest if there is too much.
func (p *Packages) Keep(name string, r io.Reader) error {
	if err := packages.CheckName(name); err != nil {
		return fmt.Errorf("keep the package: %w", err)
	}
	if err := p.keep(name, r); err != nil {
		return fmt.Errorf("keep the package %s: %w", name, err)
	}
	return p.trim()
}

func (p *Packages) keep(name string, r io.Reader) (err error) {
	if err := privateDir(filepath.Dir(p.dir)); err != nil {
		return err
	}
	if err := privateDir(p.dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(p.dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	n, err := io.Copy(f, io.LimitReader(r, p.max+1))
	if err == nil && n > p.max {
		err = errors.New("it is larger than all that is kept")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(p.dir, name))
}

// abandoned is how old the file of a copy must be that nobody finished.
const abandoned = time.Hour

// trim drops what is too much. Another process may do so at the same time: a
// file that is gone is as good.
func (p *Packages) trim() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("look at the kept packages: %w", err)
	}
	var files []os.FileInfo
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		if strings.HasPrefix(e.Name(), ".") {
			if time.Since(info.ModTime()) > abandoned {
				_ = os.Remove(filepath.Join(p.dir, e.Name()))
			}
			continue
		}
		files = append(files, info)
		total += info.Size()
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, f := range files {
		if total <= p.max {
			break
		}
		if err := os.Remove(filepath.Join(p.dir, f.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("drop a kept package: %w", err)
		}
		total -= f.Size()
	}
	return nil
}
