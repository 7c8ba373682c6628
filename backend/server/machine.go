package server

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what Ray's node pages show of a node's hardware. What this system
// does not tell is null or empty.
type machine struct {
	Now          float64              `json:"now"` // seconds
	Hostname     string               `json:"hostname"`
	IP           string               `json:"ip"`
	CPU          float64              `json:"cpu"`       // percent of all, since the last look
	CPUs         [2]int               `json:"cpus"`      // logical, physical
	Mem          [4]float64           `json:"mem"`       // total, available, percent, used
	HostMem      [2]float64           `json:"hostMem"`   // used, total
	CgroupMem    [2]float64           `json:"cgroupMem"` // the same, of the group that limits this process
	Shm          *int64               `json:"shm"`
	BootTime     float64              `json:"bootTime"` // seconds
	LoadAvg      [2][]float64         `json:"loadAvg"`  // of all CPUs, and by CPU
	Disk         map[string]diskUsage `json:"disk"`
	DiskIO       [4]int64             `json:"diskIo"`
	DiskIOSpeed  [4]float64           `json:"diskIoSpeed"`
	GPUs         []any                `json:"gpus"`
	TPUs         []any                `json:"tpus"`
	Network      [2]int64             `json:"network"`
	NetworkSpeed [2]float64           `json:"networkSpeed"`
	Cmdline      []string             `json:"cmdline"`
}

type diskUsage struct {
	Total   uint64  `json:"total"`
	Used    uint64  `json:"used"`
	Free    uint64  `json:"free"`
	Percent float64 `json:"percent"`
}

// machineTTL is how long a look at the machine is good, as with Ray.
const machineTTL = 2 * time.Second

// gauge looks at the machine, at most every machineTTL.
type gauge struct {
	mu         sync.Mutex
	last       machine
	at         time.Time
	busy, idle uint64 // ticks of all CPUs at the last look
}

func (g *gauge) look(now time.Time) machine {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.at.IsZero() && now.Sub(g.at) < machineTTL {
		return g.last
	}
	g.at = now
	m := machine{
		Now: seconds(now.UnixMilli()), Hostname: hostName(), IP: nodeIP, CPUs: [2]int{runtime.NumCPU(), runtime.NumCPU()},
		Disk: map[string]diskUsage{}, GPUs: []any{}, TPUs: []any{}, Cmdline: os.Args[:1],
	}
	m.CPU = g.cpuPercent()
	m.fillMemory()
	m.fillLoad()
	if u, err := diskOf("/"); err == nil {
		m.Disk["/"] = u
	}
	m.BootTime = bootTime()
	m.Network = traffic()
	g.last = m
	return m
}

// statFields returns the numbers of the line of a /proc file that begins with
// name.
func statFields(path, name string) []uint64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || fields[0] != name {
			continue
		}
		var out []uint64
		for _, f := range fields[1:] {
			n, err := strconv.ParseUint(f, 10, 64)
			if err != nil {
				break
			}
			out = append(out, n)
		}
		return out
	}
	return nil
}

func (g *gauge) cpuPercent() float64 {
	const idleColumn, ioWaitColumn, columns = 3, 4, 8
	ticks := statFields("/proc/stat", "cpu")
	if len(ticks) < columns {
		return 0
	}
	var all uint64
	for _, n := range ticks[:columns] {
		all += n
	}
	idle := ticks[idleColumn] + ticks[ioWaitColumn]
	busy := all - idle
	newBusy, newIdle := float64(busy)-float64(g.busy), float64(idle)-float64(g.idle)
	g.busy, g.idle = busy, idle
	if newBusy < 0 || newBusy+newIdle <= 0 {
		return 0
	}
	return tenths(100 * newBusy / (newBusy + newIdle))
}

func tenths(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

func (m *machine) fillMemory() {
	const kib = 1024
	value := func(name string) float64 {
		if v := statFields("/proc/meminfo", name+":"); len(v) > 0 {
			return float64(v[0]) * kib
		}
		return 0
	}
	total, available := value("MemTotal"), value("MemAvailable")
	if total == 0 {
		return
	}
	used := total - available
	m.Mem = [4]float64{total, available, tenths(100 * used / total), used}
	m.HostMem, m.CgroupMem = [2]float64{used, total}, groupMemory([2]float64{used, total})
	shm := int64(value("Shmem"))
	m.Shm = &shm
}

// groupMemory is what the control group at the root of this machine, which in a
// container is the container's, uses of its limit; without a limit it is the
// machine's.
func groupMemory(host [2]float64) [2]float64 {
	group := [2]float64{}
	for i, file := range []string{"/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.max"} {
		data, err := os.ReadFile(file)
		if err != nil {
			return host
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(string(data)), 64)
		if err != nil {
			return host // "max": no limit
		}
		group[i] = n
	}
	return group
}

func (m *machine) fillLoad() {
	m.LoadAvg = [2][]float64{{0, 0, 0}, {0, 0, 0}}
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return
	}
	fields := strings.Fields(string(data))
	for i := range min(len(fields), len(m.LoadAvg[0])) {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return
		}
		m.LoadAvg[0][i] = v
		m.LoadAvg[1][i] = float64(int64(100*v/float64(runtime.NumCPU()))) / 100
	}
}

func diskOf(mount string) (diskUsage, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(mount, &st); err != nil {
		return diskUsage{}, err
	}
	block := uint64(st.Bsize) //nolint:gosec,unconvert // its type depends on the system; never negative
	u := diskUsage{Total: st.Blocks * block, Used: (st.Blocks - st.Bfree) * block, Free: st.Bavail * block}
	if room := u.Used + u.Free; room > 0 {
		u.Percent = tenths(100 * float64(u.Used) / float64(room))
	}
	return u, nil
}

func bootTime() float64 {
	if v := statFields("/proc/stat", "btime"); len(v) > 0 {
		return float64(v[0])
	}
	return 0
}

// traffic is the bytes sent and received by all devices but the loopback.
func traffic() [2]int64 {
	const received, sent, columns = 0, 8, 9
	data, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return [2]int64{}
	}
	var sum [2]int64
	for line := range bytes.Lines(data) {
		name, rest, ok := strings.Cut(string(line), ":")
		fields := strings.Fields(rest)
		if !ok || strings.TrimSpace(name) == "lo" || len(fields) < columns {
			continue
		}
		for i, column := range []int{sent, received} {
			if n, err := strconv.ParseInt(fields[column], 10, 64); err == nil {
				sum[i] += n
			}
		}
	}
	return sum
}
