//go:build linux

package store_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"dray/backend/store"
)

func BenchmarkInsert(b *testing.B) {
	s := newStore(b)
	var seq atomic.Int64
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			insert(b, s, row(seq.Add(1), store.Accepted))
		}
	})
	b.Run("16 at once", func(b *testing.B) {
		b.SetParallelism(8) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				insert(b, s, row(seq.Add(1), store.Accepted))
			}
		})
	})
}

func BenchmarkRows10k(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	fill(b, path, 10000)
	s := openAt(b, path)
	for b.Loop() {
		if n := len(list(b, s)); n != 10000 {
			b.Fatal(n)
		}
	}
}

func BenchmarkOpen10k(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	fill(b, path, 10000)
	for b.Loop() {
		s, err := store.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Live(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
