//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/jobs"
	"dray/backend/runner"
	"dray/backend/runtimeenv"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		// Each check opens and kills several backends; more of them are for a
		// nightly run: -rapid.checks=1000.
		if err := f.Value.Set("30"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// world is the processes of a machine: they go on when a backend goes. What
// an entrypoint does is in its text:
//
//	exit N          ends at once with N
//	sleep           runs until it is stopped or ended by the test
//	cannot start    its supervisor cannot start it
//	no supervisor   its supervisor cannot be spawned
//	dies N          its supervisor dies N times before the gate
type world struct {
	mu      sync.Mutex
	procs   map[string]*proc // by folder name
	started []string         // ids in order of their first start
	spawns  map[string]int   // by id
	ran     map[string]int   // how often an entrypoint ran, by id
	hold    chan struct{}    // nil, or what a start waits for
	inStart int              // supervisors before their entrypoint
	maxIn   int
}

func newWorld() *world {
	return &world{procs: map[string]*proc{}, spawns: map[string]int{}, ran: map[string]int{}}
}

// proc is one job's supervisor and entrypoint.
type proc struct {
	w       *world
	dir     jobdir.Dir
	id      string
	slot    *jobdir.SlotWriter
	st      jobs.State
	handles map[*handle]bool
	asked   int // stops that arrived
	deaf    bool
}

// backend is the Runner of one Manager.
type backend struct {
	w   *world
	cut func() bool // nil, or whether the backend was killed
}

var errKilled = errors.New("killed")

func (b *backend) dead() bool { return b.cut != nil && b.cut() }

func (b *backend) Start(ctx context.Context, d jobdir.Dir) (jobs.Process, error) {
	if b.dead() {
		<-ctx.Done() // a killed backend does nothing any more
		return nil, errKilled
	}
	launch, err := d.Launch()
	if err != nil {
		return nil, err
	}
	if launch.Entrypoint == "no supervisor" {
		return nil, errors.New("fork: resource temporarily unavailable")
	}
	slot, err := d.OpenSlot()
	if err != nil {
		return nil, err
	}
	w := b.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spawns[launch.ID] == 0 {
		w.started = append(w.started, launch.ID)
	}
	w.spawns[launch.ID]++
	w.inStart++
	w.maxIn = max(w.maxIn, w.inStart)
	p := &proc{w: w, dir: d, id: launch.ID, slot: slot, handles: map[*handle]bool{}}
	w.procs[filepath.Base(d.Path())] = p
	p.set(jobs.State{Slot: jobdir.Slot{Phase: jobdir.PhaseStarting}})
	if hold := w.hold; hold != nil {
		go func() {
			<-hold
			w.mu.Lock()
			defer w.mu.Unlock()
			p.begin(launch.Entrypoint)
		}()
	} else {
		p.begin(launch.Entrypoint)
	}
	return p.handle(), nil
}

func (b *backend) Adopt(_ context.Context, d jobdir.Dir) (jobs.Process, error) {
	if b.dead() {
		return nil, errKilled
	}
	if _, err := os.Stat(d.Path()); err != nil {
		return nil, err
	}
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	p := b.w.procs[filepath.Base(d.Path())]
	if p == nil { // it was never spawned, or is from another boot
		p = &proc{w: b.w, dir: d, handles: map[*handle]bool{}}
		slot, err := d.ReadSlot()
		p.st = jobs.State{Slot: slot, Over: runner.OverLost}
		switch {
		case err != nil:
			p.st.Over = runner.OverNeverRan
		case slot.Phase == jobdir.PhaseFailed:
			p.st.Over = runner.OverFailed
		}
	}
	return p.handle(), nil
}

// begin plays the entrypoint. w.mu is held.
func (p *proc) begin(entrypoint string) {
	p.w.inStart--
	word, arg, _ := strings.Cut(entrypoint, " ")
	n, _ := strconv.Atoi(arg)
	if p.asked > 0 {
		p.exit(-15, true)
		return
	}
	switch {
	case word == "exit":
		p.w.ran[p.id]++
		p.exit(n, false)
	case word == "cannot":
		p.over(jobs.State{Slot: jobdir.Slot{Phase: jobdir.PhaseFailed, StartError: "no such directory"}, Over: runner.OverFailed})
	case word == "dies" && p.w.spawns[p.id] <= n:
		p.over(jobs.State{Slot: p.st.Slot, Over: runner.OverNeverRan, Detail: "killed"})
	default:
		p.w.ran[p.id]++
		s := p.st
		s.Slot.Phase, s.Slot.Leader = jobdir.PhaseRunning, &jobdir.Process{PID: 42, StartTicks: ticks()}
		s.Slot.StartedAt = time.Now().UnixMilli()
		p.set(s)
	}
}

// ticks is now as the kernel counts start times of processes.
func ticks() uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(err)
	}
	return uint64(now.Nano() / 1e7)
}

func (p *proc) exit(code int, stopSeen bool) {
	log, err := os.OpenFile(p.dir.Log(), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		fmt.Fprintf(log, "output of %s\n", p.id)
		log.Close()
	}
	s := p.st
	s.Slot.Phase, s.Slot.Leader = jobdir.PhaseSealed, &jobdir.Process{PID: 42}
	s.Slot.Exit = &jobdir.Exit{Code: code, At: time.Now().UnixMilli()}
	s.Slot.StopSeen = stopSeen
	s.Over = runner.OverSealed
	p.over(s)
}

func (p *proc) over(s jobs.State) {
	p.set(s)
	p.slot.Close()
	p.slot = nil
}

// set changes the state. w.mu is held.
func (p *proc) set(s jobs.State) {
	p.st = s
	if err := p.slot.Write(s.Slot); err != nil && !errors.Is(err, os.ErrClosed) {
		panic(err)
	}
	for h := range p.handles {
		select {
		case h.changes <- struct{}{}:
		default:
		}
	}
}

func (p *proc) handle() *handle {
	h := &handle{p: p, changes: make(chan struct{}, 1)}
	p.handles[h] = true
	return h
}

// handle is a proc as one Manager has it.
type handle struct {
	p       *proc
	changes chan struct{}
}

func (h *handle) Changes() <-chan struct{} { return h.changes }

func (h *handle) State() jobs.State {
	h.p.w.mu.Lock()
	defer h.p.w.mu.Unlock()
	return h.p.st
}

func (h *handle) Stop() error {
	h.p.w.mu.Lock()
	defer h.p.w.mu.Unlock()
	h.p.asked++
	if h.p.deaf && h.p.asked == 1 {
		return errors.New("permission denied")
	}
	if h.p.st.Over == "" && h.p.st.Slot.Phase == jobdir.PhaseRunning {
		h.p.exit(-15, true)
	}
	return nil
}

func (h *handle) Release() {
	h.p.w.mu.Lock()
	defer h.p.w.mu.Unlock()
	delete(h.p.handles, h)
}

// end lets the entrypoint of a job end.
func (w *world) end(id string, code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.procs[jobdir.Name(id)]; p != nil && p.st.Over == "" {
		p.exit(code, false)
	}
}

// become puts a job into a state of the test's own making.
func (w *world) become(id string, change func(s *jobs.State)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.procs[jobdir.Name(id)]
	s := p.st
	change(&s)
	p.set(s)
}

// envs is an EnvBuilder of functions.
type envs struct {
	check func(raw json.RawMessage) error
	build func(ctx context.Context, work string, log io.Writer) (runtimeenv.Built, error)
}

func (e *envs) Check(raw json.RawMessage) error {
	if e == nil || e.check == nil {
		return nil
	}
	return e.check(raw)
}

func (e *envs) Release(string) error { return nil }

func (e *envs) Sweep(func(string) bool) error { return nil }

func (e *envs) Build(ctx context.Context, _ json.RawMessage, work string, log io.Writer) (runtimeenv.Built, error) {
	if e == nil || e.build == nil {
		return runtimeenv.Built{}, nil
	}
	return e.build(ctx, work, log)
}
