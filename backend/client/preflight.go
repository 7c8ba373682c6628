package client

import (
	"context"
	"os"
	"strings"

	"dray/backend/packages"
)

// Preflight is what an upload of a working dir would send.
type Preflight struct {
	packages.Preflight
	Scanned bool   // the numbers are final
	URI     string // of the package; "" when it is too large, or not known yet
	There   bool   // the server has the package: nothing would be sent
	Kept    bool   // of a package that is named: a copy is kept here
	AskErr  error  // why the server could not be asked
}

// Folder is a part of the tree of a Preflight.
type Folder = packages.Folder

// MaxUpload is the largest upload in bytes that a server takes.
const MaxUpload = packages.MaxBytes

// Preflight looks at what Upload would send for path, a folder or an archive:
// its size, its biggest files and what the rules leave out. Then it names the
// package by its content and asks the server whether it has it already; a
// server that has it keeps it for the ten minutes that follow. Nothing is sent.
//
// For the address of a package, gcs://..., it tells whether the server still has
// it, and whether it could be uploaded again.
//
// step, which may be nil, is told now and then what was found so far, and once
// when the folder was gone through. That the server does not answer is not an
// error: see AskErr.
func (c *Client) Preflight(ctx context.Context, path string, excludes []string, step func(Preflight)) (Preflight, error) {
	return c.preflight(ctx, path, packages.Options{Excludes: excludes, DefaultExcludes: true}, step)
}

// PreflightModule looks likewise at what UploadModule would send for path: a
// folder, a .py file, a wheel or an archive.
func (c *Client) PreflightModule(ctx context.Context, path string, excludes []string, step func(Preflight)) (Preflight, error) {
	return c.preflight(ctx, path, packages.Options{Excludes: excludes}, step)
}

func (c *Client) preflight(ctx context.Context, path string, opt packages.Options, step func(Preflight)) (Preflight, error) {
	if step == nil {
		step = func(Preflight) {}
	}
	if name, is := strings.CutPrefix(path, packages.URI("")); is {
		p := Preflight{URI: path, Kept: c.keep != nil && c.keep.Has(name)}
		p.There, p.AskErr = c.hasPackage(ctx, "look for "+path, name)
		return p, ctx.Err()
	}
	info, err := os.Stat(path)
	if err != nil {
		return Preflight{}, err
	}
	p := Preflight{Scanned: true}
	parcel := parcel{path: path, opt: opt}
	if info.IsDir() {
		p.Preflight, err = packages.Scan(ctx, path, parcel.opt, func(s packages.Size) {
			step(Preflight{Preflight: packages.Preflight{Size: s}})
		})
	} else {
		p.Size = packages.Size{Files: 1, Bytes: info.Size()}
	}
	if err != nil || p.Bytes > MaxUpload {
		return p, err
	}
	step(p)
	switch {
	case info.IsDir():
		var hash string
		hash, err = packages.HashContext(ctx, path, parcel.opt)
		parcel.name = packages.NameOfHash(hash)
	case strings.HasSuffix(path, ".py"):
		err = parcel.module(info.Size())
	default:
		err = parcel.archive(info.Size())
	}
	if err != nil {
		return p, err
	}
	p.URI = packages.URI(parcel.name)
	p.There, p.AskErr = c.hasPackage(ctx, "look for "+p.URI, parcel.name)
	return p, nil
}
