package notify

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dray/backend/rayapi"
	"dray/tui/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func jobs(states ...string) []rayapi.Job {
	var out []rayapi.Job
	for _, s := range states {
		id, status, _ := strings.Cut(s, ":")
		out = append(out, rayapi.Job{Type: rayapi.TypeSubmission, SubmissionID: &id, Status: rayapi.Status(status)})
	}
	return out
}

func TestWatcher_eachChangeOnce(t *testing.T) {
	t.Parallel()
	const p, r, s = "a:PENDING", "a:RUNNING", "a:SUCCEEDED"
	tests := []struct {
		name    string
		answers [][]rayapi.Job
		want    []string
	}{
		{"from start to end", [][]rayapi.Job{jobs(p), jobs(p), jobs(r), jobs(r), jobs(s), jobs(s)}, []string{"a running", "a succeeded"}},
		{"what was so before is no news", [][]rayapi.Job{jobs(s), jobs(s)}, nil},
		{"a job seen for the first time", [][]rayapi.Job{jobs(), jobs(s)}, nil},
		{"missed in between", [][]rayapi.Job{jobs(p), jobs(s)}, []string{"a succeeded"}},
		{"an end is told once though it flickers", [][]rayapi.Job{jobs(r), jobs(s), jobs(r), jobs(s)}, []string{"a succeeded"}},
		{"gone and back", [][]rayapi.Job{jobs(r), jobs(s), jobs(), jobs(s)}, []string{"a succeeded"}},
		{"not watched", [][]rayapi.Job{jobs("b:RUNNING"), jobs("b:FAILED")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var w Watcher
			var got []string
			for _, a := range tt.answers {
				next, changes := w.Next(a, func(j rayapi.Job) bool { return j.ID() == "a" }, "srv", time.Time{})
				w = next
				for _, c := range changes {
					got = append(got, c.Text())
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSequence_hostileNamesInjectNothing(t *testing.T) {
	t.Parallel()
	n := settings.Notify{OSC: true, Bell: true}
	for _, id := range []string{"a\x1b]0;x\a", "a\ab", "a\x9c\u009c", "a;b\\", "a\u202eb", "a\nb", strings.Repeat("x", 9999), "a\x1b\\"} {
		seq := Sequence(n, func(string) string { return "" }, Change{ID: id, Status: "FAILED"})
		if strings.Count(seq, "\x1b") != 2 || strings.Count(seq, "\a") != 3 || strings.ContainsAny(seq, "\n\\\u009c\u202e") || len(seq) > 600 {
			t.Errorf("%q becomes %q", id, seq)
		}
		if title := Title(id); strings.Count(title, "\x1b") != 1 || strings.Count(title, "\a") != 1 {
			t.Errorf("the title of %q is %q", id, title)
		}
	}
}

func TestSequence_throughMultiplexers(t *testing.T) {
	t.Parallel()
	c := Change{ID: "a", Status: "FAILED"}
	for name, want := range map[string]string{"": "\x1b]9;a failed\a\x1b]777;notify;dray;a failed\a", "TMUX": "\x1bPtmux;\x1b\x1b]9;", "STY": "\x1bP\x1b]9;"} {
		got := Sequence(settings.Notify{OSC: true}, func(k string) string { return map[bool]string{true: "1"}[k == name] }, c)
		if !strings.HasPrefix(got, want) {
			t.Errorf("in %q: %q, want it to begin with %q", name, got, want)
		}
	}
	if got := Sequence(settings.Notify{}, func(string) string { return "" }, c); got != "" {
		t.Errorf("all off, and it writes %q", got)
	}
}

func TestCommand_getsTheChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	code := 7
	c := Change{ID: "a; touch hacked", Status: "FAILED", From: "RUNNING", ExitCode: &code}
	if err := Command(t.Context(), `printf '%s %s %s' "$DRAY_JOB_ID" "$DRAY_JOB_STATUS" "$DRAY_JOB_EXIT_CODE" > out`, dir, c); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil || string(got) != "a; touch hacked FAILED 7" {
		t.Errorf("out = %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "hacked")); err == nil {
		t.Error("the name of the job was run")
	}
	if err := Command(t.Context(), "echo no such pager >&2; exit 3", dir, c); err == nil || !strings.Contains(err.Error(), "no such pager") {
		t.Errorf("err = %v", err)
	}
}

func TestWebhook_oneCall(t *testing.T) {
	t.Parallel()
	var bodies []string
	status := http.StatusNoContent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, r.Method+" "+string(b))
		w.WriteHeader(status)
	}))
	defer srv.Close()
	c := Change{ID: "a", From: "RUNNING", Status: "FAILED", Server: "head"}
	if err := Webhook(t.Context(), srv.URL, c); err != nil {
		t.Fatal(err)
	}
	status = http.StatusInternalServerError
	if err := Webhook(t.Context(), srv.URL, c); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("err = %v", err)
	}
	if len(bodies) != 2 {
		t.Fatalf("%d calls for 2 changes", len(bodies))
	}
	var got Change
	if err := json.Unmarshal([]byte(strings.TrimPrefix(bodies[0], "POST ")), &got); err != nil || got.ID != "a" || got.Status != "FAILED" {
		t.Errorf("body %q, %v", bodies[0], err)
	}
}
