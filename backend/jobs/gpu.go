//go:build linux

package jobs

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// device is one GPU that jobs can be given.
type device struct {
	id   string // as CUDA_VISIBLE_DEVICES names it
	used int64  // ten-thousandths
}

// nvidiaPatience bounds the one question to the driver's tool, which can hang
// on a sick machine.
const nvidiaPatience = 3 * time.Second

// DetectGPUs names this machine's GPUs as CUDA_VISIBLE_DEVICES would: those
// that this process is confined to by that variable, else those that have a
// device file, else those that nvidia-smi lists.
func DetectGPUs(ctx context.Context, environ []string) []string {
	for _, kv := range environ {
		if list, ok := strings.CutPrefix(kv, "CUDA_VISIBLE_DEVICES="); ok {
			return visibleGPUs(list)
		}
	}
	files, _ := filepath.Glob("/dev/nvidia[0-9]*") // the pattern is well formed
	if len(files) == 0 {
		return listedGPUs(ctx)
	}
	return numbered(len(files))
}

// visibleGPUs reads the variable as the driver does: what follows an entry
// that names no device does not count.
func visibleGPUs(list string) []string {
	var ids []string
	for id := range strings.SplitSeq(list, ",") {
		if id = strings.TrimSpace(id); id == "" || strings.HasPrefix(id, "-") || strings.EqualFold(id, "NoDevFiles") {
			break
		}
		ids = append(ids, id)
	}
	return ids
}

func listedGPUs(ctx context.Context) []string {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, nvidiaPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-L").Output()
	if err != nil {
		return nil
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "GPU ") {
			n++
		}
	}
	return numbered(n)
}

func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	return ids
}

func devices(ids []string) []device {
	all := make([]device, len(ids))
	for i, id := range ids {
		all[i].id = id
	}
	return all
}

// pickGPUs chooses devices for a job that needs so much, or reports that they
// are not free. A share of one goes where it leaves the least over, so that
// whole devices stay whole. m.mu is held.
func (m *Manager) pickGPUs(need int64) ([]string, bool) {
	if need == 0 {
		return nil, true
	}
	if need < unit {
		best := -1
		for i, d := range m.gpus {
			if d.used+need <= unit && (best < 0 || d.used > m.gpus[best].used) {
				best = i
			}
		}
		if best < 0 {
			return nil, false
		}
		return []string{m.gpus[best].id}, true
	}
	var ids []string
	for _, d := range m.gpus {
		if d.used == 0 && int64(len(ids)) < need/unit {
			ids = append(ids, d.id)
		}
	}
	return ids, int64(len(ids)) == need/unit && need%unit == 0
}

// useGPUs counts what a job holds of its devices; sign is 1 or -1. Devices that
// this machine no longer has are passed over. m.mu is held.
func (m *Manager) useGPUs(j *job, sign int64) {
	for i := range m.gpus {
		if slices.Contains(j.gpus, m.gpus[i].id) {
			m.gpus[i].used += sign * min(j.need["GPU"], unit)
		}
	}
}

// withGPUs tells the job which devices are its own. A job that asked for none
// keeps what it inherits, and so does one that says, by Ray's variable, that it
// does not want to be told.
func withGPUs(environ, gpus []string) []string {
	if len(gpus) == 0 {
		return environ
	}
	if v := lookup(environ, "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"); v != "" && v != "0" && !strings.EqualFold(v, "false") {
		return environ
	}
	const name = "CUDA_VISIBLE_DEVICES="
	environ = slices.DeleteFunc(slices.Clone(environ), func(kv string) bool { return strings.HasPrefix(kv, name) })
	return append(environ, name+strings.Join(gpus, ","))
}
