// Package contexts decides which server the program talks to and says why:
// from a flag, from the environment, from the clusters of the config file, or
// from the Ray that runs on this machine. It also finds the token, the headers
// and the certificates to use.
//
// It opens no session: talking is the business of package client, and starting
// the embedded backend that of its callers.
package contexts

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dray/backend/client"
)

// Names of the variables that are read.
const (
	envServer  = "RAY_API_SERVER_ADDRESS"
	envRay     = "RAY_ADDRESS"
	envTmp     = "RAY_TMPDIR"
	envHeaders = "RAY_JOB_HEADERS"
	envCluster = "DRAY_CLUSTER"
	flagName   = "--address"
	// FlagCluster is the flag that names a cluster of the config file.
	FlagCluster = "--cluster"
	// SourceCurrent is the source of a cluster that was chosen earlier, for good.
	SourceCurrent = "dray ctx use"
)

// Words that stand for an address.
const (
	wordEmbedded = "embedded"
	wordAuto     = "auto"
	// WordNone takes a remembered choice back.
	WordNone = "none"
)

// Target is the server that was chosen.
type Target struct {
	Embedded bool
	URL      string // http or https, no trailing slash; "" when embedded
	// Source is what chose it: "--address", "--cluster", "DRAY_CLUSTER",
	// "RAY_API_SERVER_ADDRESS", "RAY_ADDRESS", "dray ctx use" or "auto".
	Source string
	// Why is one short phrase for the status line.
	Why string
	// SessionName is that of the running Ray that auto found, else "".
	SessionName string
	// Cluster is the entry of the config file that describes the server, or nil.
	Cluster *Cluster
}

// named reports that the server was named by its address, in a flag or in one
// of Ray's variables, so that Ray's variables for logging in are meant for it.
func (t Target) named() bool {
	return t.Source == flagName || t.Source == envServer || t.Source == envRay
}

// Options say where to look.
type Options struct {
	// Flag is the value of --address; "" means that it was not given.
	Flag string
	// FlagCluster is the value of --cluster; "" means that it was not given.
	FlagCluster string
	// Current is the cluster that was chosen for good, or the word embedded.
	Current string
	// Clusters are those of the config file.
	Clusters []Cluster
	// Getenv reads a variable.
	Getenv func(name string) string
	// TempDir holds Ray's folder "ray"; "" means where Ray itself puts it.
	TempDir string
	// Probe asks a server for its session; nil means over HTTP, within 150 ms.
	Probe func(ctx context.Context, ep client.Endpoint) (session string, err error)
}

// Resolve chooses the server: --address or --cluster, then DRAY_CLUSTER,
// RAY_API_SERVER_ADDRESS, RAY_ADDRESS, then the cluster that was chosen for
// good, then auto. An empty value counts as unset. Unlike with Ray's own client
// the flag wins over the variables: what was typed last is meant. An address
// that exactly one cluster has is that cluster: it may be read-only.
//
// auto is the head's own Ray when one runs on this machine, even when it is
// slow to answer or wants a token; else the embedded backend. An address that
// cannot work is an error of one sentence.
func Resolve(ctx context.Context, opt Options) (Target, error) {
	value, source := opt.choose()
	if source == FlagCluster || source == envCluster || source == SourceCurrent {
		return opt.cluster(ctx, value, source)
	}
	t, err := opt.at(ctx, value, source)
	if err != nil || t.Embedded || source == wordAuto {
		return t, err
	}
	if i := opt.only(t.URL); i >= 0 {
		t.Cluster = &opt.Clusters[i]
	}
	return t, nil
}

// at is the server at an address.
func (o Options) at(ctx context.Context, value, source string) (Target, error) {
	switch value {
	case wordEmbedded:
		return Target{Embedded: true, Source: source, Why: o.why(source)}, nil
	case "", wordAuto:
		return o.auto(ctx, source)
	}
	u, err := checkAddress(value, source)
	if err != nil {
		return Target{}, err
	}
	return Target{URL: u, Source: source, Why: o.why(source)}, nil
}

// cluster is the server with a name.
func (o Options) cluster(ctx context.Context, name, source string) (Target, error) {
	if name == wordEmbedded {
		return Target{Embedded: true, Source: source, Why: source}, nil
	}
	if name == wordAuto {
		return o.auto(ctx, source)
	}
	i := slices.IndexFunc(o.Clusters, func(c Cluster) bool { return c.Name == name })
	if i < 0 {
		return Target{}, o.noCluster(name, source)
	}
	t, err := o.at(ctx, strings.TrimSpace(o.Clusters[i].Address), source)
	if err != nil {
		return Target{}, fmt.Errorf("cluster %s: %w", name, err)
	}
	t.Cluster = &o.Clusters[i]
	return t, nil
}

func (o Options) noCluster(name, source string) error {
	var names []string
	for _, c := range o.Clusters {
		names = append(names, c.Name)
	}
	there := "the config file names none; dray ctx add makes one"
	if len(names) > 0 {
		there = "there are " + strings.Join(names, ", ")
	}
	if source == SourceCurrent {
		there += "; dray ctx use chooses another"
	}
	return fmt.Errorf("%s: there is no cluster %q: %s", source, name, there)
}

// only is the index of the one cluster at url, or -1 when there is none, or
// more than one.
func (o Options) only(url string) int {
	at := -1
	for i, c := range o.Clusters {
		u, err := checkAddress(strings.TrimSpace(c.Address), "address")
		if err != nil || u != url {
			continue
		}
		if at >= 0 {
			return -1
		}
		at = i
	}
	return at
}

// choose returns the first value that is set and where it is from; auto when
// none is.
func (o Options) choose() (value, source string) {
	for _, v := range []struct{ value, source string }{
		{o.Flag, flagName},
		{o.FlagCluster, FlagCluster},
		{o.Getenv(envCluster), envCluster},
		{o.Getenv(envServer), envServer},
		{o.Getenv(envRay), envRay},
		{o.Current, SourceCurrent},
	} {
		if value := strings.TrimSpace(v.value); value != "" {
			return value, v.source
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
