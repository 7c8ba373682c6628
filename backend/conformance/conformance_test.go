//go:build linux

package conformance_test

import (
	"os"
	"regexp"
	"testing"
)

const testToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" //nolint:gosec // for a test

// TestDrayServe runs the whole suite against dray serve, once without and,
// for what depends on it, once with a token.
func TestDrayServe(t *testing.T) {
	t.Parallel()
	bin := drayBin(t)
	var rep report
	t.Cleanup(func() { rep.print(os.Stdout, []string{"dray serve", "dray serve + token"}) })
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		runAll(t, startDray(t, bin, "dray serve", ""), allChecks(), &rep)
	})
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		s := startDray(t, bin, "dray serve + token", testToken)
		runAll(t, s, append(authChecks(), versionChecks()...), &rep)
	})
}

// TestCheckNames keeps the table readable: each check once, under its section.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	section := regexp.MustCompile(`^([1-9]+(\.[0-9]+)?|own)/[a-z]`)
	seen := map[string]bool{}
	for _, c := range append(allChecks(), authChecks()...) {
		key := c.name + " " + c.only
		if !section.MatchString(c.name) || seen[key] {
			t.Errorf("%q has no section, or is there twice", c.name)
		}
		seen[key] = true
	}
}
