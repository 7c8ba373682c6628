//go:build linux

package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"dray/backend/disk"
	"dray/backend/rayapi"
)

func ballast(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "ballast"))
	if err != nil {
		return 0
	}
	return info.Size()
}

func TestGuard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, err := disk.Open(dir, disk.Options{Ballast: 3<<20 + 5, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Refill(); err != nil || ballast(t, dir) != 3<<20+5 {
		t.Errorf("Refill: %v, %d bytes", err, ballast(t, dir))
	}
	if g, err = disk.Open(dir, disk.Options{Ballast: 3<<20 + 5, Reserve: 1}); err != nil { // as after a restart
		t.Fatal(err)
	}
	if err := g.Check(); err != nil {
		t.Errorf("Check with space: %v", err)
	}
	if err := g.Release(); err != nil || ballast(t, dir) != 0 {
		t.Errorf("Release: %v, %d bytes are left", err, ballast(t, dir))
	}
	if err := g.Refill(); err != nil || ballast(t, dir) != 3<<20+5 {
		t.Errorf("Refill: %v, %d bytes", err, ballast(t, dir))
	}
}

func TestGuard_reserve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, err := disk.Open(dir, disk.Options{Reserve: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); !errors.Is(err, rayapi.ErrNoSpace) {
		t.Errorf("Check below the reserve = %v, want ErrNoSpace", err)
	}
	if err := g.Refill(); err != nil {
		t.Error(err)
	}
	if n := ballast(t, dir); n != 0 {
		t.Errorf("a ballast of %d bytes was taken out of the reserve", n)
	}
}

// On a disk that is really full the ballast is what makes a write possible.
func TestGuard_full(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("NOT TESTED: the ballast on a full disk: mounting a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	g, err := disk.Open(dir, disk.Options{Ballast: 1 << 20, Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Refill(); err != nil || ballast(t, dir) != 1<<20 {
		t.Fatalf("Refill: %v, %d bytes", err, ballast(t, dir))
	}
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if err := g.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 1<<20-4096)); err != nil {
		t.Errorf("after Release: %v", err)
	}
	if err := g.Refill(); err != nil || ballast(t, dir) != 0 {
		t.Errorf("Refill on a full disk: %v, %d bytes", err, ballast(t, dir))
	}
}
