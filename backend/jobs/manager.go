//go:build linux

// Package jobs is the life of a job: it accepts, queues, prepares, starts,
// watches, stops and deletes jobs, and takes them up again after a restart.
//
// A job's state is its record in memory while it lives, with a copy in the
// store that lags behind only while the disk is full. How processes are kept
// is the business of package runner, how an environment is built that of
// package runtimeenv, how rows and folders are made durable that of packages
// store and jobdir, and what the API looks like that of package server.
package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
	"dray/backend/store"
)

// Store keeps the records; *store.Store does.
type Store interface {
	Insert(ctx context.Context, r store.Row) error
	Update(ctx context.Context, r store.Row, from ...store.Phase) error
	Forget(ctx context.Context, id string) error
	Restore(ctx context.Context, rows []store.Row) error
	Get(ctx context.Context, id string) (store.Row, error)
	Rows(ctx context.Context, yield func(page []store.Row) error) error
	Live(ctx context.Context) ([]store.Row, error)
	IDs(ctx context.Context) ([]string, error)
	LastSeq(ctx context.Context) (int64, error)
	NeedsRestore(ctx context.Context) (bool, error)
	Querier
}

// EnvBuilder checks and builds runtime environments; *runtimeenv.Builder does.
type EnvBuilder interface {
	// Check returns an error that is rayapi.ErrInvalid to refuse the submit;
	// with any other error the job is accepted and fails.
	Check(raw json.RawMessage) error
	// Build makes the environment below work, a new folder; it ends with ctx.
	Build(ctx context.Context, env json.RawMessage, work string, log io.Writer) (runtimeenv.Built, error)
	// Release says that the job that was built below work is over.
	Release(work string) error
	// Sweep releases all jobs but those whose work folder is live.
	Sweep(isLive func(work string) bool) error
}

// Config is what a Manager works with. Store, Root, Runner, Envs and
// DefaultDir must be set.
type Config struct {
	Store        Store
	Root         string // absolute; the jobs' folders are in it
	Runner       Runner
	Envs         EnvBuilder
	Environ      func(base []string, in runtimeenv.Identity) []string // nil: runtimeenv.Environ
	BaseEnv      []string                                             // what jobs inherit; nil: this process's environment
	DefaultDir   string                                               // absolute working directory of jobs that name none
	NotifySocket string                                               // where supervisors report

	// The logical resources of this machine, which admission counts.
	CPUs      int                // 0: none
	GPUs      int                // 0: as many as GPUIDs
	GPUIDs    []string           // as CUDA_VISIBLE_DEVICES names them; nil: 0, 1 …
	Memory    int64              // bytes; 0: 70 % of the machine's
	Resources map[string]float64 // custom ones

	MaxStarting  int           // jobs between queue and entrypoint; 0: 8
	MaxRunning   int           // jobs that have a supervisor; 0: 1024, below 0: no bound
	Disk         Disk          // nil: space is not looked after
	Collect      Collector     // nil: nothing is collected
	Retention    PruneOptions  // zero: DefaultRetention
	Archive      string        // folder for the records that Prune removes; "": archive beside Root
	StartTimeout time.Duration // for jobs that can never start; 0: RAY_JOB_START_TIMEOUT_SECONDS, else 900 s

	Log *slog.Logger     // nil: nowhere
	Now func() time.Time // nil: time.Now
}

const (
	defaultMaxStarting  = 8
	defaultMaxRunning   = 1024
	defaultStartTimeout = 900 * time.Second

	// agentAddress is where Ray's job agent would answer on this node; clients
	// take its being set for the job's having started.
	agentAddress = "http://127.0.0.1:52365"

	// readyPatience is how long a submit, stop or delete waits for Recover.
	readyPatience = 15 * time.Second
)

// Manager owns all jobs of one state folder. Make it with New, call Recover
// once, and Close it.
type Manager struct {
	cfg      Config
	node     string // hex id of this node, always the same for one state folder
	capacity amounts
	builders chan struct{} // one token for each environment that is being built

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	ready  chan struct{} // closed when Recover is done
	retry  chan struct{} // capacity 1: unsaved is no longer empty

	mu        sync.Mutex
	closed    bool
	recovered bool
	jobs      map[string]*job // all that are not terminal, or not saved as such
	queue     []*job          // those that wait for a turn, in order of acceptance
	lastSeq   int64
	used      amounts
	gpus      []device
	starting  int
	running   int
	unsaved   map[*job]bool
	house     house
	changed   chan struct{} // closed, and replaced, when any job changes
}

// New returns a Manager that answers reads. Everything else waits for Recover.
func New(cfg Config) *Manager {
	cfg = withDefaults(cfg)
	m := &Manager{
		cfg:      cfg,
		node:     nodeID(cfg.Root),
		capacity: capacity(cfg),
		builders: make(chan struct{}, cfg.MaxStarting),
		ready:    make(chan struct{}),
		retry:    make(chan struct{}, 1),
		jobs:     make(map[string]*job),
		used:     make(amounts),
		gpus:     devices(cfg.GPUIDs),
		unsaved:  make(map[*job]bool),
		changed:  make(chan struct{}),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.wg.Go(m.saveUnsaved)
	m.wg.Go(m.keepHouse)
	return m
}

func withDefaults(cfg Config) Config {
	if cfg.Environ == nil {
		cfg.Environ = runtimeenv.Environ
	}
	if cfg.BaseEnv == nil {
		cfg.BaseEnv = os.Environ()
	}
	if len(cfg.GPUIDs) == 0 {
		cfg.GPUIDs = numbered(cfg.GPUs)
	}
	cfg.GPUs = len(cfg.GPUIDs)
	if cfg.Retention == (PruneOptions{}) {
		cfg.Retention = DefaultRetention()
	}
	if cfg.Archive == "" {
		cfg.Archive = filepath.Join(filepath.Dir(cfg.Root), "archive")
	}
	if cfg.MaxStarting <= 0 {
		cfg.MaxStarting = defaultMaxStarting
	}
	if cfg.MaxRunning == 0 {
		cfg.MaxRunning = defaultMaxRunning
	}
	if cfg.StartTimeout <= 0 {
		cfg.StartTimeout = defaultStartTimeout
		if s, err := strconv.ParseFloat(lookup(cfg.BaseEnv, "RAY_JOB_START_TIMEOUT_SECONDS"), 64); err == nil && s > 0 {
			cfg.StartTimeout = time.Duration(s * float64(time.Second))
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// lookup returns the value of a variable in a list of "K=V".
func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// nodeID makes the 56 hex digits that stand for this node: the same for one
// state folder on one machine, different elsewhere.
func nodeID(root string) string {
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		name, _ := os.Hostname()
		machine = []byte(name)
	}
	sum := sha256.Sum224(fmt.Appendf(nil, "node\x00%s\x00%s", machine, root))
	return hex.EncodeToString(sum[:])
}

// enter lets a change of jobs in: it waits until Recover is done, within
// reason, and keeps Close waiting until leave is called. The error wraps
// rayapi.ErrUnavailable.
func (m *Manager) enter(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(readyPatience)
	defer patience.Stop()
	select {
	case <-m.ready:
	case <-m.ctx.Done():
	case <-patience.C:
		return nil, fmt.Errorf("%w: it still takes up the jobs of the last run, try again later", rayapi.ErrUnavailable)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, fmt.Errorf("%w: it is closing", rayapi.ErrUnavailable)
	}
	m.wg.Add(1)
	return m.wg.Done, nil
}

// Close ends the work on all jobs; the jobs themselves go on. It waits for
// what is under way, at most until ctx is done.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.wg.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the job manager: %w", ctx.Err())
	}
}

// Job returns a job's record. The error wraps rayapi.ErrNotFound.
func (m *Manager) Job(ctx context.Context, id string) (rayapi.Job, error) {
	if d, env, ok := m.liveRecord(id); ok {
		d.RuntimeEnv = fillEnv(d.RuntimeEnv, env)
		return d, nil
	}
	row, err := m.cfg.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNoRow) {
		return rayapi.Job{}, rayapi.NotFoundError(id)
	}
	if err != nil {
		return rayapi.Job{}, err
	}
	d, err := decode(row)
	if err != nil {
		return rayapi.Job{}, err
	}
	if row.HasSecret {
		d.RuntimeEnv = fillEnv(d.RuntimeEnv, m.secretOf(id))
	}
	return d, nil
}

// decode reads the record in a row. A runtime_env that is null is none at all.
func decode(row store.Row) (rayapi.Job, error) {
	var d rayapi.Job
	if err := json.Unmarshal(row.DetailsJSON, &d); err != nil {
		return rayapi.Job{}, fmt.Errorf("read record %s: %w", row.ID, err)
	}
	if string(d.RuntimeEnv) == "null" {
		d.RuntimeEnv = nil
	}
	return d, nil
}

// liveRecord returns the record of a job that is held in memory.
func (m *Manager) liveRecord(id string) (rayapi.Job, map[string]string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.jobs[id]
	if !ok || !j.durable {
		return rayapi.Job{}, nil, false
	}
	d := j.details
	if j.phase == store.Queued {
		message := *d.Message + " " + m.waitReason(j)
		d.Message = &message
	}
	return d, j.env, true
}

// secretOf returns the values of env_vars of a job that has ended; nothing
// when its folder is gone.
func (m *Manager) secretOf(id string) map[string]string {
	s, err := m.dirOf(id).Secret()
	if err != nil {
		m.cfg.Log.Warn("read the values of env_vars", "job", id, "err", err)
	}
	return s.EnvVars
}

// Rows calls yield with the JSON of each record, newest first.
func (m *Manager) Rows(ctx context.Context, yield func(row []byte) error) error {
	return m.cfg.Store.Rows(ctx, func(page []store.Row) error {
		for _, row := range page {
			data, err := m.rowJSON(ctx, row)
			if err != nil {
				return err
			}
			if data == nil {
				continue
			}
			if err := yield(data); err != nil {
				return err
			}
		}
		return nil
	})
}

// rowJSON returns what the API shows of a row that was just read: what memory
// knows of a job that lives, else the row. Nil: the job was deleted meanwhile.
func (m *Manager) rowJSON(ctx context.Context, row store.Row) ([]byte, error) {
	if row.Phase.Terminal() && !row.HasSecret {
		return row.DetailsJSON, nil
	}
	d, err := m.Job(ctx, row.ID) // again: it may have ended since the row was read
	if errors.Is(err, rayapi.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(d)
}

// Summary names the jobs that have been started and go on without the backend,
// and those that wait for it, both in order of acceptance.
func (m *Manager) Summary(context.Context) (running, queued []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.bySeq() {
		switch {
		case !j.durable || j.phase.Terminal():
		case isPending(j.phase):
			queued = append(queued, j.id)
		default:
			running = append(running, j.id)
		}
	}
	return running, queued, nil
}

// Settle waits until every job runs, waits for resources that others hold or
// this machine lacks, or is over: then nothing more happens for now unless a
// job ends.
func (m *Manager) Settle(ctx context.Context) error {
	for {
		m.mu.Lock()
		changed, settled := m.changed, m.recovered
		for _, j := range m.jobs {
			settled = settled && (j.phase == store.Queued || !isPending(j.phase) && j.phase != store.Starting)
		}
		m.mu.Unlock()
		if settled {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.ctx.Done():
			return fmt.Errorf("%w: it is closing", rayapi.ErrUnavailable)
		}
	}
}

func (m *Manager) dirOf(id string) jobdir.Dir {
	return jobdir.Open(m.cfg.Root + string(os.PathSeparator) + jobdir.Name(id))
}
