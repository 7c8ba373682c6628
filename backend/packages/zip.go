package packages

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

// Size is how much of a folder belongs to its package.
type Size struct {
	Files int
	Bytes int64 // of the files' contents
}

// Measure counts what WriteZip would write.
func Measure(dir string, opt Options) (Size, error) {
	var s Size
	err := walk(context.Background(), dir, opt, func(e entry) error {
		if !e.mode.IsRegular() {
			return nil
		}
		info, err := os.Stat(e.path)
		if err != nil {
			return fmt.Errorf("measure package: %w", err)
		}
		s.Files++
		s.Bytes += info.Size()
		return nil
	})
	return s, err
}

// WriteZip writes the package of a folder, or of a single module file, as
// Ray's client makes it: stored without compression, one entry for each file
// and for each empty folder, links as what they point to, Unix modes kept. A
// file that cannot be read is an error.
func WriteZip(ctx context.Context, w io.Writer, dir string, opt Options) error {
	z := zip.NewWriter(w)
	add := func(e entry) error { return addToZip(ctx, z, e, opt.TopLevel) }
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("make package: %w", err)
	case info.Mode().IsRegular():
		err = add(entry{path: dir, rel: filepath.Base(dir)})
	default:
		err = walk(ctx, dir, opt, add)
	}
	if err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("make package: %w", err)
	}
	return nil
}

func addToZip(ctx context.Context, z *zip.Writer, e entry, topLevel string) error {
	if !e.mode.IsRegular() && !e.empty {
		return nil
	}
	info, err := os.Stat(e.path)
	if err != nil {
		return fmt.Errorf("make package: %w", err)
	}
	w, err := z.CreateHeader(zipHeader(zipName(e, topLevel), info))
	if err != nil {
		return fmt.Errorf("make package: %w", err)
	}
	if e.empty {
		return nil
	}
	f, err := os.Open(e.path)
	if err != nil {
		return fmt.Errorf("make package: %w; make it readable or exclude it", err)
	}
	defer f.Close()
	if _, err := io.Copy(w, contextReader{ctx, f}); err != nil {
		return fmt.Errorf("make package: %s: %w", e.path, err)
	}
	return nil
}

// zipName returns the entry's name; that of an empty package is "./", as
// Ray's client has it.
func zipName(e entry, topLevel string) string {
	name := e.rel
	if topLevel != "" {
		name = path.Join(topLevel, name)
	}
	if e.empty {
		name += "/"
	}
	return name
}

func zipHeader(name string, info fs.FileInfo) *zip.FileHeader {
	const (
		creatorUnix = 3 << 8
		version     = 20
		dosDir      = 0x10
		unixRegular = 0o100000
		unixDir     = 0o040000
	)
	h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: info.ModTime(), CreatorVersion: creatorUnix | version}
	if first := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); h.Modified.Before(first) {
		h.Modified = first // the format knows nothing earlier
	}
	mode := uint32(info.Mode().Perm())
	if info.IsDir() {
		h.ExternalAttrs = (mode|unixDir)<<16 | dosDir
	} else {
		h.ExternalAttrs = (mode | unixRegular) << 16
	}
	return h
}

// contextReader ends a long copy when its context ends. It lives as long as
// the one call that was given the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
