//go:build linux

package conformance_test

import (
	"os"
	"slices"
	"testing"
)

// TestGuest runs what moves many bytes, or lasts, against a dray serve that
// passes all on to another process, which is the backend.
func TestGuest(t *testing.T) {
	t.Parallel()
	bin := drayBin(t)
	holder := startDray(t, bin, "dray serve", "")
	guest := startDrayWith(t, bin, "dray serve, guest", "", []string{"--state-dir", holder.dir})
	guest.dir = holder.dir
	var rep report
	t.Cleanup(func() { rep.print(os.Stdout, []string{guest.name}) })
	t.Run("checks", func(t *testing.T) {
		t.Parallel()
		runAll(t, guest, slices.Concat(submitChecks(), packageChecks(), logChecks(), tailChecks()), &rep)
	})
}
