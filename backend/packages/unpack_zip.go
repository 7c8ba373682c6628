package packages

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
)

func (u *unpacker) zip(ctx context.Context, f io.ReaderAt, size int64) error {
	guard := &directoryGuard{r: f, entries: u.lim.Entries, bytes: maxDirectory}
	z, err := zip.NewReader(guard, size)
	if err != nil {
		if guard.err != nil {
			return guard.err
		}
		return refuse("not a zip archive, or a damaged one: %v", err)
	}
	guard.done = true
	total, err := u.checkZip(z.File)
	if err != nil {
		return err
	}
	if err := u.checkFree(total); err != nil {
		return err
	}
	for _, file := range z.File {
		if err := u.zipEntry(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// checkZip looks at the directory alone, so that most of what is to be refused
// is refused before anything is written. It returns the bytes that the
// directory promises.
func (u *unpacker) checkZip(files []*zip.File) (total int64, err error) {
	if len(files) > u.lim.Entries {
		return 0, refuse("more than %d entries", u.lim.Entries)
	}
	for _, f := range files {
		if _, err := u.entryName(f.Name); err != nil {
			return 0, err
		}
		switch t := f.Mode().Type(); {
		case t&os.ModeSymlink != 0:
			return 0, refuse("%q is a symbolic link: pack what it points to", clip(f.Name))
		case t != 0 && t != os.ModeDir:
			return 0, refuse("%q is neither a file nor a folder", clip(f.Name))
		case f.Flags&1 != 0:
			return 0, refuse("%q is encrypted: pack it without a password", clip(f.Name))
		case f.CompressedSize64 > uint64(u.packed):
			return 0, refuse("%q is larger than the archive", clip(f.Name))
		case f.UncompressedSize64 > uint64(u.lim.File):
			return 0, refuse("%q has more than %d MiB", clip(f.Name), u.lim.File/mebi)
		}
		if total += int64(f.UncompressedSize64); total > u.lim.Total {
			return 0, refuse("it unpacks to more than %d MiB", u.lim.Total/mebi)
		}
	}
	return total, checkOverlap(files)
}

// checkOverlap refuses an archive in which the same bytes serve two entries:
// that is how a small one unpacks to a large one without a high ratio in any
// entry.
func checkOverlap(files []*zip.File) error {
	const localHeader = 30
	type span struct{ from, to int64 }
	spans := make([]span, 0, len(files))
	for _, f := range files {
		data, err := f.DataOffset()
		if err != nil {
			return refuse("%q: %v", clip(f.Name), err)
		}
		spans = append(spans, span{data - localHeader - int64(len(f.Name)), data + int64(f.CompressedSize64)})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(min(max(a.from-b.from, -1), 1)) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return refuse("its entries overlap")
		}
	}
	return nil
}

func (u *unpacker) zipEntry(ctx context.Context, f *zip.File) error {
	if err := u.countEntry(); err != nil {
		return err
	}
	name, err := u.entryName(f.Name)
	if err != nil {
		return err
	}
	if f.Mode().IsDir() {
		if f.UncompressedSize64 > 0 {
			return refuse("%q is a folder with content", clip(f.Name))
		}
		return u.folder(name)
	}
	perm := f.Mode().Perm()
	if f.ExternalAttrs>>16 == 0 {
		perm = 0o644 // made on a system without modes
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return refuse("%q is compressed by method %d: pack it with the ordinary one", clip(f.Name), f.Method)
	}
	if err != nil {
		return refuse("%q: %v", clip(f.Name), err)
	}
	defer r.Close()
	return u.file(ctx, name, perm, r)
}

// maxDirectory is the most that is read of an archive's directory, in bytes.
const maxDirectory = 24 * mebi

// directoryGuard stands before the archive while its directory is read, which
// happens whole and in memory: it ends that at too many entries or bytes,
// whatever the archive says about their number.
type directoryGuard struct {
	r       io.ReaderAt
	entries int
	bytes   int
	seen    int
	last    []byte // the end of the previous read, which may hold part of a mark
	lastEnd int64
	done    bool
	err     error
}

// ReadAt counts the marks of directory entries as they pass.
func (g *directoryGuard) ReadAt(p []byte, off int64) (int, error) {
	n, err := g.r.ReadAt(p, off)
	if g.done {
		return n, err
	}
	mark := []byte("PK\x01\x02")
	if off == g.lastEnd {
		joint := append(g.last, p[:min(n, len(mark)-1)]...)
		g.seen += bytes.Count(joint, mark)
	}
	g.seen += bytes.Count(p[:n], mark)
	g.last = append([]byte(nil), p[max(0, n-len(mark)+1):n]...)
	g.lastEnd = off + int64(n)
	g.bytes -= n
	// The search for the directory's end reads up to 66 KiB that the directory
	// itself may then pass again.
	const again = 2000
	switch {
	case g.seen > g.entries+again:
		g.err = refuse("more than %d entries", g.entries)
	case g.bytes < 0:
		g.err = refuse("its list of names has more than %d MiB", maxDirectory/mebi)
	default:
		return n, err
	}
	return 0, g.err
}
