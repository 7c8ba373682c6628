//go:build linux

// Package doctor looks at what the embedded backend needs of this machine and
// this user, and says what is wrong and what to do about it.
//
// It changes nothing that lasts and shows no secret. How the findings are
// shown is left to the verb.
package doctor

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"
)

// Level says how bad a finding is.
type Level string

// The levels, from good to bad. They are wire constants.
const (
	OK   Level = "ok"
	Warn Level = "warn" // it works, with less certainty
	Bad  Level = "bad"  // something will not work
)

// Finding is what was found about one thing.
type Finding struct {
	Name  string `json:"name"`
	Level Level  `json:"level"`
	Text  string `json:"text"`          // what is, as a sentence
	Fix   string `json:"fix,omitempty"` // what to do about it; "": nothing is to be done
}

// Options say where to look.
type Options struct {
	StateDir string              // absolute, of the embedded backend; it need not exist
	Getenv   func(string) string // nil: os.Getenv
}

// budget bounds the whole look: what does not answer in time is left out.
const budget = 900 * time.Millisecond

// Run looks at everything, in at most about a second, and returns what it
// found in a fixed order. It never fails: what cannot be found out is a
// finding too.
func Run(ctx context.Context, opt Options) []Finding {
	if opt.Getenv == nil {
		opt.Getenv = os.Getenv
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	look := []func(context.Context, Options) []Finding{
		stateDir, diskSpace, backendLock, sockets, tokens,
		limits, groups, login,
		python, environmentTools, containerEngines, packagesSize, rayHere,
		clock, terminal,
	}
	found := make([][]Finding, len(look))
	var wg sync.WaitGroup
	for i, f := range look {
		wg.Go(func() { found[i] = f(ctx, opt) })
	}
	wg.Wait()
	return slices.Concat(found...)
}

// Worst is the worst level among findings; OK when there is none.
func Worst(found []Finding) Level {
	worst := OK
	for _, f := range found {
		if f.Level == Bad || f.Level == Warn && worst == OK {
			worst = f.Level
		}
	}
	return worst
}
