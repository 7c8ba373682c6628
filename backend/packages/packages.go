// Package packages is about the archives that carry a job's files: it names
// and makes them as Ray's own client does, keeps the uploaded ones by content,
// and unpacks them without trusting them.
//
// What a job does with an unpacked package is the business of package
// runtimeenv; how one travels is that of packages client and server. The
// package builds wherever the clients do.
package packages

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// MaxBytes is the largest package in bytes that a server takes: the limit of
// Ray's own HTTP layer, 100 MiB.
const MaxBytes = 104857600

// Errors of names and of the store; the server makes 400, 409, 413 and 404 of
// them.
var (
	ErrName     = errors.New("not a package name")
	ErrConflict = errors.New("the package name stands for other content, which a job is about to use")
	ErrTooLarge = errors.New("the package is larger than 100 MiB (104857600 bytes)")
	ErrNotFound = errors.New("package does not exist")
)

// Kind is the format of an archive.
type Kind int

// The formats that Unpack reads. A wheel is a Zip.
const (
	Zip Kind = iota + 1
	TarGz
	TarXZ
)

// packageName is the only shape of name that may become part of a path. It
// need not tell the format: what it is only matters to the job that unpacks it
// (KindOf), and Ray takes any.
var packageName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]*$`)

// maxPackageName is no part of the expression, which would be compiled to 200 KiB
// whenever this program starts, and each job has a process of it.
const maxPackageName = 208

// CheckName reports why name cannot name a package, or nil. The error wraps
// ErrName.
func CheckName(name string) error {
	if len(name) > maxPackageName || !packageName.MatchString(name) {
		return fmt.Errorf("%w: %q; use at most 208 letters, digits and . _ + -, and begin with a letter, digit or _", ErrName, clip(name))
	}
	return nil
}

func clip(name string) string {
	const most = 80
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// IsArchive reports whether the suffix of name is one of an archive that Ray's
// client uploads as it is: .zip, .tar.gz, .tgz or .tar.xz. A wheel is not one:
// it is a module, not a folder.
func IsArchive(name string) bool {
	for _, suffix := range []string{".zip", ".tar.gz", ".tgz", ".tar.xz"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// KindOf returns the format that the suffix of name tells. The error says what
// to do about a format that cannot be read.
func KindOf(name string) (Kind, error) {
	switch {
	case strings.HasSuffix(name, ".zip"), strings.HasSuffix(name, ".whl"):
		return Zip, nil
	case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".tgz"):
		return TarGz, nil
	case strings.HasSuffix(name, ".tar.xz"):
		return TarXZ, nil
	}
	return 0, fmt.Errorf("%s is not an archive: pack it as .zip or .tar.gz", clip(name))
}

const (
	namePrefix = "_ray_pkg_"
	scheme     = "gcs://"
)

// NameOfHash returns the package name of a folder or a single module whose
// hash is given (HashDir, HashPy).
func NameOfHash(hash string) string { return namePrefix + hash + ".zip" }

// NameOfArchive returns the package name of a local archive: hash is its
// HashFile and file its own name, whose suffix is kept. As with Ray, .tgz
// becomes .tar.gz, and a wheel keeps its name, which tells its content.
func NameOfArchive(file, hash string) string {
	switch {
	case strings.HasSuffix(file, ".whl"):
		return file
	case strings.HasSuffix(file, ".tar.gz"), strings.HasSuffix(file, ".tgz"):
		return namePrefix + hash + ".tar.gz"
	case strings.HasSuffix(file, ".tar.xz"):
		return namePrefix + hash + ".tar.xz"
	}
	return namePrefix + hash + ".zip"
}

// URI returns the address under which a runtime environment names the package.
func URI(name string) string { return scheme + name }
