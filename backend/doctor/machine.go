//go:build linux

package doctor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"dray/backend/cgroup"
)

// Fewer descriptors, processes or pids than these are named.
const (
	fewFiles     = 1024
	tooFewFiles  = 256
	fewProcesses = 1000
	fewPIDs      = 8192
)

// limits looks at what bounds the number of jobs besides their resources.
func limits(context.Context, Options) []Finding {
	return []Finding{fileLimit(), processLimit(), pidLimit()}
}

func fileLimit() Finding {
	const name, fix = "open files", "Raise it: ulimit -n 65536, or LimitNOFILE= of the service."
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return Finding{name, Warn, fmt.Sprintf("The limit is unknown: %v.", err), ""}
	}
	text := "The limit is " + amount(r.Cur) + "; a job that runs takes about five, each follower of a log two."
	switch {
	case r.Cur < tooFewFiles:
		return Finding{name, Bad, text, fix}
	case r.Cur < fewFiles:
		return Finding{name, Warn, text, fix}
	}
	return Finding{name, OK, text, ""}
}

func processLimit() Finding {
	const name = "processes"
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &r); err != nil {
		return Finding{name, Warn, fmt.Sprintf("The limit is unknown: %v.", err), ""}
	}
	text := "The limit of this user is " + amount(r.Cur) + " processes and threads; a job takes about ten besides its own."
	if r.Cur < fewProcesses && os.Geteuid() != 0 { // root is not bound by it
		return Finding{name, Warn, text, "Raise it: ulimit -u, or LimitNPROC= of the service."}
	}
	return Finding{name, OK, text, ""}
}

func amount(n uint64) string {
	if n == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

func pidLimit() Finding {
	const name = "pids"
	data, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		return Finding{name, Warn, fmt.Sprintf("The highest pid is unknown: %v.", err), ""}
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	text := fmt.Sprintf("The highest pid is %d.", n)
	if err != nil || n < fewPIDs {
		return Finding{name, Warn, text, "Raise it: sysctl kernel.pid_max=4194304"}
	}
	return Finding{name, OK, text, ""}
}

// groups tells which limits the kernel can enforce for a job.
func groups(context.Context, Options) []Finding {
	const name = "control groups"
	place, err := cgroup.Find()
	if err == nil {
		// Rights on paper are not enough: a group is made, and removed.
		var g cgroup.Group
		if g, _, err = place.Make("dray-doctor-"+strconv.Itoa(os.Getpid()), cgroup.Limits{}); err == nil {
			err = g.Remove()
		}
	}
	if err != nil {
		return []Finding{{
			name, Warn,
			fmt.Sprintf("Jobs get none: %v. Memory limits are not enforced, and a daemon that hides from its supervisor can outlive its job.", err),
			"Give the backend a subtree of its own: systemd-run --user -p Delegate=yes -p DelegateSubgroup=dray dray serve",
		}}
	}
	var lack []string
	for _, controller := range []string{cgroup.Memory, cgroup.CPU} {
		if !slices.Contains(place.Offers(), controller) {
			lack = append(lack, controller)
		}
	}
	text := fmt.Sprintf("Each job gets one below %s.", place.Dir())
	if len(lack) > 0 {
		return []Finding{{
			name, Warn, text + " Limits are not enforced there for: " + strings.Join(lack, ", ") + ".",
			"Where systemd runs: systemd-run --user -p Delegate=yes -p DelegateSubgroup=dray dray serve",
		}}
	}
	return []Finding{{name, OK, text + " Limits of memory and CPU are enforced.", ""}}
}

// login looks whether a logout, or the end of a service, takes the jobs along.
func login(_ context.Context, opt Options) []Finding {
	const name = "logout"
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return []Finding{{name, Warn, fmt.Sprintf("This process's session is unknown: %v.", err), ""}}
	}
	user := opt.Getenv("USER")
	_, lingerErr := os.Stat(filepath.Join("/var/lib/systemd/linger", user))
	lingers := user != "" && lingerErr == nil
	return []Finding{sessionFinding(string(data), killsUserProcesses(), lingers)}
}

// sessionFinding judges the groups that systemd put this process in.
func sessionFinding(groups string, kills, lingers bool) Finding {
	const name = "logout"
	switch {
	case strings.Contains(groups, "/session-") && kills:
		return Finding{name, Warn, "Jobs end when you log out: KillUserProcesses is on, and this is a login session.", "loginctl enable-linger, and start it by: systemd-run --user --scope dray"}
	case strings.Contains(groups, "/user@") && !lingers:
		return Finding{name, Warn, "Jobs end when you log out for the last time: they are part of your user manager, and it does not linger.", "loginctl enable-linger"}
	case strings.Contains(groups, "/system.slice/") && strings.Contains(groups, ".service"):
		return Finding{name, Warn, "Jobs are part of a service: they end when it is stopped.", "Set KillMode=process in its unit, if jobs are to outlive it."}
	}
	return Finding{name, OK, "Jobs go on.", ""}
}

// killsUserProcesses reads the setting of logind; the last file that sets it
// wins.
func killsUserProcesses() bool {
	files := []string{"/usr/lib/systemd/logind.conf", "/etc/systemd/logind.conf"}
	for _, dir := range []string{"/usr/lib", "/run", "/etc"} {
		more, err := filepath.Glob(filepath.Join(dir, "systemd/logind.conf.d/*.conf"))
		if err == nil {
			files = append(files, more...)
		}
	}
	kills := false
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range bytes.Lines(data) {
			if v, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("KillUserProcesses=")); ok {
				kills = slices.Contains([]string{"yes", "true", "on", "1"}, strings.ToLower(string(bytes.TrimSpace(v))))
			}
		}
	}
	return kills
}

// processState is the letter of /proc/PID/stat, or 0.
func processState(pid int) byte {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	if i := bytes.LastIndexByte(data, ')'); i >= 0 && i+2 < len(data) {
		return data[i+2]
	}
	return 0
}
