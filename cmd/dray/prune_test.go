//go:build linux

package main

import (
	"testing"
	"time"
)

func TestParseAgeAndSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30d": 30 * 24 * time.Hour, "0.5d": 12 * time.Hour, "2w": 14 * 24 * time.Hour, "90m": 90 * time.Minute, "0s": 0,
		"": -1, "d": -1, "-1d": -1, "-1h": -1, "30": -1, "1e300d": -1, "NaNd": -1,
	} {
		got, err := parseAge(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("parseAge(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]int64{
		"500": 500, "500B": 500, "500MB": 500e6, "1.5 GiB": 3 << 29, "2k": 2048, "1T": 1 << 40, "0": 0,
		"": -1, "GB": -1, "-1": -1, "5 parsecs": -1, "1e30G": -1, "5GX": -1,
	} {
		got, err := parseSize(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("parseSize(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
