package ledger

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 1, time.UTC)

func request(id string) rayapi.SubmitRequest {
	return rayapi.SubmitRequest{
		Entrypoint:    "python train.py",
		SubmissionID:  id,
		RuntimeEnv:    json.RawMessage(`{"pip":["x"],"env_vars":{"TOKEN":"s3cret"},"working_dir":"gcs://_ray_pkg_00.zip"}`),
		Metadata:      map[string]string{"team": "vision"},
		NumCPUs:       0.5,
		NumGPUs:       1,
		Memory:        1 << 30,
		Resources:     map[string]float64{"TPU": 2},
		LabelSelector: map[string]string{"region": "eu"},
	}
}

func open(t *testing.T) (*Ledger, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ledger")
	return New(dir), dir
}

func TestLedger_Get(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, key, id string }{
		{"plain", "embedded", "raysubmit_1"},
		{"url as key", "https://head.ml.corp:8265/prefix", "train"},
		{"id that is no file name", "k", "../a/b\x00ü"},
		{"long id", "k", strings.Repeat("x", 300)},
		{"empty key", "", "train"},
		{"dots", "..", ".hidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, dir := open(t)
			if err := l.Record(tt.key, request(tt.id), "parent", noon); err != nil {
				t.Fatal(err)
			}
			got, err := New(dir).Get(tt.key, tt.id)
			if err != nil {
				t.Fatal(err)
			}
			want := Entry{Request: request(tt.id), Parent: "parent", SubmittedAt: noon}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Get(%q, %q) (-want +got):\n%s", tt.key, tt.id, diff)
			}
			if _, err := l.Get("other", tt.id); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("Get of another server = %v, want ErrNotExist", err)
			}
			if _, err := l.Get(tt.key, "other"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("Get of another id = %v, want ErrNotExist", err)
			}
		})
	}
}

func TestLedger_Private(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := New(dir).Record("k", request("a"), "", noon); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("mode of %s = %o, want %o", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two processes may send the same id: the refusal of one says nothing about
// the other, which is still on its way.
func TestLedger_Drop_leavesTheOtherPending(t *testing.T) {
	t.Parallel()
	l := New(t.TempDir())
	r := rayapi.SubmitRequest{Entrypoint: "x", SubmissionID: "a"}
	for _, at := range []time.Time{noon, noon.Add(time.Second)} {
		if err := l.Record("k", r, "", at); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Drop("k", "a", noon); err != nil {
		t.Fatal(err)
	}
	if p, err := l.Pending("k"); err != nil || len(p) != 1 {
		t.Errorf("pending: %v, %v, want the second", p, err)
	}
}

func TestLedger_Drop(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	first, second := request("a"), request("a")
	second.Entrypoint = "python other.py"
	for i, r := range []rayapi.SubmitRequest{first, second} {
		if err := l.Record("k", r, "", noon.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := l.Get("k", "a"); err != nil || e.Request.Entrypoint != second.Entrypoint {
		t.Fatalf("Get = %q, %v, want the newest", e.Request.Entrypoint, err)
	}
	if err := l.Drop("k", "a", noon.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if e, err := l.Get("k", "a"); err != nil || e.Request.Entrypoint != first.Entrypoint {
		t.Errorf("Get after Drop = %q, %v, want the earlier request", e.Request.Entrypoint, err)
	}
	if err := l.Drop("k", "a", noon); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Get("k", "a"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Get after both Drops = %v, want ErrNotExist", err)
	}
	if err := l.Drop("k", "a", noon); err != nil {
		t.Errorf("Drop of nothing = %v", err)
	}
}

func TestLedger_Record(t *testing.T) {
	t.Parallel()
	t.Run("needs an id", func(t *testing.T) {
		t.Parallel()
		l, _ := open(t)
		if err := l.Record("k", request(""), "", noon); err == nil {
			t.Error("Record without an id = nil, want an error")
		}
	})
	t.Run("keeps the last few", func(t *testing.T) {
		t.Parallel()
		l, _ := open(t)
		for i := range 3 * maxEntries {
			if err := l.Record("k", request("a"), "", noon.Add(time.Duration(i))); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := read(l.path("k", "a"), "a")
		if err != nil || len(entries) != maxEntries {
			t.Errorf("%d entries, %v, want %d", len(entries), err, maxEntries)
		}
	})
	t.Run("replaces a damaged file", func(t *testing.T) {
		t.Parallel()
		l, _ := open(t)
		if err := l.Record("k", request("a"), "", noon); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(l.path("k", "a"), []byte(`[{"requ`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Get("k", "a"); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("Get of a damaged file = %v, want an error of its own", err)
		}
		if err := l.Record("k", request("a"), "", noon); err != nil {
			t.Errorf("Record over a damaged file = %v", err)
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		t.Parallel()
		l, _ := open(t)
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				if err := l.Record("k", request(string(rune('a'+i))), "", noon); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range 16 {
			if _, err := l.Get("k", string(rune('a'+i))); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("says where", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := New(file).Record("k", request("a"), "", noon); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("Record below a file = %v, want the path in it", err)
		}
	})
}

func BenchmarkLedger_Record(b *testing.B) {
	l := New(b.TempDir())
	for b.Loop() {
		if err := l.Record("k", request(rayapi.NewID()), "", noon); err != nil {
			b.Fatal(err)
		}
	}
}

// Two processes that send one id at once each keep what they sent until the
// server has refused one of them, whose record alone is taken back.
func TestLedger_sameIDAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		dir := filepath.Join(t.TempDir(), "ledger")
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				l, at := New(dir), noon.Add(time.Duration(i)*time.Millisecond)
				r := request("same")
				r.Metadata = map[string]string{"by": strconv.Itoa(i)}
				if err := l.Record("k", r, "", at); err != nil {
					t.Error(err)
				}
				if i == 2 { // the server took this one
					return
				}
				if err := l.Drop("k", "same", at); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if e, err := New(dir).Get("k", "same"); err != nil || e.Request.Metadata["by"] != "2" {
			t.Fatalf("the record is of %q, %v; want the one that the server took", e.Request.Metadata["by"], err)
		}
	}
}
