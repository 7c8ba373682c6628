package packages_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"dray/backend/packages"
)

// millionEntries is a zip whose directory lists the same empty file a million
// times, while the number of entries that it states is the given one.
func millionEntries(stated uint16) []byte {
	le := binary.LittleEndian
	local := append([]byte("PK\x03\x04\x14\x00"), make([]byte, 24)...)
	le.PutUint16(local[26:], 1)
	local = append(local, 'x')
	central := append([]byte("PK\x01\x02\x14\x03\x14\x00"), make([]byte, 38)...)
	le.PutUint16(central[28:], 1)
	central = append(central, 'x')
	directory := bytes.Repeat(central, 1000000)
	end := append([]byte("PK\x05\x06"), make([]byte, 18)...)
	le.PutUint16(end[8:], stated)
	le.PutUint16(end[10:], stated)
	le.PutUint32(end[12:], uint32(len(directory)))
	le.PutUint32(end[16:], uint32(len(local)))
	return bytes.Join([][]byte{local, directory, end}, nil)
}

// A directory is read whole and in memory before the library says a word about
// it. The test runs alone, because the count is the process's.
func TestUnpackLargeDirectory(t *testing.T) { //nolint:paralleltest,tparallel // see above
	path := filepath.Join(t.TempDir(), "archive")
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"a million entries", millionEntries(1000000 & 0xffff), "more than 50000 entries"},
		{"a million entries that call themselves one", millionEntries(1), "more than 50000 entries"},
		{"long names", longNames(t), "list of names"},
	} {
		if err := os.WriteFile(path, tc.data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = packages.Unpack(t.Context(), f, int64(len(tc.data)), packages.Zip, path+".d", packages.DefaultLimits())
		runtime.ReadMemStats(&after)
		f.Close()
		if !errors.Is(err, packages.ErrUnsafe) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 64 {
			t.Errorf("%s: %d MiB were allocated", tc.name, mib)
		}
	}
}

func longNames(t *testing.T) []byte {
	t.Helper()
	items := make([]item, 500)
	for i := range items {
		items[i].name = strings.Repeat("n", 60000)
	}
	return zipOf(t, items...)
}
