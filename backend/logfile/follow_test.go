package logfile_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dray/backend/logfile"
)

// source is a log whose writer is the test.
type source struct {
	path  string
	wake  chan struct{}
	state func(ctx context.Context) (logfile.State, error)

	mu sync.Mutex
	st logfile.State
}

func newSource(t testing.TB) *source {
	t.Helper()
	return &source{path: filepath.Join(t.TempDir(), "log"), wake: make(chan struct{}, 1)}
}

func (s *source) Path() string { return s.path }

func (s *source) State(ctx context.Context) (logfile.State, error) {
	if s.state != nil {
		return s.state(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.st, nil
}

func (s *source) Wake() (<-chan struct{}, func()) { return s.wake, func() {} }

func (s *source) set(st logfile.State) {
	s.mu.Lock()
	s.st = st
	s.mu.Unlock()
	s.signal()
}

func (s *source) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *source) write(t testing.TB, text string) {
	t.Helper()
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	s.signal()
}

func TestFollow_final(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("a line of the log\n", 50000)
	tests := []struct {
		name, content, want string
		from, size          int64
	}{
		{"whole", "a\nb", "a\nb", 0, 3},
		{"from an offset", "abc", "c", 2, 3},
		{"from the end", "abc", "", 3, 3},
		{"from beyond", "abc", "", 9, 3},
		{"no more than the final size", "abcdef", "abc", 0, 3},
		{"long", big, big, 0, int64(len(big))},
		{"one line longer than any buffer", big[:0] + strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20), 0, 1 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t)
			s.write(t, tt.content)
			s.set(logfile.State{Final: true, Size: tt.size})
			var got bytes.Buffer
			err := logfile.Follow(t.Context(), s, tt.from, func(p []byte) error { got.Write(p); return nil })
			if err != nil || got.String() != tt.want {
				t.Errorf("Follow emitted %d bytes, %v, want %d", got.Len(), err, len(tt.want))
			}
		})
	}
}

func TestFollow_ends(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	keep := func([]byte) error { return nil }
	t.Run("no file and nothing written", func(t *testing.T) {
		t.Parallel()
		s := newSource(t)
		s.set(logfile.State{Final: true})
		if err := logfile.Follow(t.Context(), s, 0, keep); err != nil {
			t.Errorf("Follow = %v, want nil", err)
		}
	})
	t.Run("shorter than it was", func(t *testing.T) {
		t.Parallel()
		s := newSource(t)
		s.write(t, "abc")
		s.set(logfile.State{Final: true, Size: 4})
		if err := logfile.Follow(t.Context(), s, 0, keep); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Follow = %v, want ErrUnexpectedEOF", err)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		s := newSource(t)
		s.write(t, "abc")
		err := logfile.Follow(t.Context(), s, 0, func([]byte) error { s.set(logfile.State{Gone: true}); return nil })
		if !errors.Is(err, logfile.ErrGone) {
			t.Errorf("Follow = %v, want ErrGone", err)
		}
	})
	t.Run("state unknown", func(t *testing.T) {
		t.Parallel()
		s := newSource(t)
		s.state = func(context.Context) (logfile.State, error) { return logfile.State{}, boom }
		if err := logfile.Follow(t.Context(), s, 0, keep); !errors.Is(err, boom) {
			t.Errorf("Follow = %v, want %v", err, boom)
		}
	})
	t.Run("emit fails", func(t *testing.T) {
		t.Parallel()
		s := newSource(t)
		s.write(t, "abc")
		if err := logfile.Follow(t.Context(), s, 0, func([]byte) error { return boom }); err != boom { //nolint:errorlint // as it is
			t.Errorf("Follow = %v, want %v as it is", err, boom)
		}
	})
	t.Run("context ends", func(t *testing.T) {
		t.Parallel()
		s := newSource(t)
		s.write(t, "abc")
		ctx, cancel := context.WithCancel(t.Context())
		err := logfile.Follow(ctx, s, 0, func([]byte) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Follow = %v, want Canceled", err)
		}
	})
	t.Run("not readable", func(t *testing.T) {
		t.Parallel()
		s := newSource(t)
		s.path = filepath.Dir(s.path)
		if err := logfile.Follow(t.Context(), s, 0, keep); err == nil {
			t.Error("Follow of a folder = nil, want an error")
		}
	})
}

func TestFollow_wholeLines(t *testing.T) {
	t.Parallel()
	s := newSource(t)
	line := strings.Repeat("y", 99) + "\n"
	content := strings.Repeat(line, 20000) + "a partial last line"
	s.write(t, content)
	s.set(logfile.State{Final: true, Size: int64(len(content))})
	var pieces []string
	if err := logfile.Follow(t.Context(), s, 0, func(p []byte) error { pieces = append(pieces, string(p)); return nil }); err != nil {
		t.Fatal(err)
	}
	for i, p := range pieces[:len(pieces)-1] {
		if !strings.HasSuffix(p, "\n") {
			t.Errorf("piece %d of %d ends with %q, want a whole line", i, len(pieces), p[len(p)-5:])
		}
	}
	if strings.Join(pieces, "") != content {
		t.Error("the pieces are not the log")
	}
}

// A job that ends exactly between "no data" and "is it over?" must not lose
// its last line.
func TestFollow_endRace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Run("at each place of the loop", func(t *testing.T) {
		t.Parallel()
		for at := range 4 {
			s := newSource(t)
			s.write(t, "first\n")
			calls := 0
			s.state = func(context.Context) (logfile.State, error) {
				st := s.st
				if calls == at { // after this answer was made, before it is used
					s.write(t, "last\n")
					s.st = logfile.State{Final: true, Size: 11}
				}
				calls++
				s.signal()
				return st, nil
			}
			var got bytes.Buffer
			if err := logfile.Follow(t.Context(), s, 0, func(p []byte) error { got.Write(p); return nil }); err != nil || got.String() != "first\nlast\n" {
				t.Errorf("end after answer %d: Follow emitted %q, %v", at, got.String(), err)
			}
		}
	})
	t.Run("10,000 times", func(t *testing.T) {
		t.Parallel()
		s := &source{path: filepath.Join(dir, "log"), wake: make(chan struct{}, 1)}
		f, err := os.Create(s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for i := range 10000 {
			if err := f.Truncate(0); err != nil {
				t.Fatal(err)
			}
			s.set(logfile.State{})
			reading := make(chan struct{})
			done := make(chan error, 1)
			var got bytes.Buffer
			var once sync.Once
			s.state = func(context.Context) (logfile.State, error) {
				once.Do(func() { close(reading) })
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.st, nil
			}
			go func() {
				done <- logfile.Follow(t.Context(), s, 0, func(p []byte) error { got.Write(p); return nil })
			}()
			<-reading
			for range i % 7 { // move the end through the reader's loop
				s.signal()
			}
			if _, err := f.WriteAt([]byte("the end\n"), 0); err != nil {
				t.Error(err)
			}
			s.set(logfile.State{Final: true, Size: 8})
			if err := <-done; err != nil || got.String() != "the end\n" {
				t.Fatalf("round %d: Follow emitted %q, %v", i, got.String(), err)
			}
		}
	})
}

func TestFollow_grows(t *testing.T) {
	t.Parallel()
	s := newSource(t) // no file at first
	emitted := make(chan string)
	done := make(chan error, 1)
	go func() {
		done <- logfile.Follow(t.Context(), s, 0, func(p []byte) error { emitted <- string(p); return nil })
	}()
	for _, text := range []string{"one\n", "half", " a line\n"} {
		s.write(t, text)
		if got := <-emitted; got != text {
			t.Fatalf("Follow emitted %q, want %q", got, text)
		}
	}
	s.set(logfile.State{Final: true, Size: 16})
	if err := <-done; err != nil {
		t.Errorf("Follow = %v, want nil", err)
	}
}

func TestFollow_lostWake(t *testing.T) {
	t.Parallel()
	s := newSource(t)
	s.wake = nil // never signalled
	s.write(t, "a")
	err := logfile.Follow(t.Context(), s, 0, func([]byte) error {
		s.set(logfile.State{Final: true, Size: 1})
		return nil
	})
	if err != nil {
		t.Errorf("Follow = %v, want nil after the safety poll", err)
	}
}

func BenchmarkFollow(b *testing.B) {
	s := newSource(b)
	content := strings.Repeat("a line of a log, about as long as they are\n", 1<<18)
	s.write(b, content)
	s.set(logfile.State{Final: true, Size: int64(len(content))})
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if err := logfile.Follow(b.Context(), s, 0, func([]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
