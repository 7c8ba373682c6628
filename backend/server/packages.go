package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"dray/backend/packages"
)

// badPackagePath answers a path that names a package without its protocol.
func (a *API) badPackagePath(http.ResponseWriter, *http.Request, []string) error {
	return &statusError{http.StatusBadRequest, "A package's path is /api/packages/gcs/<name>."}
}

func checkProtocol(protocol string) error {
	if protocol == "gcs" {
		return nil
	}
	return &statusError{http.StatusBadRequest, fmt.Sprintf("Packages are kept under the protocol gcs only, not %q.", protocol)}
}

// hasPackage answers 200 with nothing, or 404. A name that no package can have
// is one that does not exist.
func (a *API) hasPackage(w http.ResponseWriter, r *http.Request, args []string) error {
	if err := checkProtocol(args[0]); err != nil {
		return err
	}
	ok, err := a.cfg.Packages.Has(r.Context(), args[1])
	if err != nil && !errors.Is(err, packages.ErrName) {
		return err
	}
	if !ok {
		return &statusError{http.StatusNotFound, fmt.Sprintf("Package gcs://%s does not exist", args[1])}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) putPackage(w http.ResponseWriter, r *http.Request, args []string) error {
	err := checkProtocol(args[0])
	if err == nil {
		err = checkEncoding(r)
	}
	if err == nil && r.ContentLength > maxBody {
		err = &tooLargeError{maxBody}
	}
	body := &watchedBody{Reader: r.Body}
	if err == nil {
		err = a.cfg.Packages.Put(r.Context(), args[1], body)
	}
	if body.err != nil {
		return readError(body.err)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// watchedBody remembers why a body could not be read, which is the client's
// fault, not the store's.
type watchedBody struct {
	io.Reader
	err error
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
