//go:build linux

package runtimeenv_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"dray/backend/runtimeenv"
)

// buildOnly makes this program a backend that builds one environment and that
// a test can kill: root, work folder and environment are its values.
const (
	varRoot = "RUNTIMEENV_TEST_ROOT"
	varWork = "RUNTIMEENV_TEST_WORK"
	varEnv  = "RUNTIMEENV_TEST_ENV"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(varRoot); root != "" {
		b, err := runtimeenv.Open(nil, runtimeenv.Options{Root: root})
		if err == nil {
			_, err = b.Build(context.Background(), json.RawMessage(os.Getenv(varEnv)), os.Getenv(varWork), os.Stdout)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
