//go:build linux

package jobs

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/rayapi"
	"dray/backend/store"
)

// unit is one of a resource: amounts count ten-thousandths, as Ray does, so
// that 0.1 CPU ten times is exactly one.
const unit = 10000

// amounts is how much of each resource; what is missing is 0.
type amounts map[string]int64

func units(v float64) int64 {
	u := math.Round(v * unit)
	switch {
	case v <= 0:
		return 0
	case u >= math.MaxInt64:
		return math.MaxInt64
	}
	return max(1, int64(u))
}

// needOf is what a request asks for; empty when it asks for nothing.
func needOf(r rayapi.SubmitRequest) amounts {
	need := amounts{}
	set := func(name string, v float64) {
		if u := units(v); u > 0 {
			need[name] = saturatedSum(need[name], u)
		}
	}
	set("CPU", r.NumCPUs)
	set("GPU", r.NumGPUs)
	set("memory", float64(r.Memory))
	for name, v := range r.Resources {
		set(name, v)
	}
	return need
}

func saturatedSum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// capacity is what this machine has, or is said to have.
func capacity(cfg Config) amounts {
	memory := float64(cfg.Memory)
	var info unix.Sysinfo_t
	if memory == 0 && unix.Sysinfo(&info) == nil {
		memory = 0.7 * float64(info.Totalram) * float64(info.Unit)
	}
	c := amounts{"CPU": units(float64(cfg.CPUs)), "GPU": units(float64(cfg.GPUs)), "memory": units(memory)}
	for name, v := range cfg.Resources {
		c[name] = units(v)
	}
	return c
}

func (a amounts) add(b amounts, sign int64) {
	for name, v := range b {
		a[name] += sign * v
	}
}

// fits reports whether need is free. m.mu is held.
func (m *Manager) fits(need amounts) bool {
	for name, v := range need {
		if v > m.capacity[name]-m.used[name] {
			return false
		}
	}
	_, ok := m.pickGPUs(need["GPU"])
	return ok
}

// neverFits says why a job can never start on this machine, or "".
func (m *Manager) neverFits(j *job) string {
	for _, name := range slices.Sorted(maps.Keys(j.need)) {
		if j.need[name] > m.capacity[name] {
			return fmt.Sprintf("It asks for %s, this machine has %s.",
				amountText(name, j.need[name]), amountText(name, m.capacity[name]))
		}
	}
	if g := j.need["GPU"]; g > unit && g%unit != 0 {
		return fmt.Sprintf("It asks for %s: more than one must be a whole number.", amountText("GPU", g))
	}
	if wrong := unsatisfied(j.req.LabelSelector, m.labels()); wrong != "" {
		return fmt.Sprintf("No node has the labels that it asks for: %s.", wrong)
	}
	return ""
}

// labels are those of this node.
func (m *Manager) labels() map[string]string { return map[string]string{"ray.io/node-id": m.node} }

func amountText(name string, v int64) string {
	n := float64(v) / unit
	switch {
	case name == "memory":
		return fmt.Sprintf("%.1f GiB of memory", n/(1<<30))
	case (name == "CPU" || name == "GPU") && n != 1:
		name += "s"
	}
	return fmt.Sprintf("%g %s", n, name)
}

// enqueue puts a job at its place in the queue. m.mu is held.
func (m *Manager) enqueue(j *job) {
	i, _ := slices.BinarySearchFunc(m.queue, j.seq, func(q *job, seq int64) int { return int(q.seq - seq) })
	m.queue = slices.Insert(m.queue, i, j)
	if j.never != "" {
		m.setWaiting(j)
	}
}

// schedule lets go on whoever can, in order of acceptance: first a job gets
// its resources, then, once its environment is built, leave to start. The
// first job whose resources are taken keeps all later ones that ask for any
// behind it; one that can never start is passed over. m.mu is held.
func (m *Manager) schedule() {
	if !m.recovered || m.closed {
		return
	}
	blocked := false
	waiting := m.queue[:0]
	for i, j := range m.queue {
		if !j.durable { // whether it exists at all is being decided
			waiting = append(waiting, m.queue[i:]...)
			break
		}
		if !j.holds && j.never == "" {
			blocked = m.admit(j, blocked)
		}
		if j.holds && j.prepared && m.mayStart() {
			m.starting++
			m.running++
			j.counted = true
			close(j.granted)
			continue
		}
		if j.holds && j.prepared && m.isFull() {
			m.setWaiting(j)
		}
		waiting = append(waiting, j)
	}
	clear(m.queue[len(waiting):])
	m.queue = waiting
}

// admit gives a job its resources, if it may have them, and returns whether
// those behind it are blocked. m.mu is held.
func (m *Manager) admit(j *job, blocked bool) bool {
	if len(j.need) > 0 && (blocked || !m.fits(j.need)) {
		m.setWaiting(j)
		return true
	}
	m.used.add(j.need, 1)
	j.gpus, _ = m.pickGPUs(j.need["GPU"]) // fits has found that there are enough
	m.useGPUs(j, 1)
	j.holds = true
	if j.phase == store.Queued {
		m.change(j, store.Accepted, nil)
	}
	close(j.admitted)
	return blocked
}

func (m *Manager) mayStart() bool {
	return m.starting < m.cfg.MaxStarting && !m.isFull()
}

// isFull reports whether as many jobs run as may. m.mu is held.
func (m *Manager) isFull() bool { return m.cfg.MaxRunning >= 0 && m.running >= m.cfg.MaxRunning }

// setWaiting marks a job as waiting for others to end. What for is said when
// somebody asks, by waitReason: it changes all the time. m.mu is held.
func (m *Manager) setWaiting(j *job) {
	if j.phase != store.Queued {
		m.change(j, store.Queued, nil)
	}
}

// waitReason says, behind Ray's sentence, what a job waits for. m.mu is held.
func (m *Manager) waitReason(j *job) string {
	switch {
	case j.notBefore > 0:
		return fmt.Sprintf("Attempt %d of %d waits until %s.", j.attempt, j.wishes.retries+1,
			time.UnixMilli(j.notBefore).UTC().Format("15:04:05 UTC"))
	case j.never != "":
		return j.never
	case j.holds:
		return fmt.Sprintf("Waits for its turn: %d of at most %d jobs run.", m.running, m.cfg.MaxRunning)
	case m.fits(j.need):
		return "Waits for its turn: jobs before it wait for resources."
	}
	var asks []string
	for _, name := range slices.Sorted(maps.Keys(j.need)) {
		free := amountText(name, max(0, m.capacity[name]-m.used[name]))
		asks = append(asks, fmt.Sprintf("%s: %s of %s free", amountText(name, j.need[name]),
			strings.Fields(free)[0], strings.Fields(amountText(name, m.capacity[name]))[0]))
	}
	return "Waits for " + strings.Join(asks, ", ") + "."
}

// freeStartSlot lets the next job start: this one runs, or is over. m.mu is
// held.
func (m *Manager) freeStartSlot(j *job) {
	if j.isStarted {
		return
	}
	j.isStarted = true
	if j.counted {
		m.starting--
		m.schedule()
	}
}

// free gives back all that a job that is over held. m.mu is held.
func (m *Manager) free(j *job) {
	if i := slices.Index(m.queue, j); i >= 0 {
		m.queue = slices.Delete(m.queue, i, i+1)
	}
	if j.holds {
		m.used.add(j.need, -1)
		m.useGPUs(j, -1)
		j.holds = false
	}
	if j.counted {
		m.running--
		if !j.isStarted {
			m.starting--
		}
		j.counted = false
	}
	j.isStarted = true
	m.schedule()
}
