//go:build linux

// Command bench measures dray beside the programs that do the same, in one run
// on one machine, and prints one table: operation, figures, ratio, target,
// verdict. It fails when a figure is more than twice over its target.
//
// Absolute times are those of this machine at this hour; the ratios are what
// counts. What a benchmark measures inside the program is written in the
// packages; this command runs those too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hinshun/vt10x"
)

// bench is one run: where things are, and what has been measured.
type bench struct {
	dray  string // the binary
	cache string // for generated data, kept
	tmp   string // for the rest
	ray   string // a Python with Ray, or ""
	runs  int
	bytes int64 // of the big log
	lines int   // of a flood
	rows  []row
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx)
	stop()
	os.Exit(code)
}

func run(ctx context.Context) int {
	var b bench
	quick := flag.Bool("quick", false, "small data and few runs, for a look")
	only := flag.String("only", "", "`groups` to measure, separated by commas")
	flag.StringVar(&b.dray, "dray", "bin/dray", "the `binary` to measure")
	flag.StringVar(&b.cache, "cache", ".cache/bench", "`folder` for generated data")
	flag.StringVar(&b.ray, "ray", "", "a `python` that has Ray, to measure against a head")
	steady := flag.String("steady", "", "print lines at a steady rate, then make this `file`; for the measurement itself")
	flag.Parse()
	if *steady != "" {
		return printSteady(*steady)
	}
	b.runs, b.bytes, b.lines = 7, 1<<30, 1_000_000
	if *quick {
		b.runs, b.bytes, b.lines = 3, 64<<20, 100_000
	}
	if err := b.prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	defer os.RemoveAll(b.tmp)
	b.header(ctx)
	broken := false
	for _, g := range b.groups() {
		if *only != "" && !strings.Contains(","+*only+",", ","+g.name+",") {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", g.name)
		if err := g.measure(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", g.name, err)
			broken = true
		}
	}
	if printTable(os.Stdout, b.rows) || broken {
		return 1
	}
	return 0
}

type group struct {
	name    string
	measure func(context.Context) error
}

func (b *bench) groups() []group {
	return []group{
		{"start", b.start},
		{"log", b.log},
		{"search", b.search},
		{"follow", b.follow},
		{"steady", b.steady},
		{"line", b.line},
		{"slow", b.slow},
		{"idle", b.idle},
		{"ray", b.againstRay},
		{"inside", b.inside},
	}
}

func (b *bench) prepare() (err error) {
	for _, p := range []*string{&b.dray, &b.cache} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return err
	}
	b.tmp, err = os.MkdirTemp("", "dray-bench-")
	return err
}

// header says on what the figures were made.
func (b *bench) header(ctx context.Context) {
	say := func(name string, args ...string) {
		out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if err != nil && first == "" {
			first = "not here"
		}
		fmt.Printf("%-8s %s\n", filepath.Base(name), first)
	}
	fmt.Println("date    ", time.Now().UTC().Format(time.RFC3339))
	say("uname", "-srm")
	say("go", "version")
	for _, peer := range []string{"less", "lnav", "rg", "ov", "curl", "htop", "tail"} {
		say(peer, "--version")
	}
	if pressure, err := os.ReadFile("/proc/pressure/cpu"); err == nil {
		first, _, _ := strings.Cut(string(pressure), "\n")
		fmt.Println("cpu     ", first)
	}
	fmt.Println()
}

func (b *bench) add(r row) { b.rows = append(b.rows, r) }

// state is a new state folder for the embedded backend.
func (b *bench) state(name string) (string, error) {
	dir := filepath.Join(b.tmp, name)
	return dir, os.MkdirAll(dir, 0o700)
}

// verb runs a verb of dray to its end.
func (b *bench) verb(ctx context.Context, state string, args ...string) error {
	cmd := exec.CommandContext(ctx, b.dray, append([]string{"--state-dir", state, "--address", "embedded"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("dray %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// dashboard opens the dashboard on a state folder.
func (b *bench) dashboard(ctx context.Context, state string, s size, rate int, env ...string) (*term, error) {
	vt := vt10x.New(vt10x.WithSize(int(s.cols), int(s.rows)))
	return start(ctx, s, vt, rate, env, b.dray, "--state-dir", state, "--address", "embedded")
}

// have returns the path of a peer, or "".
func have(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}
