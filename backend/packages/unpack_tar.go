package packages

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
)

func (u *unpacker) tarGz(ctx context.Context, r io.Reader) error {
	if err := u.checkFree(u.packed); err != nil {
		return err
	}
	gz, err := gzip.NewReader(r)
	if err != nil {
		return refuse("not a gzip archive, or a damaged one: %v", err)
	}
	defer gz.Close()
	return u.tar(ctx, &headerGuard{r: gz, u: u})
}

func (u *unpacker) tar(ctx context.Context, r io.Reader) error {
	t := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, ErrUnsafe) {
			return err
		}
		if err != nil {
			return refuse("a damaged tar archive: %v", err)
		}
		if err := u.tarEntry(ctx, h, t); err != nil {
			return err
		}
	}
}

func (u *unpacker) tarEntry(ctx context.Context, h *tar.Header, r io.Reader) error {
	if err := u.countEntry(); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := u.entryName(h.Name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.folder(name)
	case tar.TypeReg:
		return u.file(ctx, name, fs.FileMode(h.Mode).Perm(), r)
	case tar.TypeSymlink, tar.TypeLink:
		return refuse("%q is a link: pack what it points to", clip(h.Name))
	}
	return refuse("%q is neither a file nor a folder", clip(h.Name))
}

// headerGuard bounds what the stream inflates to, skipped parts included: the
// content that is unpacked, and the headers and padding around it.
type headerGuard struct {
	r    io.Reader
	u    *unpacker
	read int64
}

// Read passes the stream on until it is longer than any allowed archive.
func (g *headerGuard) Read(p []byte) (int, error) {
	const perEntry = 1024 // a header, and padding to full blocks
	n, err := g.r.Read(p)
	g.read += int64(n)
	if most := g.u.lim.Total + int64(g.u.lim.Entries)*perEntry; g.read > most {
		return 0, refuse("it unpacks to more than %d MiB", most/mebi)
	}
	if g.read > g.u.lim.RatioAfter && g.read/g.u.lim.Ratio > g.u.packed {
		return 0, refuse("it unpacks to more than %d times its size", g.u.lim.Ratio)
	}
	return n, err
}
