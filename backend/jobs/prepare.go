//go:build linux

package jobs

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
	"dray/backend/store"
)

// vet ends a job at once that Ray accepts and cannot start: one with a runtime
// environment or with amounts that break its rules.
func (m *Manager) vet(j *job) (*ending, error) {
	if err := m.cfg.Envs.Check(fillEnv(j.req.RuntimeEnv, j.env)); err != nil {
		return startFailure(j.id, err.Error()), nil
	}
	if mistake := amountsMistake(j.req); mistake != "" {
		return startFailure(j.id, mistake), nil
	}
	return nil, nil
}

// amountsMistake says what is wrong with the amounts of a request, or "".
func amountsMistake(r rayapi.SubmitRequest) string {
	for _, name := range []string{"CPU", "GPU"} {
		if _, ok := r.Resources[name]; ok {
			return "Use the 'num_cpus' and 'num_gpus' keyword instead of 'CPU' and 'GPU' in 'resources' keyword"
		}
	}
	tooFine := func(v float64) bool { return v > 0 && v*unit < 1 }
	amounts := map[string]float64{"num_cpus": r.NumCPUs, "num_gpus": r.NumGPUs}
	maps.Copy(amounts, r.Resources)
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		if tooFine(amounts[name]) {
			return fmt.Sprintf("The precision of the fractional quantity of resource %s cannot go beyond 0.0001", name)
		}
	}
	return ""
}

// prepare builds the runtime environment of a job that has one.
func (m *Manager) prepare(j *job) (*ending, error) {
	if j.prepared {
		return nil, nil
	}
	select {
	case m.builders <- struct{}{}:
		defer func() { <-m.builders }()
	case <-j.ctx.Done():
		return m.interrupted()
	}
	m.mu.Lock()
	if isPending(j.phase) {
		m.change(j, store.Preparing, nil)
	}
	m.mu.Unlock()
	env := fillEnv(j.req.RuntimeEnv, j.env)
	built, err := m.build(j, env)
	switch {
	case j.ctx.Err() != nil:
		return m.interrupted()
	case err != nil:
		return m.setupFailure(j, err), nil
	}
	j.built = built
	m.mu.Lock()
	defer m.mu.Unlock()
	j.prepared = true
	m.schedule()
	return nil, nil
}

// build runs the builder; its output goes to the job's log. The builder gets
// the values of env_vars, as in Ray: they may name a package index.
func (m *Manager) build(j *job, env json.RawMessage) (runtimeenv.Built, error) {
	work := j.dir.Work()
	if err := os.RemoveAll(work); err != nil { // a killed backend may have left a half of it
		return runtimeenv.Built{}, fmt.Errorf("clear the job's folder: %w", err)
	}
	if err := os.Mkdir(work, 0o700); err != nil {
		return runtimeenv.Built{}, fmt.Errorf("make the job's folder: %w", err)
	}
	log, err := os.OpenFile(j.dir.Log(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return runtimeenv.Built{}, fmt.Errorf("open the job's log: %w", err)
	}
	defer log.Close()
	return m.cfg.Envs.Build(j.ctx, env, work, &wakingWriter{log, &j.wakers})
}

// wakingWriter tells the followers of a log about what it writes.
type wakingWriter struct {
	w   io.Writer
	hub *hub
}

func (w *wakingWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.hub.wake()
	return n, err
}

// writeLaunch stores what the supervisor is to start.
func (m *Manager) writeLaunch(j *job) (*ending, error) {
	info, err := os.Stat(j.dir.Log())
	if err != nil {
		return startFailure(j.id, err.Error()), nil
	}
	env := fillEnv(j.req.RuntimeEnv, j.env)
	sig, grace := stopRule(j.env, m.cfg.BaseEnv)
	launch := jobdir.Launch{
		Version: 1, ID: j.id, Entrypoint: j.req.Entrypoint, Dir: m.cfg.DefaultDir,
		StopSignal: int(sig), StopGrace: grace, Linger: linger,
		KeepBackground: j.req.Metadata["keep_background"] == "true",
		LogBase:        info.Size(), NotifySocket: m.cfg.NotifySocket,
		GPUs: j.gpus, MemoryMax: j.req.Memory,
	}
	if j.built.Dir != "" {
		launch.Dir = j.built.Dir
	}
	environ := m.cfg.Environ(m.cfg.BaseEnv, runtimeenv.Identity{
		ID: j.id, Metadata: j.req.Metadata, Entrypoint: j.req.Entrypoint, RuntimeEnv: env, EnvVars: j.env,
		Built: j.built, HasResources: j.req.HasResources(),
	})
	environ = withGPUs(environ, j.gpus)
	if c := j.built.Container; c != nil {
		launch.Command = c.Command(j.env, environ)
	}
	return m.onDisk(j, func() error {
		return j.dir.SetLaunch(launch, environ)
	})
}

const (
	linger       = 2 * time.Second // for output of processes that outlive the entrypoint
	defaultGrace = 3 * time.Second
)

// stopRule reads how a job wants to be stopped, by Ray's variables: those of
// the job, else the backend's own. What Ray would not take is its default.
func stopRule(env map[string]string, base []string) (syscall.Signal, time.Duration) {
	value := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return lookup(base, name)
	}
	sig, grace := unix.SIGTERM, defaultGrace
	if value("RAY_JOB_STOP_SIGNAL") == "SIGINT" {
		sig = unix.SIGINT
	}
	if s, err := strconv.ParseUint(value("RAY_JOB_STOP_WAIT_TIME_S"), 10, 31); err == nil {
		grace = time.Duration(s) * time.Second
	}
	return sig, grace
}
