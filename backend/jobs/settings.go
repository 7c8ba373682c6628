//go:build linux

package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// FromEnviron takes into the Config what the environment of the backend says
// about this machine and its bounds:
//
//	DRAY_RESOURCES     JSON: {"CPU":8,"GPU":2,"memory":17179869184,"license":3}
//	DRAY_MAX_RUNNING   jobs that run at once; 0: no bound
//	DRAY_MAX_STARTING  jobs that are started at once
//	DRAY_KEEP_JOBS, DRAY_KEEP_DAYS, DRAY_KEEP_BYTES
//	                   what Prune keeps by itself; 0: no bound
//
// GPUs are looked for when their number is not given. An error names the
// variable.
func (cfg *Config) FromEnviron(ctx context.Context, environ []string) error {
	if v := lookup(environ, "DRAY_RESOURCES"); v != "" {
		if err := cfg.setResources(v); err != nil {
			return fmt.Errorf(`DRAY_RESOURCES must be JSON such as {"CPU":8,"license":3}: %w`, err)
		}
	}
	if ids := DetectGPUs(ctx, environ); cfg.GPUs < 0 {
		cfg.GPUs = 0
	} else if cfg.GPUs == 0 || len(ids) >= cfg.GPUs {
		cfg.GPUIDs = ids
		if cfg.GPUs > 0 {
			cfg.GPUIDs = ids[:cfg.GPUs]
		}
	}
	cfg.Retention = DefaultRetention()
	days := int64(cfg.Retention.MaxAge / (24 * time.Hour))
	count, running, starting := int64(cfg.Retention.MaxCount), int64(cfg.MaxRunning), int64(cfg.MaxStarting)
	for _, v := range []struct {
		name string
		max  int64
		into *int64
	}{
		{"DRAY_MAX_RUNNING", math.MaxInt32, &running},
		{"DRAY_MAX_STARTING", 1000, &starting},
		{"DRAY_KEEP_JOBS", math.MaxInt32, &count},
		{"DRAY_KEEP_DAYS", 36500, &days},
		{"DRAY_KEEP_BYTES", math.MaxInt64, &cfg.Retention.MaxBytes},
	} {
		text := lookup(environ, v.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > v.max {
			return fmt.Errorf("%s is %q: it must be a whole number from 0 to %d", v.name, text, v.max)
		}
		if *v.into = n; v.name == "DRAY_MAX_RUNNING" && n == 0 {
			*v.into = -1
		}
	}
	cfg.MaxRunning, cfg.MaxStarting, cfg.Retention.MaxCount = int(running), int(starting), int(count)
	cfg.Retention.MaxAge = time.Duration(days) * 24 * time.Hour
	if cfg.Retention == (PruneOptions{}) {
		cfg.Retention.MaxCount = math.MaxInt // no bound at all, not the default ones
	}
	return nil
}

func (cfg *Config) setResources(text string) error {
	var all map[string]float64
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return err
	}
	for name, v := range all {
		whole := v == math.Trunc(v) && v <= math.MaxInt32
		switch {
		case v < 0:
			return fmt.Errorf("%s is %g", name, v)
		case name == "CPU" && whole:
			cfg.CPUs = int(v)
		case name == "GPU" && whole:
			if cfg.GPUs = int(v); v == 0 {
				cfg.GPUs = -1
			}
		case name == "CPU", name == "GPU":
			return fmt.Errorf("%s is %g, and must be a whole number", name, v)
		case name == "memory":
			cfg.Memory = int64(min(v, math.MaxInt64/2))
		case strings.TrimSpace(name) == "":
			return fmt.Errorf("a resource has no name")
		default:
			if cfg.Resources == nil {
				cfg.Resources = make(map[string]float64)
			}
			cfg.Resources[name] = v
		}
	}
	return nil
}
