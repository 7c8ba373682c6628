//go:build linux

package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	firstYear = 2025 // before this no clock is right
	lastYear  = 2100
	clockLook = 50 * time.Millisecond
	clockSlip = 20 * time.Millisecond

	minCols, minRows = 60, 15 // of the dashboard
)

// clock compares the clock on the wall with the one that only counts.
func clock(ctx context.Context, _ Options) []Finding {
	began := time.Now()
	select {
	case <-time.After(clockLook):
	case <-ctx.Done():
	}
	now := time.Now()
	slip := now.Round(0).Sub(began.Round(0)) - now.Sub(began)
	return []Finding{clockFinding(now, slip)}
}

func clockFinding(now time.Time, slip time.Duration) Finding {
	const name, fix = "clock", "Set the clock, and let it be kept by NTP: timedatectl set-ntp true"
	switch {
	case now.Year() < firstYear || now.Year() > lastYear:
		return Finding{name, Bad, "The clock shows the year " + now.Format("2006") + ".", fix}
	case slip.Abs() > clockSlip:
		return Finding{name, Warn, fmt.Sprintf("The clock was moved by %v while it was looked at: times of jobs will be wrong.", slip.Round(time.Millisecond)), fix}
	}
	return Finding{name, OK, now.Format("2006-01-02 15:04:05 MST") + ".", ""}
}

// terminal looks whether the dashboard can be shown.
func terminal(_ context.Context, opt Options) []Finding {
	found := []Finding{termFinding(opt.Getenv("TERM")), localeFinding(opt.Getenv)}
	size, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return append(found, Finding{"terminal size", OK, "The output is not a terminal.", ""})
	}
	return append(found, sizeFinding(int(size.Col), int(size.Row)))
}

func termFinding(term string) Finding {
	const name = "terminal"
	switch term {
	case "":
		return Finding{name, Warn, "TERM is not set: the dashboard cannot be shown.", "export TERM=xterm-256color"}
	case "dumb":
		return Finding{name, Warn, "TERM is dumb: the dashboard cannot be shown.", "Use another terminal, or the verbs: dray ls, dray logs."}
	}
	return Finding{name, OK, "TERM is " + term + ".", ""}
}

func localeFinding(getenv func(string) string) Finding {
	const name = "locale"
	for _, variable := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		value := getenv(variable)
		if value == "" {
			continue
		}
		upper := strings.ToUpper(value)
		if strings.Contains(upper, "UTF-8") || strings.Contains(upper, "UTF8") {
			return Finding{name, OK, value + ".", ""}
		}
		return Finding{name, Warn, fmt.Sprintf("%s=%s is not UTF-8: names may be shown wrongly.", variable, value), "export LC_ALL=C.UTF-8"}
	}
	return Finding{name, Warn, "None is set: names may be shown wrongly.", "export LC_ALL=C.UTF-8"}
}

func sizeFinding(cols, rows int) Finding {
	const name = "terminal size"
	text := fmt.Sprintf("%dx%d.", cols, rows)
	if cols < minCols || rows < minRows {
		return Finding{name, Warn, text, fmt.Sprintf("The dashboard needs %dx%d: make the window larger.", minCols, minRows)}
	}
	return Finding{name, OK, text, ""}
}
