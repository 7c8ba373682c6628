package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"dray/backend/packages"
	"dray/backend/rayapi"
)

// Keeper keeps the packages that were uploaded, so that a job can be submitted
// again after its server has dropped them.
type Keeper interface {
	Has(name string) bool
	// Keep stores what r gives under the name of the package.
	Keep(name string, r io.Reader) error
	// Open returns a package; the error wraps os.ErrNotExist when it was not
	// kept, or not for so long.
	Open(name string) (*os.File, error)
}

// keepParcel stores a package that the server has. That it cannot be kept
// fails no upload: it only matters when the server drops the package.
func (c *Client) keepParcel(ctx context.Context, p parcel) {
	if c.keep == nil || c.keep.Has(p.name) && !strings.HasSuffix(p.name, ".whl") { // other names tell the content
		return
	}
	f, done, err := p.file(ctx)
	if err != nil {
		return
	}
	defer done()
	_ = c.keep.Keep(p.name, f)
}

// restore uploads the packages of a request that the server has dropped, from
// what was kept of them. A request without its package would be taken, and the
// job would fail.
func (c *Client) restore(ctx context.Context, op string, r rayapi.SubmitRequest) error {
	if c.keep == nil {
		return nil
	}
	for _, name := range packageNames(r.RuntimeEnv) {
		if err := c.restoreOne(ctx, op, name); err != nil {
			return fmt.Errorf("%w: %w", ErrNotSent, err)
		}
	}
	return nil
}

func (c *Client) restoreOne(ctx context.Context, op, name string) error {
	has, err := c.hasPackage(ctx, op, name)
	if err != nil || has {
		return err
	}
	f, err := c.keep.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return &Error{
			Op: op, Message: "its package " + packages.URI(name) + " is gone from the server, and no copy was kept here",
			Hint: "edit the job and name the folder again", Err: rayapi.ErrInvalid,
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return c.putPackage(ctx, op, name, f, info.Size(), nil)
}

// packageNames returns the uploaded packages that a runtime environment names.
func packageNames(env json.RawMessage) []string {
	var e struct {
		WorkingDir any `json:"working_dir"`
		PyModules  any `json:"py_modules"`
	}
	if len(env) == 0 || json.Unmarshal(env, &e) != nil {
		return nil
	}
	list, _ := e.PyModules.([]any)
	var names []string
	for _, v := range append([]any{e.WorkingDir}, list...) {
		uri, _ := v.(string)
		if name, ok := strings.CutPrefix(uri, packages.URI("")); ok && packages.CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names
}
