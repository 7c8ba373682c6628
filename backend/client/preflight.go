package client

import (
	"context"
	"os"

	"dray/backend/packages"
)

// Preflight is what an upload of a working dir would send.
type Preflight struct {
	packages.Preflight
	Scanned bool   // the numbers are final
	URI     string // of the package; "" when it is too large, or not known yet
	There   bool   // the server has the package: nothing would be sent
	AskErr  error  // why the server could not be asked
}

// MaxUpload is the largest upload in bytes that a server takes.
const MaxUpload = packages.MaxBytes

// Preflight looks at what Upload would send for path, a folder or an archive:
// its size, its biggest files and what the rules leave out. Then it names the
// package by its content and asks the server whether it has it already; a
// server that has it keeps it for the ten minutes that follow. Nothing is sent.
//
// step, which may be nil, is told now and then what was found so far, and once
// when the folder was gone through. That the server does not answer is not an
// error: see AskErr.
func (c *Client) Preflight(ctx context.Context, path string, excludes []string, step func(Preflight)) (Preflight, error) {
	if step == nil {
		step = func(Preflight) {}
	}
	info, err := os.Stat(path)
	if err != nil {
		return Preflight{}, err
	}
	p := Preflight{Scanned: true}
	parcel := parcel{path: path, opt: packages.Options{Excludes: excludes, DefaultExcludes: true}}
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
	if info.IsDir() {
		var hash string
		hash, err = packages.HashContext(ctx, path, parcel.opt)
		parcel.name = packages.NameOfHash(hash)
	} else {
		err = parcel.archive(info.Size())
	}
	if err != nil {
		return p, err
	}
	p.URI = packages.URI(parcel.name)
	p.There, p.AskErr = c.hasPackage(ctx, "look for "+p.URI, parcel.name)
	return p, nil
}
