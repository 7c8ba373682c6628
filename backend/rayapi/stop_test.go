package rayapi_test

import (
	"errors"
	"testing"
	"time"

	"dray/backend/rayapi"
)

func TestParseStopOptions(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"INT", "int", "SIGINT", "SigInt"} {
		if o, err := rayapi.ParseStopOptions(s, ""); err != nil || o.Signal != "SIGINT" || o.Grace != nil {
			t.Errorf("%q: %+v, %v", s, o, err)
		}
	}
	if o, err := rayapi.ParseStopOptions("", "1.5"); err != nil || o.Signal != "" || o.Grace == nil || *o.Grace != 1500*time.Millisecond {
		t.Errorf("grace: %+v, %v", o, err)
	}
	for _, bad := range [][2]string{{"NONE", ""}, {"9", ""}, {"STOP", ""}, {"SIG", ""}, {"", "-1"}, {"", "soon"}, {"", "NaN"}, {"", "86401"}} {
		if _, err := rayapi.ParseStopOptions(bad[0], bad[1]); !errors.Is(err, rayapi.ErrInvalid) {
			t.Errorf("%v: %v, want ErrInvalid", bad, err)
		}
	}
}
