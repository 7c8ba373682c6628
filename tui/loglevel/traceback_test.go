package loglevel_test

import (
	"strings"
	"testing"

	"dray/tui/loglevel"
)

const plainTrace = `Traceback (most recent call last):
  File "/home/u/train.py", line 12, in <module>
    main()
    ~~~~^^
  File "/home/u/train.py", line 8, in main
    raise ValueError("no data: empty")
ValueError: no data: empty
`

const taskTrace = `Traceback (most recent call last):
  File "/home/u/driver.py", line 5, in <module>
    ray.get(f.remote())
  File "/venv/lib/python3.12/site-packages/ray/_private/worker.py", line 2822, in get
    values, debugger_breakpoint = worker.get_objects(object_refs, timeout=timeout)
ray.exceptions.RayTaskError(ZeroDivisionError): ray::f() (pid=12, ip=10.0.0.1)
  File "/home/u/driver.py", line 3, in f
    return 1 / 0
           ~~^~~
ZeroDivisionError: division by zero
`

const chainTrace = `Traceback (most recent call last):
  File "/venv/lib/python3.12/site-packages/urllib3/conn.py", line 1, in connect
    sock.connect()
ConnectionRefusedError: [Errno 111] refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/home/u/data.py", line 9, in fetch
    get(url)
DataError: cannot fetch shard 7

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/home/u/train.py", line 12, in <module>
    main()
RuntimeError: training failed
`

const syntaxTrace = `  File "/home/u/train.py", line 3
    foo(
       ^
SyntaxError: '(' was never closed
`

const interruptTrace = `Traceback (most recent call last):
  File "/home/u/train.py", line 1, in <module>
    wait()
KeyboardInterrupt
`

const ignoredTrace = `Exception ignored in: <function A.__del__ at 0x7>
Traceback (most recent call last):
  File "/home/u/a.py", line 1, in __del__
    self.x
AttributeError: x
`

func prefixed(prefix, text string) string {
	return prefix + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+prefix) + "\n"
}

// woven is the lines of two texts in turn.
func woven(a, b string) string {
	x, y := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	var out strings.Builder
	for i := range max(len(x), len(y)) {
		if i < len(x) {
			out.WriteString(x[i])
		}
		if i < len(y) {
			out.WriteString(y[i])
		}
	}
	return out.String()
}

func TestBest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, log          string
		exception, message string
		first              string // of the lines
		lines              int
	}{
		{"plain", "step 1\n" + plainTrace + "bye\n", "ValueError", "no data: empty", "Traceback (most recent call last):", 7},
		{"cut off at the end", "x\n" + plainTrace[:len(plainTrace)-1], "ValueError", "no data: empty", "Traceback (most recent call last):", 7},
		{"task of Ray", "x\n" + taskTrace, "ZeroDivisionError", "division by zero", "Traceback (most recent call last):", 10},
		{"chain: the first with the user's code", chainTrace, "DataError", "cannot fetch shard 7", "Traceback (most recent call last):", 4},
		{"the last of two", plainTrace + "retry\n" + strings.ReplaceAll(plainTrace, "ValueError", "KeyError"), "KeyError", "no data: empty", "Traceback (most recent call last):", 7},
		{"not the interrupt", plainTrace + interruptTrace, "ValueError", "no data: empty", "Traceback (most recent call last):", 7},
		{"the interrupt if there is no other", interruptTrace, "KeyboardInterrupt", "", "Traceback (most recent call last):", 4},
		{"not what Python ignored", plainTrace + ignoredTrace, "ValueError", "no data: empty", "Traceback (most recent call last):", 7},
		{"syntax error", "start\n" + syntaxTrace, "SyntaxError", "'(' was never closed", `  File "/home/u/train.py", line 3`, 4},
		{"of a worker", prefixed("(train pid=7) ", plainTrace), "ValueError", "no data: empty", "Traceback (most recent call last):", 7},
		{"of a worker in colour", prefixed("\x1b[36m(train pid=7)\x1b[0m ", plainTrace), "ValueError", "no data: empty", "Traceback (most recent call last):", 7},
		{"two workers at once", woven(prefixed("(a pid=7) ", plainTrace), prefixed("(b pid=8) ", "epoch 1\nepoch 2\nepoch 3\nepoch 4")), "ValueError", "no data: empty", "Traceback (most recent call last):", 7},
		{"error without traceback", "a\nERROR no space left\nb\nc\nd\ne\n", "", "", "ERROR no space left", 4},
		{"exception without traceback", "a\nOSError: [Errno 28] full\n", "OSError", "[Errno 28] full", "OSError: [Errno 28] full", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, ok := loglevel.Best([]byte(tt.log))
			if !ok || c.Exception != tt.exception || c.Message != tt.message {
				t.Fatalf("Best = %q: %q (%v), want %q: %q\n%s", c.Exception, c.Message, ok, tt.exception, tt.message, strings.Join(c.Lines, "\n"))
			}
			if len(c.Lines) != tt.lines || c.Lines[0] != tt.first {
				t.Errorf("%d lines, want %d from %q:\n%s", len(c.Lines), tt.lines, tt.first, strings.Join(c.Lines, "\n"))
			}
			at := tt.log[c.Offset:]
			if line, _, _ := strings.Cut(at, "\n"); !strings.Contains(line, tt.first) {
				t.Errorf("at offset %d stands %q", c.Offset, line)
			}
		})
	}
	if c, ok := loglevel.Best([]byte("all is well\n")); ok {
		t.Errorf("a log without errors gives %+v", c)
	}
}
