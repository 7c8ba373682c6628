package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dray/backend/client"
	"dray/backend/contexts"
	"dray/backend/ledger"
	"dray/tui/settings"
)

// session is a connection to one server, with what belongs to it.
type session struct {
	client *client.Client
	target contexts.Target
	ledger *ledger.Ledger
	key    string // names the server in the ledger
	host   host   // nil for a remote server
	cwd    string
	state  string // the state folder; "" where there is no place for one
}

// host is the embedded backend as the verbs see it: this process may be it, or
// a guest of the process that is.
type host interface {
	Endpoint() client.Endpoint
	// Ready waits until a first look at the jobs is true.
	Ready(ctx context.Context)
	// Summary names the jobs that go on and those that wait for a backend;
	// both are empty in a guest, whose holder stays.
	Summary(ctx context.Context) (running, queued []string, err error)
	// LogFile is the path of a job's log; there may be no such file.
	LogFile(id string) string
	Close(ctx context.Context) error
}

const (
	closeTimeout = 10 * time.Second
	readyTimeout = 5 * time.Second
)

// close lets the embedded backend go. Its jobs go on.
func (s *session) close() error {
	if s.host == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return s.host.Close(ctx)
}

// connect finds the server and prepares the client; it does not wait for an
// answer.
func (a *app) connect(ctx context.Context) (*session, error) {
	target, err := a.choose(ctx)
	if err != nil {
		return nil, err
	}
	if a.demo != noDemo {
		target.Why = "for dray demo"
	}
	return a.open(ctx, target, nil)
}

// choose decides on the server.
func (a *app) choose(ctx context.Context) (contexts.Target, error) {
	if a.address != "" && a.cluster != "" {
		return contexts.Target{}, usagef("--address and --cluster exclude each other")
	}
	set, err := settings.Load(a.getenv)
	if err != nil {
		return contexts.Target{}, usagef("%w (dray config --help tells of the settings)", err)
	}
	target, err := contexts.Resolve(ctx, contexts.Options{
		Flag: a.address, FlagCluster: a.cluster, Current: a.remembered().Current, Clusters: set.Clusters, Getenv: a.getenv,
	})
	if err != nil {
		return contexts.Target{}, &usageError{err}
	}
	return target, nil
}

// remembered is what is known of the clusters from earlier runs; without it
// dray works too.
func (a *app) remembered() contexts.State {
	dir, err := a.statePath()
	if err != nil {
		return contexts.State{}
	}
	state, err := contexts.LoadState(dir)
	if err != nil {
		fmt.Fprintf(a.stderr, "dray: %v\n", err)
	}
	return state
}

// open prepares the client of a server. With the embedded backend open
// already, h is it.
func (a *app) open(ctx context.Context, target contexts.Target, h host) (*session, error) {
	state, err := a.statePath()
	if err != nil && target.Embedded { // a server elsewhere needs none, until something is submitted
		return nil, err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("the current folder cannot be found: %w", err)
	}
	s := &session{target: target, cwd: cwd, state: state, key: ledgerKey(target, state), ledger: ledger.New(filepath.Join(state, "ledger")), host: h}
	endpoint, err := a.endpoint(ctx, s, state)
	if err != nil {
		return nil, err
	}
	endpoint.Version = version
	if !s.target.Embedded { // our own server keeps a package as long as a job needs it
		endpoint.Packages = s.ledger.Packages(ledger.DefaultPackageBytes)
	}
	if s.client, err = client.New(endpoint); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (a *app) endpoint(ctx context.Context, s *session, state string) (client.Endpoint, error) {
	if !s.target.Embedded {
		return contexts.Endpoint(s.target, a.getenv)
	}
	if s.host == nil {
		h, err := openHost(ctx, state, s.cwd)
		if err != nil {
			return client.Endpoint{}, err
		}
		s.host = h
	}
	ep := s.host.Endpoint()
	if c := s.target.Cluster; c != nil {
		ep.ReadOnly = c.ReadOnly
	}
	return ep, nil
}

// ledgerKey names a server in the ledger, and notes that a named one is used.
func ledgerKey(t contexts.Target, state string) string {
	key := embeddedName
	if !t.Embedded {
		key = contexts.Redacted(t.URL) // a password must not become a file name
	}
	if state == "" || t.Cluster == nil {
		return key
	}
	name := t.Cluster.Name
	// What cannot be written down is found again from the same address.
	_ = contexts.Change(state, func(s *contexts.State) {
		if !t.Embedded {
			key = s.Key(name, key)
		}
		if s.Used == nil {
			s.Used = map[string]time.Time{}
		}
		s.Used[name] = time.Now().UTC().Truncate(time.Minute)
	})
	return key
}

// embeddedName is what the embedded backend is called.
const embeddedName = "embedded"

// statePath returns the absolute state folder, which need not exist yet.
func (a *app) statePath() (string, error) {
	dir := a.stateDir
	if dir == "" {
		dir = a.getenv("DRAY_STATE_DIR")
	}
	if dir == "" {
		base := a.getenv("XDG_STATE_HOME")
		if base == "" || !filepath.IsAbs(base) {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("no place for the state: set HOME or --state-dir: %w", err)
			}
			base = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(base, "dray")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("state folder %s: %w", dir, err)
	}
	return abs, nil
}

// with runs a verb's work on a connection and closes it after.
func (a *app) with(ctx context.Context, work func(ctx context.Context, s *session) error) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	if s.host != nil {
		ready, cancel := context.WithTimeout(ctx, readyTimeout)
		s.host.Ready(ready)
		cancel()
	}
	err = work(ctx, s)
	if closeErr := s.close(); err == nil {
		err = closeErr
	}
	return err
}
