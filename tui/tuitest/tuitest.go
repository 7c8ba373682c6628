// Package tuitest helps the tests of the dashboard's pages: golden frames,
// styles of a fixed colour profile, a clock that stands still, and a server
// whose answers a test sets.
package tuitest

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/google/go-cmp/cmp"
	"github.com/muesli/termenv"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/settings"
)

var update = flag.Bool("update", false, "rewrite the golden frames") //nolint:gochecknoglobals // a flag

// Golden compares got with testdata/<test name>.golden, which -update writes.
func Golden(t testing.TB, got string) {
	t.Helper()
	path := filepath.Join("testdata", t.Name()+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make golden writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("frame differs from %s (-want +got):\n%s", path, diff)
	}
}

// Styles returns styles of a fixed colour profile, for tests in parallel.
func Styles(p termenv.Profile, g theme.Glyphs) *theme.Styles {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(p)
	return theme.New(r, theme.ANSI(), g)
}

// Now is the instant at which all tests take place.
func Now() time.Time { return time.Date(2026, 11, 23, 14, 17, 0, 0, time.UTC) }

// Env returns an environment without colours over jobs, as the embedded
// backend would give it.
func Env(t testing.TB, jobs screen.Jobs) *screen.Env {
	t.Helper()
	return &screen.Env{
		Ctx:        t.Context(),
		Jobs:       jobs,
		Target:     screen.Target{Name: "embedded", Address: "this machine", Why: "no Ray runs here", Embedded: true, LedgerKey: "embedded"},
		Styles:     Styles(termenv.Ascii, theme.Unicode()),
		Now:        Now,
		Cwd:        "/home/ana/proj",
		LookPython: func() string { return "/usr/bin/python3" },
		Drafts:     &screen.Drafts{},
		Settings:   settings.Default(),
		Getenv:     func(string) string { return "" },
		User:       "ana",
	}
}

// Jobs is a server whose answers are functions. A nil one fails the test.
type Jobs struct {
	T        testing.TB
	ListFn   func(ctx context.Context) ([]rayapi.Job, error)
	GetFn    func(ctx context.Context, id string) (rayapi.Job, error)
	SubmitFn func(ctx context.Context, r rayapi.SubmitRequest) (string, error)
	StopFn   func(ctx context.Context, id string) (bool, error)
	// StopWithFn may be nil: StopFn is called then.
	StopWithFn func(ctx context.Context, id string, how rayapi.StopOptions) (bool, error)
	DeleteFn   func(ctx context.Context, id string) error
	// ResourcesFn may be nil: the server then tells of none.
	ResourcesFn func(ctx context.Context) ([]client.Resource, error)
	FollowFn    func(ctx context.Context, id string, from int64) (screen.LogStream, error)
	UploadFn    func(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (string, error)
	// UploadModuleFn uploads one of py_modules.
	UploadModuleFn func(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (string, error)
}

var _ screen.Jobs = (*Jobs)(nil)

// List calls ListFn.
func (j *Jobs) List(ctx context.Context) ([]rayapi.Job, error) { return j.ListFn(ctx) }

// Get calls GetFn.
func (j *Jobs) Get(ctx context.Context, id string) (rayapi.Job, error) { return j.GetFn(ctx, id) }

// Submit calls SubmitFn.
func (j *Jobs) Submit(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
	return j.SubmitFn(ctx, r)
}

// Stop calls StopFn.
func (j *Jobs) Stop(ctx context.Context, id string) (bool, error) { return j.StopFn(ctx, id) }

// StopWith calls StopWithFn.
func (j *Jobs) StopWith(ctx context.Context, id string, how rayapi.StopOptions) (bool, error) {
	if j.StopWithFn == nil {
		return j.StopFn(ctx, id)
	}
	return j.StopWithFn(ctx, id, how)
}

// Delete calls DeleteFn.
func (j *Jobs) Delete(ctx context.Context, id string) error { return j.DeleteFn(ctx, id) }

// Resources calls ResourcesFn.
func (j *Jobs) Resources(ctx context.Context) ([]client.Resource, error) {
	if j.ResourcesFn == nil {
		return nil, nil
	}
	return j.ResourcesFn(ctx)
}

// Follow calls FollowFn.
func (j *Jobs) Follow(ctx context.Context, id string, from int64) (screen.LogStream, error) {
	return j.FollowFn(ctx, id, from)
}

// Upload calls UploadFn.
func (j *Jobs) Upload(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (string, error) {
	return j.UploadFn(ctx, path, excludes, progress)
}

// UploadModule calls UploadModuleFn.
func (j *Jobs) UploadModule(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (string, error) {
	return j.UploadModuleFn(ctx, path, excludes, progress)
}
