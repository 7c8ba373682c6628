// Package contexts decides which server the program talks to and says why:
// from the --address flag, from Ray's own variables, or from the Ray that runs
// on this machine. It also finds the token and the headers to send.
//
// It opens no session: talking is the business of package client, and starting
// the embedded backend that of its callers.
package contexts

import (
	"context"
	"fmt"
	"strings"

	"dray/backend/client"
)

// Names of the variables that are read.
const (
	envServer  = "RAY_API_SERVER_ADDRESS"
	envRay     = "RAY_ADDRESS"
	envTmp     = "RAY_TMPDIR"
	envHeaders = "RAY_JOB_HEADERS"
	flagName   = "--address"
)

// Words that stand for an address.
const (
	wordEmbedded = "embedded"
	wordAuto     = "auto"
)

// Target is the server that was chosen.
type Target struct {
	Embedded bool
	URL      string // http or https, no trailing slash; "" when embedded
	// Source is what chose it: "--address", "RAY_API_SERVER_ADDRESS",
	// "RAY_ADDRESS" or "auto".
	Source string
	// Why is one short phrase for the status line.
	Why string
	// SessionName is that of the running Ray that auto found, else "".
	SessionName string
}

// Options say where to look.
type Options struct {
	// Flag is the value of --address; "" means that it was not given.
	Flag string
	// Getenv reads a variable.
	Getenv func(name string) string
	// TempDir holds Ray's folder "ray"; "" means where Ray itself puts it.
	TempDir string
	// Probe asks a server for its session; nil means over HTTP, within 150 ms.
	Probe func(ctx context.Context, ep client.Endpoint) (session string, err error)
}

// Resolve chooses the server: --address, then RAY_API_SERVER_ADDRESS, then
// RAY_ADDRESS, then auto. An empty value counts as unset. Unlike with Ray's
// own client the flag wins over the variables: what was typed last is meant.
//
// auto is the head's own Ray when one runs on this machine, even when it is
// slow to answer or wants a token; else the embedded backend. An address that
// cannot work is an error of one sentence.
func Resolve(ctx context.Context, opt Options) (Target, error) {
	value, source := opt.choose()
	switch value {
	case wordEmbedded:
		return Target{Embedded: true, Source: source, Why: opt.why(source)}, nil
	case "", wordAuto:
		return opt.auto(ctx, source)
	}
	u, err := checkAddress(value, source)
	if err != nil {
		return Target{}, err
	}
	return Target{URL: u, Source: source, Why: opt.why(source)}, nil
}

// choose returns the first value that is set and where it is from; auto when
// none is.
func (o Options) choose() (value, source string) {
	if v := strings.TrimSpace(o.Flag); v != "" {
		return v, flagName
	}
	for _, name := range []string{envServer, envRay} {
		if v := strings.TrimSpace(o.Getenv(name)); v != "" {
			return v, name
		}
	}
	return "", wordAuto
}

// why names the source, and the variable that Ray's client would have obeyed
// instead.
func (o Options) why(source string) string {
	if source != flagName {
		return source
	}
	for _, name := range []string{envServer, envRay} {
		if strings.TrimSpace(o.Getenv(name)) != "" {
			return fmt.Sprintf("%s, not %s", source, name)
		}
	}
	return source
}
