//go:build linux

// Command screenshots takes the pictures of the README: it runs the real dray
// on real jobs in a pseudo-terminal and renders what it wrote through xterm.js
// in headless Chromium.
//
// It needs npm and Chromium, which make screenshots says when they are
// missing. Nothing but `make screenshots` uses it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	dray := flag.String("dray", "bin/dray", "the `binary` to take pictures of")
	cache := flag.String("cache", ".cache/screenshots", "`folder` for what is downloaded")
	out := flag.String("out", "screenshots", "`folder` of the pictures")
	only := flag.String("only", "", "take the `picture` of this name alone")
	flag.Parse()
	bin, err := filepath.Abs(*dray)
	if err != nil {
		return err
	}
	r, err := newRenderer(ctx, *cache)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	st, err := newStage(ctx, bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	for _, sc := range scenes() {
		if *only != "" && *only != sc.name {
			continue
		}
		raw, err := st.play(ctx, sc)
		if err != nil {
			return fmt.Errorf("scene %s: %w", sc.name, err)
		}
		path := filepath.Join(*out, sc.name+".png")
		if err := r.render(ctx, raw, sc.cols, sc.rows, path); err != nil {
			return fmt.Errorf("scene %s: %w", sc.name, err)
		}
		fmt.Println(path)
	}
	return nil
}
