package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"dray/backend/contexts"
	"dray/tui/screen"
	"dray/tui/settings"
)

// book gives the dashboard the clusters to switch to: those of the config
// file, the embedded backend, and the server that was chosen at the start if
// it is neither. The embedded backend, once opened, stays open until the end:
// its queue goes on while another server is looked at.
type book struct {
	a *app

	mu       sync.Mutex
	start    contexts.Target // as chosen at the start
	host     host            // nil: not opened
	sessions []*session      // all that were opened; the last one is in use
}

// newBook returns the book of a dashboard that begins with s.
func newBook(a *app, s *session) *book {
	return &book{a: a, start: s.target, host: s.host, sessions: []*session{s}}
}

// List reads the config file again.
func (b *book) List() ([]screen.Cluster, error) {
	set, err := b.a.loaded()
	if err != nil {
		return nil, err
	}
	state := b.a.remembered()
	var list []screen.Cluster
	for _, c := range set.Clusters {
		list = append(list, screen.Cluster{
			Name: c.Name, Address: contexts.Redacted(c.Address), Source: "config file", Saved: true, Line: set.Line("clusters." + c.Name),
			Embedded: c.Address == embeddedName, ReadOnly: c.ReadOnly, Protected: c.Protected, SkipVerify: c.SkipVerify, Colour: c.Colour,
			Login: c.Login(), TLS: c.Verifies(), LastUsed: state.Used[c.Name],
		})
	}
	list = append(list, screen.Cluster{Name: embeddedName, Address: "this machine", Source: "built in", Embedded: true})
	if t := target(b.start, ""); b.start.Cluster == nil && !b.start.Embedded {
		source := b.start.Source
		if source == "auto" {
			source = "found here"
		}
		list = append(list, screen.Cluster{Name: t.Name, Address: t.Address, Source: source})
	}
	return list, nil
}

// find returns the server of a name, as the config file describes it now.
func (b *book) find(ctx context.Context, name string) (contexts.Target, error) {
	set, err := b.a.loaded()
	if err != nil {
		return contexts.Target{}, err
	}
	if b.start.Cluster == nil && !b.start.Embedded && target(b.start, "").Name == name {
		return b.start, nil
	}
	if name != embeddedName {
		if _, err := found(set, name); err != nil {
			return contexts.Target{}, err
		}
	}
	t, err := contexts.Resolve(ctx, contexts.Options{
		FlagCluster: name, Clusters: set.Clusters, Getenv: func(string) string { return "" },
	})
	if err != nil {
		return contexts.Target{}, err
	}
	t.Source, t.Why = "the list of clusters", ""
	if t.Embedded {
		t.Why = "this dray's own"
	}
	return t, nil
}

// Probe asks a cluster for its version.
func (b *book) Probe(ctx context.Context, name string) (screen.Answer, error) {
	t, err := b.find(ctx, name)
	if err != nil {
		return screen.Answer{}, err
	}
	ray, took, err := b.a.probeTarget(ctx, t)
	return screen.Answer{Ray: ray, Took: took}, err
}

// Open prepares a connection.
func (b *book) Open(ctx context.Context, name string) (screen.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, err := b.find(ctx, name)
	if err != nil {
		return screen.Conn{}, err
	}
	var h host
	if t.Embedded {
		h = b.host
	}
	s, err := b.a.open(ctx, t, h)
	if err != nil {
		return screen.Conn{}, err
	}
	if t.Embedded {
		b.host = s.host
	}
	for _, old := range b.sessions {
		old.client.Close() // the idle connections; what is under way goes on
	}
	b.sessions = append(b.sessions, s)
	return s.conn(), nil
}

// conn is what of the dashboard's environment belongs to the session.
func (s *session) conn() screen.Conn {
	c := screen.Conn{
		Jobs: screen.FromClient(s.client), Target: target(s.target, s.key),
		Preflight: s.client.Preflight, PreflightModule: s.client.PreflightModule,
	}
	if s.host != nil {
		c.LookPython = lookPython
		c.LogFile = func(_ context.Context, id string) (string, error) { return s.host.LogFile(id), nil }
	}
	return c
}

// Add writes a cluster into the config file. For the server that was chosen at
// the start, the place of its token goes with it.
func (b *book) Add(name, address string) error {
	set, err := b.a.loaded()
	if err != nil {
		return err
	}
	c := contexts.Cluster{Name: strings.TrimSpace(name), Address: strings.TrimSpace(address)}
	if b.start.Cluster == nil && contexts.Redacted(b.start.URL) == c.Address {
		c.Address = cmp.Or(b.start.URL, c.Address)
		if _, source, err := contexts.Token(b.a.getenv, b.a.getenv("HOME")); err == nil {
			switch {
			case strings.HasPrefix(source, "RAY_"):
				c.TokenEnv = source
			case source != "":
				c.TokenFile = source
			}
		}
	}
	return plain(addCluster(set, c))
}

// plain takes the hint at the command line from an error.
func plain(err error) error {
	var usage *usageError
	if errors.As(err, &usage) {
		return usage.err
	}
	return err
}

// Forget takes a cluster out of the config file.
func (b *book) Forget(name string) error {
	set, err := b.a.loaded()
	if err != nil {
		return err
	}
	return b.a.forget(set, name)
}

// SetReadOnly changes a cluster in the config file.
func (b *book) SetReadOnly(name string, on bool) error {
	set, err := b.a.loaded()
	if err != nil {
		return err
	}
	return settings.SetReadOnly(set.File, name, on)
}

// File is the config file.
func (b *book) File() string {
	file, _ := settings.Path(b.a.getenv)
	return file
}

// opened returns the embedded backend if it is open, or nil.
func (b *book) opened() host {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.host
}

// close closes the embedded backend, unless the session that the dashboard
// began with has it, which is closed by who opened it.
func (b *book) close(first *session) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first.host != nil || b.host == nil {
		return nil
	}
	i := slices.IndexFunc(b.sessions, func(s *session) bool { return s.host != nil })
	return b.sessions[i].close()
}
