package logstore

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Leaving the log view while it is searched ends the search, whatever was being
// read: the part in memory, or that on disk.
func TestCloseWhileSearching(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("a line that does not match\n", 2000))
	for _, pieces := range []int{1, 40} {
		for range 50 {
			s := NewSpill()
			for range pieces {
				if err := s.Append(text); err != nil {
					t.Fatal(err)
				}
			}
			f := NewFinder(s, Literal("needle"), 0)
			began, ended := make(chan struct{}), make(chan error)
			go func() { // ends when the store is closed
				for first := true; ; first = false {
					_, found, err := f.NextHit(t.Context(), 0)
					if first {
						close(began)
					}
					if found || err != nil {
						ended <- err
						return
					}
				}
			}()
			<-began
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, ErrClosed) {
				t.Fatalf("%d pieces: the search ended with %v, want %v", pieces, err, ErrClosed)
			}
			if _, err := s.ReadAt(make([]byte, 10), 0); !errors.Is(err, ErrClosed) {
				t.Fatalf("%d pieces: ReadAt after Close: %v", pieces, err)
			}
		}
	}
}

// What a page asks for before the log is open does not delay its first screen.
func TestPokeDoesNotHoldTheFirstNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(t.Context(), Options{})
		defer s.Stop()
		s.Poke() // a page is given its size before it runs
		s.Next()
		began := time.Now()
		s.tell(func(n *News) { n.Link = Live })
		if n, ok := s.Next(); !ok || n.Link != Live || time.Since(began) > 0 {
			t.Errorf("the first news came after %v: %+v, %v", time.Since(began), n, ok)
		}
		s.Poke()
		if s.Next(); time.Since(began) != Frame {
			t.Errorf("the second came after %v, want %v", time.Since(began), Frame)
		}
	})
}
