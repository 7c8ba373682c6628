//go:build linux

package proctree

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// markName is the variable in the environment of a job's processes by which
// they are known when their supervisor is gone.
const markName = "DRAY_JOB="

// Mark is the entry of the environment that names the job of folder d: the
// folder's name, for people, and its inode, which no other job has.
func Mark(d jobdir.Dir) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(d.Path(), &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: d.Path(), Err: err}
	}
	return fmt.Sprintf("%s%s/%d", markName, filepath.Base(d.Path()), st.Ino), nil
}

// WithMark returns environ with the mark and without marks of other jobs.
func WithMark(environ []string, mark string) []string {
	out := make([]string, 0, len(environ)+1)
	for _, kv := range environ {
		if len(kv) < len(markName) || kv[:len(markName)] != markName {
			out = append(out, kv)
		}
	}
	return append(out, mark)
}

// Carries reports whether the process was started with the mark.
func Carries(pid int, mark string) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if string(kv) == mark {
			return true
		}
	}
	return false
}
