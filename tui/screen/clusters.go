package screen

import (
	"context"
	"time"

	"dray/backend/client"
)

// Cluster is a server that the dashboard can switch to.
type Cluster struct {
	Name, Address string // the address may be shown
	Source        string // what names it: the config file, a variable, a flag
	Saved         bool   // it is in the config file, and can be taken out
	Line          int64  // where, if it is; 0: not known
	Embedded      bool

	ReadOnly, Protected, SkipVerify bool
	Colour                          string

	Login string // what is sent to log in, without secrets
	TLS   string // how certificates are checked, where that is said

	LastUsed time.Time
}

// Answer is what a cluster said to a short question.
type Answer struct {
	Ray  string // its version; "" is not known
	Took time.Duration
}

// Clusters are the servers that there are. Its methods may take their time, so
// commands call them.
type Clusters interface {
	// List reads the config file again.
	List() ([]Cluster, error)
	// Probe asks a cluster shortly whether it lets us in.
	Probe(ctx context.Context, name string) (Answer, error)
	// Open prepares a connection. It waits for no answer.
	Open(ctx context.Context, name string) (Conn, error)
	// Add writes a cluster into the config file.
	Add(name, address string) error
	// Forget takes one out of it.
	Forget(name string) error
	// SetReadOnly changes one in it.
	SetReadOnly(name string, on bool) error
	// File is the config file; "" where there is no place for one.
	File() string
}

// Conn is the part of Env that is another one with another server.
type Conn struct {
	Jobs            Jobs
	Target          Target
	LookPython      func() string
	Preflight       func(ctx context.Context, path string, excludes []string, step func(client.Preflight)) (client.Preflight, error)
	PreflightModule func(ctx context.Context, path string, excludes []string, step func(client.Preflight)) (client.Preflight, error)
	LogFile         func(ctx context.Context, id string) (path string, err error)
}

// On returns env with another server, and with no drafts.
func (c Conn) On(env *Env) *Env {
	next := *env
	next.Jobs, next.Target = c.Jobs, c.Target
	next.LookPython, next.Preflight, next.PreflightModule, next.LogFile = c.LookPython, c.Preflight, c.PreflightModule, c.LogFile
	next.Drafts = &Drafts{}
	return &next
}

// SwitchMsg closes all pages and opens the list of another cluster.
type SwitchMsg struct{ Name string }

// Over is a page that is drawn over the one below it.
type Over interface {
	// Over returns as many lines as it is given.
	Over(under []string) []string
}
