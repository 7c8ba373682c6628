//go:build linux

package backend

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// spareThreads is how many threads are made in advance. The runtime ends the
// process when it needs one and the user may have no more processes; what it has
// made it keeps.
const spareThreads = 24

// makeThreads has n threads made: as many reads of a pipe wait at once.
func makeThreads(n int) {
	r, w, err := os.Pipe()
	if err != nil {
		return // then it is done without
	}
	fd := int(r.Fd()) // from now on its reads block a thread
	var waiting, done sync.WaitGroup
	waiting.Add(n)
	for range n {
		done.Go(func() {
			waiting.Done()
			_, _ = unix.Read(fd, make([]byte, 1))
		})
	}
	waiting.Wait()
	_ = w.Close()
	done.Wait()
	_ = r.Close()
}
