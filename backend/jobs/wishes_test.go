//go:build linux

package jobs

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

func TestWishesOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		meta map[string]string
		want wishes
		ok   bool
	}{
		{"none", nil, wishes{delay: defaultDelay}, true},
		{
			"all",
			map[string]string{MetaDeadline: "0.5", MetaRetries: "3", MetaDelay: "0", MetaPin: "true"},
			wishes{deadline: time.Second / 2, retries: 3, pin: true},
			true,
		},
		{"other keys", map[string]string{"deadline": "x"}, wishes{delay: defaultDelay}, true},
		{"deadline of nothing", map[string]string{MetaDeadline: "0"}, wishes{delay: defaultDelay}, false},
		{"deadline NaN", map[string]string{MetaDeadline: "NaN"}, wishes{delay: defaultDelay}, false},
		{"deadline without end", map[string]string{MetaDeadline: "1e300"}, wishes{delay: defaultDelay}, false},
		{"half a retry", map[string]string{MetaRetries: "0.5"}, wishes{delay: defaultDelay}, false},
		{"too many retries", map[string]string{MetaRetries: "101"}, wishes{delay: defaultDelay}, false},
		{"delay below zero", map[string]string{MetaDelay: "-1", MetaRetries: "2"}, wishes{retries: 2, delay: defaultDelay}, false},
		{"pin of another kind", map[string]string{MetaPin: "yes"}, wishes{delay: defaultDelay}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, err := wishesOf(tt.meta)
			if diff := cmp.Diff(tt.want, w, cmp.AllowUnexported(wishes{})); diff != "" {
				t.Error(diff)
			}
			if tt.ok != (err == nil) || err != nil && !errors.Is(err, rayapi.ErrInvalid) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	w := wishes{delay: 4 * time.Second}
	for attempt, want := range map[int]time.Duration{2: 4 * time.Second, 3: 8 * time.Second, 5: 32 * time.Second, 100: maxBackoff} {
		if got := w.backoff(attempt); got != want {
			t.Errorf("attempt %d waits %s, want %s", attempt, got, want)
		}
	}
	if got := (wishes{delay: 5 * time.Hour}).backoff(9); got != 5*time.Hour {
		t.Errorf("a long delay became %s", got)
	}
}

// After a restart the times in the slot tell a deadline from a stop.
func TestOverdue(t *testing.T) {
	t.Parallel()
	exit := func(at int64) *jobdir.Exit { return &jobdir.Exit{Code: -15, At: at} }
	tests := []struct {
		name string
		slot jobdir.Slot
		asks asks
		want bool
	}{
		{"passed and stopped", jobdir.Slot{StartedAt: 1000, StopSeen: true, Exit: exit(6000)}, asks{}, true},
		{"seen to pass, clock set back", jobdir.Slot{StartedAt: 1000, StopSeen: true, Exit: exit(20)}, asks{passed: true}, true},
		{"ended by itself", jobdir.Slot{StartedAt: 1000, Exit: exit(6000)}, asks{}, false},
		{"stopped by somebody before", jobdir.Slot{StartedAt: 1000, StopSeen: true, Exit: exit(6500)}, asks{stop: 5900}, false},
		{"stopped by somebody after", jobdir.Slot{StartedAt: 1000, StopSeen: true, Exit: exit(6500)}, asks{stop: 6100}, true},
		{"its supervisor was told before the time", jobdir.Slot{StartedAt: 1000, StopSeen: true, Exit: exit(3000)}, asks{}, false},
		{"exit unknown", jobdir.Slot{StartedAt: 1000, StopSeen: true}, asks{}, true},
		{"never started", jobdir.Slot{StopSeen: true}, asks{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.asks.overdue(tt.slot) {
				t.Error("overdue without a deadline")
			}
			tt.asks.deadline = 5 * time.Second
			if got := tt.asks.overdue(tt.slot); got != tt.want {
				t.Errorf("overdue = %t", got)
			}
		})
	}
}

func TestVisibleGPUs(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		"": nil, "0": {"0"}, "3, 1": {"3", "1"}, "0,-1,2": {"0"}, "GPU-8a,MIG-1/2": {"GPU-8a", "MIG-1/2"}, "NoDevFiles": nil,
	} {
		if diff := cmp.Diff(want, DetectGPUs(t.Context(), []string{"A=1", "CUDA_VISIBLE_DEVICES=" + list})); diff != "" {
			t.Errorf("%q: %s", list, diff)
		}
	}
}

func TestWithGPUs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		environ, gpus []string
		want          []string
	}{
		{"none asked", []string{"CUDA_VISIBLE_DEVICES=7", "A=1"}, nil, []string{"CUDA_VISIBLE_DEVICES=7", "A=1"}},
		{"assigned", []string{"CUDA_VISIBLE_DEVICES=7", "A=1"}, []string{"0", "2"}, []string{"A=1", "CUDA_VISIBLE_DEVICES=0,2"}},
		{"not to be told", []string{"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES=1"}, []string{"0"}, []string{"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES=1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, withGPUs(tt.environ, tt.gpus)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFromEnviron(t *testing.T) {
	t.Parallel()
	cfg := Config{CPUs: 2}
	err := cfg.FromEnviron(t.Context(), []string{
		`DRAY_RESOURCES={"CPU":8,"GPU":1,"memory":1024,"license":2.5}`, "CUDA_VISIBLE_DEVICES=4,5",
		"DRAY_MAX_RUNNING=0", "DRAY_MAX_STARTING=3", "DRAY_KEEP_JOBS=10", "DRAY_KEEP_DAYS=0", "DRAY_KEEP_BYTES=99",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		CPUs: 8, GPUs: 1, GPUIDs: []string{"4"}, Memory: 1024, Resources: map[string]float64{"license": 2.5},
		MaxRunning: -1, MaxStarting: 3, Retention: PruneOptions{MaxCount: 10, MaxBytes: 99},
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"DRAY_RESOURCES=8", `DRAY_RESOURCES={"CPU":1.5}`, `DRAY_RESOURCES={"x":-1}`, "DRAY_MAX_RUNNING=many", "DRAY_KEEP_DAYS=-1"} {
		if err := new(Config).FromEnviron(t.Context(), []string{bad}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
