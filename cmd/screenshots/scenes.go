//go:build linux

package main

// scene is one picture: keys typed at a fresh dashboard, each after the text
// before it has come.
type scene struct {
	name       string
	cols, rows int
	steps      []step
}

// step waits for a text and then types keys.
type step struct{ await, keys string }

func scenes() []scene {
	const job = "sweep-lr-0.03"
	return []scene{
		{"jobs-80x24", 80, 24, []step{{job, ""}}},
		{"jobs-140x40", 140, 40, []step{{job, "jjjj"}}},
		{"log-80x24", 80, 24, []step{{job, "jjjjl"}, {"loss is nan", ""}}},
		{"log-140x40", 140, 40, []step{{job, "jjjjl"}, {"loss is nan", ""}}},
		{"job-80x24", 80, 24, []step{{job, "jjjjd"}, {"exit", ""}}},
		{"job-140x40", 140, 40, []step{{job, "jjjjd"}, {"exit", ""}}},
		{"submit-80x24", 80, 24, []step{{job, "n"}, {"Entrypoint", "python3 train.py 0.01"}}},
		{"submit-140x40", 140, 40, []step{{job, "n"}, {"Entrypoint", "python3 train.py 0.01\tvit-b16-ep90"}}},
		{"stop-80x24", 80, 24, []step{{job, "x"}, {"Stop", ""}}},
		{"help-80x24", 80, 24, []step{{job, "?"}, {"Help", ""}}},
		{"help-140x40", 140, 40, []step{{job, "?"}, {"Help", ""}}},
		{"env-80x24", 80, 24, []step{{job, "n"}, {"Entrypoint", "python3 train.py 0.01"}, {"3 words", "\x1b[6~"}, {"Installer", ""}}},
		{"palette-80x24", 80, 24, []step{{job, ":"}, {"tab completes", "so"}, {"sort", ""}}},
		{"theme-140x40", 140, 40, []step{{job, ":"}, {"tab completes", "theme catppuccin-mocha\r"}, {job, "jjjj"}, {"loss is nan", ""}}},
		{"clusters-80x24", 80, 24, []step{{job, "\x0b"}, {"no host", ""}}},
		{"side-by-side-140x40", 140, 40, []step{{job, "jjjj  l"}, {"saved checkpoint.pt", ""}}},
	}
}
