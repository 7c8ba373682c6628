package loglevel_test

import (
	"testing"

	"dray/tui/loglevel"
)

func TestOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want loglevel.Level
	}{
		{"", loglevel.None},
		{"epoch 3 loss 0.12", loglevel.None},
		{"2026-11-24 09:30:00,123 - trainer - ERROR - no data", loglevel.Error},
		{"2026-11-24 09:30:00,123\tWARNING worker.py:1991 -- slow", loglevel.Warn},
		{"2026-11-24 09:30:00,123\tINFO worker.py:1991 -- ERROR is a word here", loglevel.None},
		{"INFO:root:started", loglevel.None},
		{"ERROR:root:broken", loglevel.Error},
		{"error: unknown option", loglevel.Error},
		{"warning: deprecated", loglevel.Warn},
		{"[error] nginx", loglevel.Error},
		{"an error rate of 0.2 is fine", loglevel.None},
		{"level=error msg=x", loglevel.Error},
		{"CRITICAL out of memory", loglevel.Error},
		{"(train pid=77, ip=10.0.0.1) ValueError: bad", loglevel.Error},
		{"(train pid=77) Traceback (most recent call last):", loglevel.Trace},
		{"Traceback (most recent call last):", loglevel.Trace},
		{"  File \"a.py\", line 3, in f", loglevel.None},
		{"torch.cuda.OutOfMemoryError: CUDA out of memory.", loglevel.Error},
		{"ray.exceptions.RayTaskError(ValueError): ray::f() (pid=1)", loglevel.Error},
		{"KeyboardInterrupt", loglevel.Error},
		{"Errors: 0", loglevel.None},
		{"myError rate: 3", loglevel.None},
		{"E1124 09:30:00.123456 12 file.cc:1] gone", loglevel.Error},
		{"I1124 09:30:00.123456 12 file.cc:1] an ERROR is quoted", loglevel.None},
		{"W1124 09:30:00.123456 12 file.cc:1] hm", loglevel.Warn},
		{"[2026-11-24 09:30:00,123 E 12 34] core.cc:1: gone", loglevel.Error},
		{"[2026-11-24 09:30:00,123 I 12 34] core.cc:1: fine", loglevel.None},
		{`{"level":"error","msg":"x"}`, loglevel.Error},
		{`{"time":1,"levelname": "WARNING"}`, loglevel.Warn},
		{`{"severity":"INFO","msg":"ERROR"}`, loglevel.None},
		{"\x1b[31mERROR\x1b[0m red", loglevel.Error},
		{"\x1b[1m\x1b[36m(f pid=9)\x1b[0m RuntimeError: x", loglevel.Error},
		{"Fatal Python error: Segmentation fault", loglevel.Error},
		{"\x00\xff\x1b[", loglevel.None},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			if got := loglevel.Of([]byte(tt.line)); got != tt.want {
				t.Errorf("Of(%q) = %v, want %v", tt.line, got, tt.want)
			}
		})
	}
}

func TestOfAllocatesNothing(t *testing.T) {
	line := []byte("\x1b[1m(f pid=9)\x1b[0m 2026-11-24 09:30:00,123 - trainer - DEBUG - no data")
	if n := testing.AllocsPerRun(100, func() { loglevel.Of(line) }); n > 0 {
		t.Errorf("%v allocations for a line", n)
	}
}

func FuzzOf(f *testing.F) {
	for _, s := range []string{"ERROR x", "\x1b[31mE1124 09:30", "(a pid=1) Traceback (most recent call last):", `{"level":`, "[2026-11-24 09:30:00,123 E"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if l := loglevel.Of(line); l < loglevel.None || l > loglevel.Trace {
			t.Errorf("Of(%q) = %v", line, l)
		}
		if c, ok := loglevel.Best(line); ok && (len(c.Lines) == 0 || c.Offset < 0 || c.Offset >= int64(len(line))) {
			t.Errorf("Best(%q) = %+v", line, c)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	lines := map[string]string{
		"train":  "2026-11-24 14:02:20,123 INFO  train        epoch 0 step 434 loss 5.131  lr 1.0e-3  img/s 10,412",
		"words":  "some text without any level at all that goes on for quite a while, as the output of programs does",
		"colour": "\x1b[36m(train pid=9)\x1b[0m epoch 0 step 434 loss 5.131  lr 1.0e-3",
	}
	for name, line := range lines {
		b.Run(name, func(b *testing.B) {
			l := []byte(line)
			b.SetBytes(int64(len(l)))
			for b.Loop() {
				loglevel.Of(l)
			}
		})
	}
}

func TestInside(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"":                              true,
		"\r":                            true,
		"  File \"x.py\", line 1, in f": true,
		"\tat x":                        true,
		"\x1b[31m    f()\x1b[0m":        true,
		"(train pid=1, ip=10.0.0.1)   File \"x.py\"":  true,
		"(train pid=1, ip=10.0.0.1) ValueError: boom": false,
		"(train pid=1) ":   true,
		"(a note)  in it":  false,
		"ValueError: boom": false,
	} {
		if got := loglevel.Inside([]byte(line)); got != want {
			t.Errorf("Inside(%q) = %v", line, got)
		}
	}
}
