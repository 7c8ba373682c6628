package contexts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
)

// script writes a program and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// The command's headers go with calls and with the log socket; when the server
// wants others, the command runs again, once, and the call goes through.
func TestCluster_headerCommandRotates(t *testing.T) {
	t.Parallel()
	h := serve(t, nil, false)
	dir := t.TempDir()
	c := Cluster{
		Name: "c", Address: h.URL, Dir: dir,
		HeaderCommand: []string{script(t, `echo run >>runs; printf 'X-Key: %s\n\nX-Other: o\n' "$(cat key)"`)},
	}
	rotate := func(key string) {
		if err := os.WriteFile(filepath.Join(dir, "key"), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		h.want(key)
	}
	runs := func() int {
		text, err := os.ReadFile(filepath.Join(dir, "runs"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "run")
	}
	rotate("one")
	s := &source{
		command: &command{argv: c.HeaderCommand, dir: dir, timeout: time.Minute, cluster: "c"}, lock: make(chan struct{}, 1),
		now: time.Now,
	}
	late := 0 * time.Second
	s.now = func() time.Time { return time.Now().Add(late) }
	got, err := client.New(client.Endpoint{BaseURL: h.URL, Fresh: s.headers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(got.Close)
	for range 3 {
		if _, err := got.List(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := tail(t, got); err != nil || text != "hello\n" {
		t.Fatalf("log %q, %v", text, err)
	}
	if n := runs(); n != 1 {
		t.Errorf("the command ran %d times for one set of headers", n)
	}
	rotate("two")
	if _, err := got.List(t.Context()); !errors.Is(err, client.ErrUnauthorized) || runs() != 1 {
		t.Errorf("refused just after the command ran: %v, %d runs", err, runs())
	}
	late = again
	if _, err := got.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "true"}); err != nil || runs() != 2 {
		t.Errorf("a submit after new headers: %v, %d runs", err, runs())
	}
	rotate("three")
	late = 2 * again
	if text, err := tail(t, got); err != nil || text != "hello\n" || runs() != 3 {
		t.Errorf("the log socket after new headers: %q, %v, %d runs", text, err, runs())
	}
}

// Headers that are refused and come again the same are fetched ever more
// rarely: a poll of an hour must not ask the user for a passphrase each time.
func TestCluster_headerCommandIsSpared(t *testing.T) {
	t.Parallel()
	runs, now := 0, time.Unix(0, 0)
	s := &source{lock: make(chan struct{}, 1), now: func() time.Time { return now }, token: func() (string, error) {
		runs++
		return "stale", nil
	}}
	have, err := s.headers(t.Context(), nil)
	for range 450 { // each refused, every 8 s
		now = now.Add(8 * time.Second)
		if err == nil {
			have, err = s.headers(t.Context(), have)
		}
	}
	if err != nil || runs < 12 || runs > 24 {
		t.Errorf("%d runs in an hour, %v", runs, err)
	}
}

// What is wrong with a command is said, and none of what it printed.
func TestCluster_headerCommandFails(t *testing.T) {
	t.Parallel()
	h := serve(t, nil, false)
	tests := []struct{ name, text, want string }{
		{"exit", "echo 'X-Key: hush'; echo hush >&2; exit 3", "ended with exit status 3: try it in a shell"},
		{"no line", "echo hush", `line 1 of what it prints is not "Name: value"`},
		{"bad name", "echo; echo 'a b: hush'", `line 2 of what it prints is not "Name: value"`},
		{"nothing", "true", "prints no header"},
		{"too much", "while echo 'X-Hush: hush'; do :; done", ""},
		{"hangs", "sleep 600 & sleep 600", "did not end within 300ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := Cluster{Name: "c", Address: h.URL, HeaderCommand: []string{script(t, tt.text)}, HeaderTimeout: 300 * time.Millisecond}
			if tt.name != "hangs" && tt.name != "too much" {
				c.HeaderTimeout = time.Minute
			}
			_, err := dial(t, c).List(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("err = %v, want %q and no secret", err, tt.want)
			}
			for _, meaning := range []error{client.ErrNoHeaders, client.ErrUnauthorized, client.ErrNotSent} {
				if !errors.Is(err, meaning) {
					t.Errorf("%v is not %v", err, meaning)
				}
			}
			if errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v passes for an outage", err)
			}
		})
	}
	t.Cleanup(func() {
		if got := h.requests(); len(got) > 0 {
			t.Errorf("%q was sent without headers", got)
		}
	})
}

// Who gives up while the command runs is not told that it failed.
func TestCluster_headerCommandIsLeft(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	began := filepath.Join(t.TempDir(), "began")
	c := dial(t, Cluster{Name: "c", Address: "http://127.0.0.1:1", HeaderCommand: []string{script(t, "touch "+began+"; sleep 600")}})
	go func() {
		for {
			if _, err := os.Stat(began); err == nil || t.Context().Err() != nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := c.List(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrNoHeaders) {
		t.Errorf("err = %v", err)
	}
}
