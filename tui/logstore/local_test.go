package logstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// logFile is a job's log on this machine.
type logFile struct {
	t    testing.TB
	path string
	srv  *server
}

func newLogFile(t testing.TB) *logFile {
	return &logFile{t: t, path: filepath.Join(t.TempDir(), "job.log"), srv: &server{status: rayapi.StatusRunning}}
}

func (f *logFile) print(text string) {
	f.t.Helper()
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		f.t.Fatal(err)
	}
}

func (f *logFile) options() Options {
	return Options{ID: "id", Jobs: f.srv, File: func(context.Context, string) (string, error) { return f.path, nil }}
}

func TestLocalFollow(t *testing.T) {
	t.Parallel()
	f := newLogFile(t)
	s := start(t, f.options())
	await(t, s, "link", func(n News) bool { return n.Link == Live && n.Size == 0 })
	want := ""
	for i := range 20 {
		text := fmt.Sprintf("line %d\npart", i)
		want += text
		f.print(text)
		await(t, s, "growth", func(n News) bool { return n.Size == int64(len(want)) && n.Exact() && n.Open })
		if at, ok := s.Store().Arrival(int64(len(want)) - 1); !ok || time.Since(at) > patience {
			t.Errorf("the arrival of piece %d is %v, %v", i, at, ok)
		}
	}
	f.print("\n" + numbered(0, 300_000))
	want += "\n" + numbered(0, 300_000)
	f.srv.set(rayapi.StatusSucceeded, nil)
	n := await(t, s, "end", func(n News) bool { return n.Link == Complete && n.Exact() })
	if got := content(t, s.Store()); got != want || n.Lines != int64(strings.Count(want, "\n")) {
		t.Errorf("%d bytes in %d lines, want %d bytes", len(got), n.Lines, len(want))
	}
	if s.Store().Path() != f.path {
		t.Errorf("the path is %q", s.Store().Path())
	}
}

// That the lines of a long log are all counted is told, though the log is still.
func TestCountTellsTheEnd(t *testing.T) {
	t.Parallel()
	f := newLogFile(t)
	f.print(numbered(0, 500_000))
	s := OpenFile(f.path)
	defer s.Close()
	if _, err := s.Grow(); err != nil {
		t.Fatal(err)
	}
	var last Extent
	if err := s.Count(t.Context(), func() { last = s.Extent() }); err != nil {
		t.Fatal(err)
	}
	if !last.Exact() || last.Lines != 500_000 {
		t.Errorf("the last that was told is %+v", last)
	}
}

// What is there when the log is opened has no time of arrival.
func TestLocalArrivalUnknown(t *testing.T) {
	t.Parallel()
	f := newLogFile(t)
	f.print("old\n")
	s := start(t, f.options())
	await(t, s, "log", func(n News) bool { return n.Size == 4 })
	if at, ok := s.Store().Arrival(0); ok {
		t.Errorf("an old line arrived at %v", at)
	}
	f.print("new\n")
	await(t, s, "line", func(n News) bool { return n.Size == 8 })
	if _, ok := s.Store().Arrival(4); !ok {
		t.Error("a new line has no time of arrival")
	}
	if _, ok := s.Store().Arrival(3); ok {
		t.Error("the old line has one now")
	}
	if off, ok := s.Store().Arrived(time.Now().Add(-patience)); !ok || off != 4 {
		t.Errorf("what arrived begins at %d, %v", off, ok)
	}
	if off, ok := s.Store().Arrived(time.Now().Add(patience)); ok {
		t.Errorf("%d arrives in the future", off)
	}
}

func TestLocalTruncated(t *testing.T) {
	t.Parallel()
	t.Run("cut", func(t *testing.T) {
		t.Parallel()
		f := newLogFile(t)
		f.print(numbered(0, 1000))
		s := start(t, f.options())
		await(t, s, "log", func(n News) bool { return n.Lines == 1000 })
		r := s.Store().Reader()
		if err := os.Truncate(f.path, 7); err != nil {
			t.Fatal(err)
		}
		n := await(t, s, "cut", func(n News) bool { return n.Gaps == 1 && n.Size == 7 })
		if !n.Gap.Anew || n.Gap.At != 7 || n.Epoch == 0 {
			t.Errorf("news %+v", n)
		}
		if _, _, err := r.At(5000); err == nil {
			t.Error("an old reader reads on what is gone")
		}
		f.print("again\n")
		n = await(t, s, "growth", func(n News) bool { return n.Size == 13 })
		if n.Lines != 2 || content(t, s.Store()) != "line 0\nagain\n" {
			t.Errorf("news %+v of %q", n, content(t, s.Store()))
		}
	})
	t.Run("replaced", func(t *testing.T) {
		t.Parallel()
		f := newLogFile(t)
		f.print("old\n")
		s := start(t, f.options())
		await(t, s, "log", func(n News) bool { return n.Size == 4 })
		if err := os.Rename(f.path, f.path+".1"); err != nil {
			t.Fatal(err)
		}
		f.print("brand new\n")
		n := await(t, s, "another log", func(n News) bool { return n.Size == 10 })
		if n.Gaps != 1 || !n.Gap.Anew || content(t, s.Store()) != "brand new\n" {
			t.Errorf("news %+v of %q", n, content(t, s.Store()))
		}
		f.print("on\n")
		await(t, s, "growth", func(n News) bool { return n.Size == 13 })
	})
}

func TestLocalDeleted(t *testing.T) {
	t.Parallel()
	f := newLogFile(t)
	f.print("x\n")
	s := start(t, f.options())
	await(t, s, "log", func(n News) bool { return n.Size == 2 })
	f.srv.set("", rayapi.ErrNotFound)
	if n := await(t, s, "end", isFinal); n.Link != Broken {
		t.Errorf("news %+v", n)
	}
}

// Only what is shown is read: the end of a file of a hundred gigabytes is there
// at once.
// A job goes on printing into a log that was removed.
func TestLocalRemovedWhileWritten(t *testing.T) {
	t.Parallel()
	f := newLogFile(t)
	f.print("one\n")
	out, err := os.OpenFile(f.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s := start(t, f.options())
	await(t, s, "the first line", func(n News) bool { return n.Size == 4 })
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("two\n"); err != nil {
		t.Fatal(err)
	}
	await(t, s, "the second", func(n News) bool { return n.Size == 8 && n.Gaps == 0 })
	if got := content(t, s.Store()); got != "one\ntwo\n" {
		t.Errorf("the log holds %q", got)
	}
}

func TestSparseHundredGigabytes(t *testing.T) {
	t.Parallel()
	f := newLogFile(t)
	f.print("first\n")
	const size = 100 << 30
	if err := os.Truncate(f.path, size); err != nil {
		t.Skip("this file system has no sparse files: ", err)
	}
	f.print("\nlast but one\nlast\n")
	s := OpenFile(f.path)
	defer s.Close()
	if _, err := s.Grow(); err != nil {
		t.Fatal(err)
	}
	r := s.Reader()
	l, ok, err := r.Last()
	checkLine(t, l, ok, err, "last")
	l, ok, err = r.Prev(l)
	checkLine(t, l, ok, err, "last but one")
	l, ok, err = r.First()
	checkLine(t, l, ok, err, "first")
	if e := s.Extent(); e.Exact() || e.Size < size {
		t.Errorf("extent %+v", e)
	}
}
