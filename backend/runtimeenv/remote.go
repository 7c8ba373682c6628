//go:build linux

package runtimeenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/packages"
)

const (
	maxDownload  = 2 << 30 // bytes of one archive
	downloadsDir = "downloads"
)

func isWheel(uri string) bool {
	path, _, _ := strings.Cut(uri, "?")
	return strings.HasSuffix(path, ".whl")
}

// fetch unpacks the archive behind an http, https or file address into dest.
// As with Ray, a single folder that holds everything is left out.
func (b *Builder) fetch(ctx context.Context, uri, field, dest string) error {
	u, err := url.Parse(uri)
	if err != nil {
		return err
	}
	shown, _, _ := strings.Cut(maskUser(uri), "?") // a query may be a signature
	kind, err := packages.KindOf(u.Path)
	if err != nil {
		return &SetupError{Reason: err.Error()}
	}
	var f *os.File
	if u.Scheme == "file" {
		f, err = os.Open(u.Path)
	} else {
		f, err = b.download(ctx, u)
	}
	if err != nil {
		if urlErr := (*url.Error)(nil); errors.As(err, &urlErr) {
			err = urlErr.Err // without the address
		}
		return &SetupError{Reason: fmt.Sprintf("Failed to download runtime_env file package %s for %s", shown, field), Err: err}
	}
	defer f.Close()
	if err := b.spread(ctx, f, shown, kind, field, dest); err != nil {
		return err
	}
	if isWheel(uri) {
		return nil
	}
	return dropTop(dest)
}

// dropTop replaces a folder that holds nothing but one folder by that one.
func dropTop(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == "__MACOSX" })
	if len(entries) != 1 || !entries[0].IsDir() {
		return nil
	}
	tmp := dir + ".top"
	if err := os.Rename(filepath.Join(dir, entries[0].Name()), tmp); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// origin is what a server said about a download, with which it is asked
// whether there is another by now.
type origin struct {
	ETag         string `json:"etag"`
	LastModified string `json:"last_modified"`
}

// download returns the archive, open. What is in the cache is used when the
// server says that it is still the same.
func (b *Builder) download(ctx context.Context, u *url.URL) (*os.File, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	path := ""
	if b.root != "" {
		path = filepath.Join(b.root, downloadsDir, hashText(u.String()))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
	}
	cached := openCached(path, req)
	f, err := b.ask(req, cached, path)
	if f != cached && cached != nil {
		cached.Close()
	}
	return f, err
}

// ask sends the request. It returns cached when that is still the same.
func (b *Builder) ask(req *http.Request, cached *os.File, path string) (*os.File, error) {
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: time.Minute, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && cached != nil:
		now := time.Now()
		_ = os.Chtimes(path, now, now) // only the order of removal
		return cached, nil
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	return b.keep(resp, path)
}

// openCached makes the request a question for news when the cache has the
// archive, which stays open for that long.
func openCached(path string, req *http.Request) *os.File {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	var o origin
	data, err := os.ReadFile(path + ".json")
	if err != nil || json.Unmarshal(data, &o) != nil {
		f.Close()
		return nil
	}
	if o.ETag != "" {
		req.Header.Set("If-None-Match", o.ETag)
	}
	if o.LastModified != "" {
		req.Header.Set("If-Modified-Since", o.LastModified)
	}
	return f
}

// keep reads the answer into a file, which enters the cache at path when the
// server gave something to ask for news with, and is open and nameless else.
func (b *Builder) keep(resp *http.Response, path string) (_ *os.File, err error) {
	dir := "" // the system's, for a file that loses its name at once
	if path != "" {
		dir = filepath.Dir(path)
	}
	f, err := os.CreateTemp(dir, ".download-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	n, err := io.Copy(f, io.LimitReader(resp.Body, maxDownload+1))
	if err != nil {
		return nil, err
	}
	if n > maxDownload {
		return nil, fmt.Errorf("%w: the archive is larger than %d MiB", packages.ErrUnsafe, maxDownload>>20)
	}
	o := origin{ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified")}
	if path == "" || o == (origin{}) {
		return f, os.Remove(f.Name())
	}
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	b.downloads.Lock()
	defer b.downloads.Unlock()
	// First the old note goes and last the new one comes: at no instant does a
	// note stand beside an archive that it was not made for.
	if err := os.Remove(path + ".json"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(path+".json", data, 0o600); err != nil {
		return nil, err
	}
	return f, b.trimDownloads()
}

// trimDownloads removes the downloads that were used longest ago until the
// rest fits.
func (b *Builder) trimDownloads() error {
	entries, err := os.ReadDir(filepath.Join(b.root, downloadsDir))
	if err != nil {
		return err
	}
	var files []os.FileInfo
	var total int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !strings.HasSuffix(e.Name(), ".json") {
			files, total = append(files, info), total+info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range files {
		if total <= b.max {
			return nil
		}
		path := filepath.Join(b.root, downloadsDir, info.Name())
		total -= info.Size()
		if err := errors.Join(os.RemoveAll(path+".json"), os.RemoveAll(path)); err != nil {
			return err
		}
	}
	return nil
}
