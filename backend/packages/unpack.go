package packages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"dray/backend/rayapi"
)

// ErrUnsafe is wrapped by every error that says an archive was refused for
// what is in it.
var ErrUnsafe = errors.New("archive refused")

// Limits bound what an archive may unpack to.
type Limits struct {
	Entries    int
	Total      int64 // bytes of all files
	File       int64 // bytes of one file
	Ratio      int64 // unpacked bytes for each packed byte …
	RatioAfter int64 // … once this many are unpacked
	Depth      int   // folders
	MinFree    int64 // bytes that must stay free on the disk
}

const mebi = 1 << 20

// DefaultLimits returns what no honest package reaches.
func DefaultLimits() Limits {
	return Limits{
		Entries:    50000,
		Total:      4096 * mebi,
		File:       2048 * mebi,
		Ratio:      200,
		RatioAfter: 32 * mebi,
		Depth:      40,
		MinFree:    64 * mebi,
	}
}

const (
	maxName      = 4096 // bytes of an entry's whole path
	maxComponent = 255  // bytes of one part of it
)

// Unpack writes the content of the archive f, size bytes long, into the new
// folder dest, whose parent exists. It takes files and folders alone, writes
// nothing outside dest, counts the bytes itself, and keeps of the modes what
// fits into 0755. On an error dest does not exist; the error wraps ErrUnsafe
// when the archive is to blame and rayapi.ErrNoSpace when the disk is full.
func Unpack(ctx context.Context, f *os.File, size int64, kind Kind, dest string, lim Limits) (err error) {
	if _, err := os.Lstat(dest); err == nil {
		return fmt.Errorf("unpack into %s: %w", dest, os.ErrExist)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dest), ".unpack-*")
	if err != nil {
		return fmt.Errorf("unpack: %w", noSpace(err))
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("unpack: %w", noSpace(errors.Join(err, os.RemoveAll(tmp))))
		}
	}()
	if err := unpackInto(ctx, f, size, kind, tmp, lim); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, dest)
}

func unpackInto(ctx context.Context, f *os.File, size int64, kind Kind, dir string, lim Limits) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{root: root, dir: dir, lim: lim, packed: size, names: make(map[string]bool)}
	switch kind {
	case Zip:
		return u.zip(ctx, f, size)
	case TarGz:
		return u.tarGz(ctx, io.NewSectionReader(f, 0, size))
	case TarXZ:
		return u.tarXZ(ctx, io.NewSectionReader(f, 0, size))
	}
	return fmt.Errorf("unknown archive format %d", kind)
}

// unpacker writes entries below one folder and keeps the counts.
type unpacker struct {
	root    *os.Root
	dir     string
	lim     Limits
	packed  int64           // size of the archive
	entries int             // so far
	written int64           // bytes of files so far
	names   map[string]bool // what exists: true for a folder
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsafe, fmt.Sprintf(format, args...))
}

// entryName returns the clean relative path of an entry, "." for the folder
// itself, or why it is refused.
func (u *unpacker) entryName(raw string) (string, error) {
	switch {
	case raw == "":
		return "", refuse("an entry has no name")
	case len(raw) > maxName:
		return "", refuse("the name of an entry has %d bytes, at most %d are allowed", len(raw), maxName)
	case strings.ContainsAny(raw, "\x00\\"):
		return "", refuse("%q: a backslash or NUL in a name; pack it again with '/' between folders", clip(raw))
	case raw[0] == '/' || len(raw) > 1 && raw[1] == ':':
		return "", refuse("%q: the name must be relative", clip(raw))
	}
	parts := strings.Split(raw, "/")
	for _, part := range parts {
		if part == ".." {
			return "", refuse("%q leads out of the folder", clip(raw))
		}
		if len(part) > maxComponent {
			return "", refuse("%q: a part of the name has %d bytes, at most %d are allowed", clip(raw), len(part), maxComponent)
		}
	}
	name := path.Clean(raw)
	if depth := strings.Count(name, "/"); depth > u.lim.Depth {
		return "", refuse("%q: %d folders deep, at most %d are allowed", clip(raw), depth, u.lim.Depth)
	}
	return name, nil
}

// countEntry takes one entry from the allowance.
func (u *unpacker) countEntry() error {
	if u.entries++; u.entries > u.lim.Entries {
		return refuse("more than %d entries", u.lim.Entries)
	}
	return nil
}

// folder makes name and its parents. A folder may be named twice, but not be a
// file as well.
func (u *unpacker) folder(name string) error {
	if name == "." {
		return nil
	}
	if isDir, known := u.names[name]; known {
		if !isDir {
			return refuse("%q is both a file and a folder", clip(name))
		}
		return nil
	}
	if err := u.folder(path.Dir(name)); err != nil {
		return err
	}
	u.names[name] = true
	if err := u.root.Mkdir(name, 0o755); err != nil {
		return clash(name, err)
	}
	return u.root.Chmod(name, 0o755) // whatever the umask
}

// file writes one file of the given permission bits. Exclusive creation
// catches what the names cannot show: twins on a file system that ignores case.
func (u *unpacker) file(ctx context.Context, name string, perm fs.FileMode, r io.Reader) (err error) {
	if name == "." {
		return refuse("a file has no name")
	}
	if err := u.folder(path.Dir(name)); err != nil {
		return err
	}
	if _, known := u.names[name]; known {
		return refuse("%q occurs twice", clip(name))
	}
	u.names[name] = false
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return clash(name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := u.copy(ctx, f, r, name); err != nil {
		return err
	}
	return f.Chmod(perm&0o755 | 0o600)
}

func clash(name string, err error) error {
	if errors.Is(err, os.ErrExist) {
		return refuse("%q occurs twice, perhaps with other capitals", clip(name))
	}
	return err
}

// copy moves the content of one file and stops at the first limit.
func (u *unpacker) copy(ctx context.Context, w io.Writer, r io.Reader, name string) error {
	buf := make([]byte, 64<<10)
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, readErr := r.Read(buf)
		size += int64(n)
		u.written += int64(n)
		if err := u.checkSize(name, size); err != nil {
			return err
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return refuse("%q: %v", clip(name), readErr)
		}
	}
}

func (u *unpacker) checkSize(name string, size int64) error {
	switch {
	case size > u.lim.File:
		return refuse("%q has more than %d MiB", clip(name), u.lim.File/mebi)
	case u.written > u.lim.Total:
		return refuse("it unpacks to more than %d MiB", u.lim.Total/mebi)
	case u.written > u.lim.RatioAfter && u.written/u.lim.Ratio > u.packed:
		return refuse("it unpacks to more than %d times its size", u.lim.Ratio)
	}
	return nil
}

// checkFree reports a full disk before the first byte of n is written.
func (u *unpacker) checkFree(n int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(u.dir, &st); err != nil {
		return fmt.Errorf("read free space: %w", err)
	}
	free := st.Bavail * uint64(st.Bsize)
	if free < uint64(n+u.lim.MinFree) {
		return fmt.Errorf("%w: %d MiB are needed below %s and %d MiB are free", rayapi.ErrNoSpace,
			(n+u.lim.MinFree)/mebi, filepath.Dir(u.dir), free/mebi)
	}
	return nil
}
