//go:build linux

package jobs

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/rayapi"
)

func TestCheckLabels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	tests := []struct{ key, value, want string }{
		{"zone", "eu", ""},
		{"zone", "", ""},
		{"zone", "!eu", ""},
		{"zone", "in(a, b,c)", ""},
		{"zone", "!in(a)", ""},
		{"zone", "(a)", ""}, // Ray's pattern takes it
		{"ray.io/node-id", "x", ""},
		{"a..b/c", "x", ""}, // so does it this
		{"-zone", "x", "Invalid label key name `-zone`"},
		{"", "x", "Invalid label key name ``"},
		{long, "x", "Invalid label key name"},
		{"ray.io/", "x", "Invalid label key name ``"},
		{"ray_/x", "x", "Invalid label key prefix `ray_`"},
		{strings.Repeat("a.", 127) + "/x", "x", "Invalid label key prefix"},
		{"a/b/c", "x", "Invalid label key prefix `a/b`"},
		{"zone", "-eu", "Invalid label selector value `-eu`"},
		{"zone", "in()", "Invalid label selector value"},
		{"zone", "in(a", "Invalid label selector value"},
		{"zone", "!!a", "Invalid label selector value"},
		{"zone", "a b", "Invalid label selector value"},
		{"zone", "a\n", "Invalid label selector value"},
		{"zone", long, "Invalid label selector value"},
	}
	for _, tt := range tests {
		t.Run(tt.key+"="+tt.value, func(t *testing.T) {
			t.Parallel()
			err := checkLabels(map[string]string{tt.key: tt.value})
			var label *rayapi.LabelError
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("checkLabels = %v", err)
			case tt.want != "" && (!errors.As(err, &label) || !strings.HasPrefix(label.Reason, tt.want)):
				t.Errorf("checkLabels = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestUnsatisfied(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"zone": "eu", "gpu": "H100"}
	tests := []struct {
		selector map[string]string
		want     string
	}{
		{nil, ""},
		{map[string]string{"zone": "eu"}, ""},
		{map[string]string{"zone": "us"}, "zone=us"},
		{map[string]string{"zone": "!us"}, ""},
		{map[string]string{"zone": "!eu"}, "zone=!eu"},
		{map[string]string{"zone": "in(us, eu)"}, ""},
		{map[string]string{"zone": "!in(us, eu)"}, "zone=!in(us, eu)"},
		{map[string]string{"other": "x"}, "other=x"},
		{map[string]string{"other": "!x"}, ""},
		{map[string]string{"other": ""}, "other="},
		{map[string]string{"zone": "eu", "gpu": "A100"}, "gpu=A100"},
	}
	for _, tt := range tests {
		if got := unsatisfied(tt.selector, labels); got != tt.want {
			t.Errorf("unsatisfied(%v) = %q, want %q", tt.selector, got, tt.want)
		}
	}
}

func TestHideEnv(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw, hidden string
		values            map[string]string
	}{
		{"none", ``, ``, nil},
		{"no variables", `{"b": [1,2], "a": {"x": 1.50}}`, `{"b":[1,2],"a":{"x":1.50}}`, nil},
		{"null variables", `{"env_vars": null}`, `{"env_vars":null}`, nil},
		{
			"order stays", `{"z": 1, "env_vars": {"Z": "s1", "A": "s2"}, "a": "<&>"}`,
			`{"z":1,"env_vars":{"Z":"","A":""},"a":"<&>"}`,
			map[string]string{"Z": "s1", "A": "s2"},
		},
		{"no text", `{"env_vars": {"A": 1, "B": null}}`, `{"env_vars":{"A":1,"B":null}}`, nil},
		{"elsewhere it is no secret", `{"config": {"env_vars": {"A": "x"}}}`, `{"config":{"env_vars":{"A":"x"}}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			hidden, values, err := hideEnv(json.RawMessage(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.values, values); diff != "" {
				t.Error(diff)
			}
			if got := compact(t, hidden); got != tt.hidden {
				t.Errorf("hidden: %s, want %s", got, tt.hidden)
			}
			if got, want := compact(t, fillEnv(hidden, values)), compact(t, json.RawMessage(tt.raw)); got != want {
				t.Errorf("filled: %s, want %s", got, want)
			}
		})
	}
}

func compact(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	if len(raw) == 0 {
		return ""
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return strings.NewReplacer(", ", ",", ": ", ":").Replace(string(raw))
}

// Whatever the values are, none is in what is stored, and all come back.
func TestHideEnv_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		vars := rapid.MapOf(rapid.String(), rapid.Map(rapid.String(), func(s string) string { return "secret" + s })).Draw(t, "env_vars")
		raw, err := json.Marshal(map[string]any{"env_vars": vars, "other": []int{1}})
		if err != nil {
			t.Fatal(err)
		}
		hidden, values, err := hideEnv(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vars {
			if strings.Contains(string(hidden), `:"secret`) {
				t.Fatalf("%q is in %s", v, hidden)
			}
		}
		var got, want any
		if err := errors.Join(json.Unmarshal(fillEnv(hidden, values), &got), json.Unmarshal(raw, &want)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestNeedOf(t *testing.T) {
	t.Parallel()
	got := needOf(rayapi.SubmitRequest{
		NumCPUs: 0.3, NumGPUs: 0, Memory: math.MaxInt64,
		Resources: map[string]float64{"tiny": 1e-9, "none": 0, "CPU": 1},
	})
	want := amounts{"CPU": 13000, "memory": math.MaxInt64, "tiny": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStopRule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		env   map[string]string
		base  []string
		sig   syscall.Signal
		grace time.Duration
	}{
		{"default", nil, nil, syscall.SIGTERM, 3 * time.Second},
		{"backend's", nil, []string{"RAY_JOB_STOP_SIGNAL=SIGINT", "RAY_JOB_STOP_WAIT_TIME_S=9"}, syscall.SIGINT, 9 * time.Second},
		{
			"job's",
			map[string]string{"RAY_JOB_STOP_SIGNAL": "SIGTERM", "RAY_JOB_STOP_WAIT_TIME_S": "0"},
			[]string{"RAY_JOB_STOP_SIGNAL=SIGINT", "RAY_JOB_STOP_WAIT_TIME_S=9"},
			syscall.SIGTERM, 0,
		},
		{"nonsense", map[string]string{"RAY_JOB_STOP_SIGNAL": "SIGKILL", "RAY_JOB_STOP_WAIT_TIME_S": "soon"}, nil, syscall.SIGTERM, 3 * time.Second},
	}
	for _, tt := range tests {
		if sig, grace := stopRule(tt.env, tt.base); sig != tt.sig || grace != tt.grace {
			t.Errorf("%s: %v %v, want %v %v", tt.name, sig, grace, tt.sig, tt.grace)
		}
	}
}
