//go:build unix

package tui

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/client"
	"dray/tui/screen"
	"dray/tui/settings"
	"dray/tui/tuitest"
)

// readOnly puts a server, which writes down in a file each request that could
// change something, behind a client that is read-only: the dashboard knows of
// it ("readonly") or not ("readonly client"), or it is not ("writable"). It
// returns what ends the server.
func readOnly(env *screen.Env, scene, dir string) func() {
	jobs := tuitest.Jobs20()
	for i := range jobs {
		if jobs[i].Type == "SUBMISSION" && jobs[i].RuntimeEnv == nil {
			jobs[i].RuntimeEnv = json.RawMessage("{}")
		}
	}
	list, err := json.Marshal(jobs)
	if err != nil {
		panic(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			f, err := os.OpenFile(filepath.Join(dir, "writes"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			fmt.Fprintln(f, r.Method, r.URL.Path)
			f.Close()
			return
		}
		switch id := strings.TrimPrefix(r.URL.Path, "/api/jobs/"); {
		case r.URL.Path == "/api/jobs/":
			_, _ = w.Write(list)
		case strings.HasSuffix(id, "/logs"):
			fmt.Fprint(w, `{"logs":"ERROR one\n"}`)
		default:
			for _, j := range jobs {
				if j.ID() == id {
					_ = json.NewEncoder(w).Encode(j)
					return
				}
			}
			http.Error(w, "Job "+id+" does not exist", http.StatusNotFound)
		}
	}))
	c, err := client.New(client.Endpoint{BaseURL: srv.URL, Name: "lab", ReadOnly: scene != "writable"})
	if err != nil {
		panic(err)
	}
	env.Jobs = screen.FromClient(c)
	env.Target = screen.Target{Name: "lab", Address: srv.URL, ReadOnly: scene == "readonly"}
	set := settings.Default()
	set.Hotkeys = []settings.Hotkey{{Key: "f7", Name: "end", Run: "stop $ID"}, {Key: "f8", Name: "gone", Run: "delete $ID"}}
	set.Keys = map[string][]string{"job.stop": {"K"}}
	env.Settings = set
	return srv.Close
}

// agreeing are keys that ask for all that changes a job, in every way that
// there is, and agree.
func agreeing() []string {
	return []string{
		"g", "Ky", "\r", "GDy", "\r", "gDy", "\r", " j j jKy", "\r", "*Ky", "\r", "*Dy", "\r", "\x1b", "\x1b[18~", "y", "\r", "\x1b[19~", "y", "\r",
		":stop sweep-lr-0.03\r", "y", "\r", ":delete nightly-2026-11-22\r", "y", "\r", ":rerun nightly-2026-11-22\r", "y", "\x1b", "\x1b",
		"gry", "\x1b", "\x1b",
		"n", "python x.py", "\x13", "\x13", "\x1b", "\x1b", "e", "\x13", "\x1b", "\x1b",
	}
}

// The walk below would see what is sent.
func TestReadOnly_otherwiseItIsSent(t *testing.T) {
	t.Parallel()
	got := strings.Join(walkIn(t, "writable", agreeing()), "\n")
	for _, want := range []string{"/stop", "POST /api/jobs/\n", "DELETE /api/jobs/"} {
		if !strings.Contains(got+"\n", want) {
			t.Errorf("no %q among\n%s", want, got)
		}
	}
}

// A read-only server gets no request that could change anything from any key,
// command, bulk or key of the user's, also from those that agree to questions;
// and it does not when only the client knows that it is read-only.
func TestReadOnly_nothingIsSent(t *testing.T) {
	t.Parallel()
	const walks, steps = 2, 250
	fixed := agreeing()
	for _, scene := range []string{"readonly", "readonly client"} {
		t.Run(scene, func(t *testing.T) {
			t.Parallel()
			if got := walkIn(t, scene, fixed); len(got) > 0 {
				t.Errorf("%q was sent", got)
			}
		})
		for i := range walks {
			t.Run(fmt.Sprint(scene, i), func(t *testing.T) {
				t.Parallel()
				keys := append(walkKeys(), "y", "y", "y", "\r", "\r", "\x13", "u")
				random := rand.New(rand.NewPCG(uint64(i), uint64(len(scene))))
				var pressed []string
				for len(pressed) < steps {
					pressed = append(pressed, keys[random.IntN(len(keys))])
				}
				if got := walkIn(t, scene, pressed); len(got) > 0 {
					t.Errorf("%q was sent by %q", got, pressed)
				}
			})
		}
	}
}
