//go:build linux

package backend_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dray/backend"
	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/backend/supervise"
)

// The test binary is the supervisor too: the backend starts its own program.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == backend.SuperviseVerb {
		os.Exit(supervise.Main(os.Args[2]))
	}
	playRole()
	code := 0
	goleak.VerifyTestMain(m, goleak.Cleanup(func(c int) { code = c }))
	if left := sweep(); left > 0 {
		fmt.Fprintf(os.Stderr, "%d processes survived the tests\n", left)
		code = max(code, 1)
	}
	os.Exit(code)
}

func open(t testing.TB, state string) (*backend.Host, *client.Client) {
	t.Helper()
	h, err := backend.Open(t.Context(), backend.Config{StateDir: state, DefaultDir: t.TempDir(), Version: "test", Getenv: noEnv})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(h.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	return h, c
}

func noEnv(string) string { return "" }

func shut(t testing.TB, h *backend.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

func ended(t testing.TB, c *client.Client, id string) rayapi.Job {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		j, err := c.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.Status.IsTerminal() {
			return j
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is %s after a minute", id, j.Status)
		}
		time.Sleep(25 * time.Millisecond) // the wire has no event for a status
	}
}

// Of several processes on one state folder one is the backend; a guest uses it
// and takes over when it goes.
func TestHost_takeOver(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	first, _ := open(t, state)
	second, c := open(t, state)
	defer shut(t, second)
	if !first.Holder() || second.Holder() {
		t.Fatalf("holders: first %t, second %t, want the first alone", first.Holder(), second.Holder())
	}
	id, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "sleep 0.7; exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	for {
		j, err := c.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.Status == rayapi.StatusRunning {
			break
		}
		time.Sleep(5 * time.Millisecond) // the wire has no event for a status
	}
	shut(t, first)
	j := ended(t, c, id)
	if j.DriverExitCode == nil || *j.DriverExitCode != 3 {
		t.Errorf("after the take-over: %+v", j)
	}
	if !second.Holder() {
		t.Error("the second did not become the backend")
	}
}

// A guest learns of the end of the backend by an event, and has taken over long
// before it would look by itself; one of several does.
func TestHost_takesOverAtOnce(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	first, _ := open(t, state)
	guests := make([]*backend.Host, 3)
	for i := range guests {
		guests[i], _ = open(t, state)
		defer shut(t, guests[i])
	}
	shut(t, first)
	began := time.Now()
	for holders := 0; holders == 0; time.Sleep(time.Millisecond) { // nothing tells who the backend is
		for _, g := range guests {
			if g.Holder() {
				holders++
			}
		}
		if time.Since(began) > 3*time.Second {
			t.Fatal("after 3 s nobody has taken over")
		}
	}
}

// A guest's handler passes requests on, the log's WebSocket included.
func TestHost_proxy(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	first, _ := open(t, state)
	defer shut(t, first)
	second, _ := open(t, state)
	defer shut(t, second)
	srv := httptest.NewServer(second.Handler())
	defer srv.Close()
	c, err := client.New(client.Endpoint{BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "echo through the proxy"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Follow(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := ""
	for {
		chunk, err := f.Next(t.Context())
		if err != nil {
			break
		}
		text += chunk.Data
	}
	if want := "through the proxy\n"; len(text) < len(want) || text[len(text)-len(want):] != want {
		t.Errorf("followed %q", text)
	}
}

// Several hosts that open at once agree on one backend.
func TestHost_oneOfMany(t *testing.T) {
	t.Parallel()
	for range 10 {
		state := filepath.Join(t.TempDir(), "state")
		hosts := make([]*backend.Host, 3)
		var wg sync.WaitGroup
		for i := range hosts {
			wg.Go(func() {
				h, err := backend.Open(t.Context(), backend.Config{StateDir: state, DefaultDir: "/", Version: "test", Getenv: noEnv})
				if err != nil {
					t.Error(err)
				}
				hosts[i] = h
			})
		}
		wg.Wait()
		holders := 0
		for _, h := range hosts {
			if h.Holder() {
				holders++
			}
		}
		if holders != 1 {
			t.Errorf("%d holders, want 1", holders)
		}
		for _, h := range hosts {
			shut(t, h)
		}
	}
}
