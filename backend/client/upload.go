package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"dray/backend/packages"
	"dray/backend/rayapi"
)

// Upload makes path available to jobs as a working_dir and returns its gcs://
// address. path is a folder, of which excludes and the ignore files in it
// leave out parts, or an archive (.zip, .tar.gz, .tgz, .tar.xz), a wheel or a
// single .py file. What the server has already is not sent again.
//
// A package over packages.MaxBytes is refused before anything is sent; the
// error wraps packages.ErrTooLarge. progress may be nil; it is called from
// another goroutine, one call at a time, with the bytes sent so far and the
// bytes in all.
func (c *Client) Upload(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (uri string, err error) {
	return c.upload(ctx, path, packages.Options{Excludes: excludes, DefaultExcludes: true}, progress)
}

// UploadModule makes path available to jobs as one of py_modules and returns
// its gcs:// address. It differs from Upload in that a folder keeps its name
// and that Ray's default excludes do not apply; those of the job do.
func (c *Client) UploadModule(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (uri string, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("upload %s: %w", path, err)
	}
	return c.upload(ctx, path, packages.Options{TopLevel: filepath.Base(abs), Excludes: excludes}, progress)
}

func (c *Client) upload(ctx context.Context, path string, opt packages.Options, progress func(done, total int64)) (string, error) {
	op := "upload " + path
	info, err := os.Stat(path)
	if err != nil {
		return "", &Error{Op: op, Message: "it cannot be read: " + c.cause(err), Hint: "check the path", Err: err}
	}
	p := parcel{path: path, opt: opt}
	switch {
	case info.IsDir():
		err = p.folder()
	case strings.HasSuffix(path, ".py"):
		p.opt.TopLevel = ""
		err = p.module(info.Size())
	case strings.HasSuffix(path, ".whl"), packages.IsArchive(path):
		err = p.archive(info.Size())
	default:
		err = &Error{
			Op: op, Message: "it is neither a folder nor a supported archive (.zip, .tar.gz, .tgz, .tar.xz, .whl, .py)",
			Hint: "name a folder, or pack it as .zip", Err: rayapi.ErrInvalid,
		}
	}
	if err != nil {
		return "", err
	}
	has, err := c.hasPackage(ctx, op, p.name)
	if err == nil && !has {
		err = c.putParcel(ctx, op, p, progress)
	}
	if err != nil {
		return "", err
	}
	c.keepParcel(ctx, p)
	return packages.URI(p.name), nil
}

// parcel is a local thing to be uploaded and the name of its package.
type parcel struct {
	path string
	opt  packages.Options
	name string
	pack bool // it is not sent as it is: a zip is made of it
}

func (p *parcel) folder() error {
	size, err := packages.Measure(p.path, p.opt) // counting is cheap, hashing gigabytes is not
	if err == nil {
		err = tooLarge(p.path, size.Bytes)
	}
	if err != nil {
		return err
	}
	hash, err := packages.HashDir(p.path, p.opt)
	p.name, p.pack = packages.NameOfHash(hash), true
	return err
}

func (p *parcel) module(size int64) error {
	if err := tooLarge(p.path, size); err != nil {
		return err
	}
	hash, err := packages.HashPy(p.path)
	p.name, p.pack = packages.NameOfHash(hash), true
	return err
}

func (p *parcel) archive(size int64) error {
	if err := tooLarge(p.path, size); err != nil {
		return err
	}
	hash, err := packages.HashFile(p.path)
	p.name = packages.NameOfArchive(filepath.Base(p.path), hash)
	return err
}

func tooLarge(path string, size int64) error {
	if size <= packages.MaxBytes {
		return nil
	}
	return &Error{
		Op:      "upload " + path,
		Message: fmt.Sprintf("it has %d bytes, a package may have 100 MiB (%d bytes)", size, int64(packages.MaxBytes)),
		Hint:    "leave data out with excludes or a .rayignore file, or put it where the job can read it",
		Err:     packages.ErrTooLarge,
	}
}

// file opens what is to be sent. The caller calls done.
func (p *parcel) file(ctx context.Context) (f *os.File, done func(), err error) {
	if !p.pack {
		f, err = os.Open(p.path)
		if err != nil {
			return nil, nil, fmt.Errorf("upload %s: %w", p.path, err)
		}
		return f, func() { f.Close() }, nil
	}
	f, err = os.CreateTemp("", "dray-upload-*.zip")
	if err != nil {
		return nil, nil, fmt.Errorf("upload %s: make a temporary file: %w", p.path, err)
	}
	done = func() {
		f.Close()
		os.Remove(f.Name())
	}
	err = packages.WriteZip(ctx, f, p.path, p.opt)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("upload %s: %w", p.path, err)
	}
	return f, done, nil
}

// hasPackage asks whether the server has a package. When it has, it will keep
// it for the ten minutes that follow.
func (c *Client) hasPackage(ctx context.Context, op, name string) (bool, error) {
	ctx, cancel := withTimeout(ctx, answerTimeout)
	defer cancel()
	resp, err := c.send(ctx, call{op: op, method: http.MethodGet, path: "/api/packages/gcs/{id}", id: name})
	if errors.Is(err, rayapi.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	return true, nil
}

func (c *Client) putParcel(ctx context.Context, op string, p parcel, progress func(done, total int64)) error {
	f, done, err := p.file(ctx)
	if err != nil {
		return err
	}
	defer done()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if err := tooLarge(p.path, info.Size()); err != nil {
		return err
	}
	return c.putPackage(ctx, op, p.name, f, info.Size(), progress)
}

// putPackage sends size bytes of body as they are. It takes as long as it
// takes, so long as the server takes bytes.
func (c *Client) putPackage(ctx context.Context, op, name string, body io.Reader, size int64, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sent := &sentReader{r: io.LimitReader(body, size), total: size, progress: progress}
	stall := newStallReader(c.stall, func() { cancel(errStalled) })
	sent.stall = stall
	// resty would read the whole body to learn its length.
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base+"/api/packages/gcs/"+url.PathEscape(name), sent)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	req.Header = c.header.Clone()
	req.ContentLength = size
	stall.start()
	defer stall.stop()
	resp, err := c.http.Do(req)
	if err := c.check(ctx, op, resp, err); err != nil {
		return err
	}
	resp.Body.Close()
	return nil
}

// sentReader counts what the transport takes, and puts the stall off with each
// piece.
type sentReader struct {
	r           io.Reader
	stall       *stallReader
	done, total int64
	progress    func(done, total int64)
}

func (s *sentReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.stall.start()
	s.done += int64(n)
	if s.progress != nil && n > 0 {
		s.progress(s.done, s.total)
	}
	return n, err
}
