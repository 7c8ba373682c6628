//go:build linux

package main

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Each job that runs has a process of this program, so what a package makes
// when the program starts is made for each job: a regular expression with a
// counted repetition takes up to 200 KiB. Make it at first use
// (sync.OnceValue).
func TestStart_makesLittle(t *testing.T) {
	t.Parallel()
	const mostEach, most = 64 << 10, 192 << 10
	cmd := exec.CommandContext(t.Context(), binary, superviseVerb, t.TempDir()+"/none")
	cmd.Env = []string{"GODEBUG=inittrace=1"}
	out, _ := cmd.CombinedOutput() // fails: there is no such job
	seen, sum := 0, 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line) // init dray/theme @0.1 ms, 0.01 ms clock, 100 bytes, 2 allocs
		if len(words) < 9 || words[0] != "init" {
			continue
		}
		seen++
		n, err := strconv.Atoi(words[7])
		if err != nil || words[8] != "bytes," {
			t.Fatalf("not understood: %s", line)
		}
		if !strings.HasPrefix(words[1], "dray/") {
			continue
		}
		sum += n
		if n > mostEach {
			t.Errorf("%s makes %d bytes when the program starts, at most %d are good", words[1], n, mostEach)
		}
	}
	if seen == 0 {
		t.Fatalf("no trace in %s", out)
	}
	t.Logf("our packages make %d bytes", sum)
	if sum > most {
		t.Errorf("our packages make %d bytes when the program starts, at most %d are good", sum, most)
	}
}
