package loglevel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/tui/loglevel"
)

func TestCard_Telling(t *testing.T) {
	t.Parallel()
	frame := func(file, line string) string {
		return "  File \"" + file + "\", line " + line + ", in f\n    code " + line
	}
	const lib = "/usr/lib/python3.11/json/decoder.py"
	traceback := func(frames ...string) string {
		return "Traceback (most recent call last):\n" + strings.Join(frames, "\n") + "\nValueError: x"
	}
	for name, c := range map[string]struct{ log, want string }{
		"own code is last": {
			traceback(frame("/app/a.py", "1"), frame("/app/b.py", "2"), frame("/app/c.py", "3")),
			frame("/app/b.py", "2") + "\n" + frame("/app/c.py", "3"),
		},
		"a library is last": {
			traceback(frame("/app/a.py", "1"), frame(lib, "2"), frame(lib, "3"), frame(lib, "4")),
			frame("/app/a.py", "1") + "\n  …\n" + frame(lib, "4"),
		},
		"all fits": {
			traceback(frame("/app/a.py", "1"), frame(lib, "2")),
			frame("/app/a.py", "1") + "\n" + frame(lib, "2"),
		},
		"the command is the code": {
			traceback(frame("<string>", "1"), frame(lib, "2"), frame(lib, "3"), frame(lib, "4")),
			frame("<string>", "1") + "\n  …\n" + frame(lib, "4"),
		},
		"libraries alone": {
			traceback(frame(lib, "1"), frame(lib, "2"), frame(lib, "3")),
			frame(lib, "2") + "\n" + frame(lib, "3"),
		},
		"a frame longer than the room": {
			traceback(frame("/app/a.py", "1")+strings.Repeat("\n    more", 9), frame(lib, "2")),
			frame("/app/a.py", "1") + strings.Repeat("\n    more", 3),
		},
		"no traceback": {"ERROR it broke\nthe first\nthe second", "the first\nthe second"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			card, ok := loglevel.Best([]byte(c.log))
			if !ok {
				t.Fatal("no card")
			}
			if diff := cmp.Diff(c.want, strings.Join(card.Telling(5, "…"), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
