package ledger

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/rayapi"
)

func jobOf(r rayapi.SubmitRequest) rayapi.Job {
	return rayapi.Job{
		Type: rayapi.TypeSubmission, SubmissionID: &r.SubmissionID, Status: rayapi.StatusFailed,
		Entrypoint: r.Entrypoint, Metadata: r.Metadata, RuntimeEnv: r.RuntimeEnv,
	}
}

func TestRerun(t *testing.T) {
	t.Parallel()
	full := make(map[string]string)
	for i := range rayapi.MaxMetadataKeys {
		full[string(rune('A'+i))] = "x"
	}
	for _, tt := range []struct {
		name  string
		job   func() (rayapi.Job, *Entry)
		want  func() rayapi.SubmitRequest
		notes []string
	}{
		{
			"from the ledger",
			func() (rayapi.Job, *Entry) { return jobOf(request("a")), &Entry{Request: request("a")} },
			func() rayapi.SubmitRequest {
				r := request("n")
				r.Metadata = map[string]string{"team": "vision", ParentKey: "a"}
				return r
			},
			nil,
		},
		{
			"from the details",
			func() (rayapi.Job, *Entry) { return jobOf(request("a")), nil },
			func() rayapi.SubmitRequest {
				r := request("n")
				return rayapi.SubmitRequest{
					Entrypoint: r.Entrypoint, SubmissionID: "n", RuntimeEnv: r.RuntimeEnv,
					Metadata: map[string]string{"team": "vision", ParentKey: "a"},
				}
			},
			[]string{"not known", "gcs://_ray_pkg_00.zip may be gone"},
		},
		{
			"entry of another job",
			func() (rayapi.Job, *Entry) {
				other := request("a")
				other.Entrypoint = "rm -rf x"
				return jobOf(rayapi.SubmitRequest{SubmissionID: "a", Entrypoint: "ls", RuntimeEnv: json.RawMessage("{}")}), &Entry{Request: other}
			},
			func() rayapi.SubmitRequest {
				return rayapi.SubmitRequest{Entrypoint: "ls", SubmissionID: "n", Metadata: map[string]string{ParentKey: "a"}}
			},
			[]string{"another job", "not known"},
		},
		{
			"rerun of a rerun",
			func() (rayapi.Job, *Entry) {
				r := rayapi.SubmitRequest{SubmissionID: "a-r2", Entrypoint: "ls", Metadata: map[string]string{ParentKey: "a"}}
				return jobOf(r), &Entry{Request: r}
			},
			func() rayapi.SubmitRequest {
				return rayapi.SubmitRequest{Entrypoint: "ls", SubmissionID: "n", Metadata: map[string]string{ParentKey: "a-r2"}}
			},
			nil,
		},
		{
			"no room for the lineage",
			func() (rayapi.Job, *Entry) {
				r := rayapi.SubmitRequest{SubmissionID: "a", Entrypoint: "ls", Metadata: full}
				return jobOf(r), &Entry{Request: r}
			},
			func() rayapi.SubmitRequest {
				return rayapi.SubmitRequest{Entrypoint: "ls", SubmissionID: "n", Metadata: full}
			},
			[]string{"metadata is full"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job, entry := tt.job()
			got, notes, err := Rerun(job, entry, "n")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want(), got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if len(notes) != len(tt.notes) {
				t.Fatalf("notes = %q, want %q", notes, tt.notes)
			}
			for i, n := range tt.notes {
				if !strings.Contains(notes[i], n) {
					t.Errorf("note %d = %q, want %q in it", i, notes[i], n)
				}
			}
		})
	}
}

func TestRerun_Refused(t *testing.T) {
	t.Parallel()
	hex := "02000000"
	hidden := request("a")
	hidden.RuntimeEnv = json.RawMessage(`{"env_vars":{"HF_TOKEN":"<redacted>","A":"b"},"pip":["git+https://<redacted>@x"]}`)
	for _, tt := range []struct {
		name string
		job  rayapi.Job
		want []string
	}{
		{"driver", rayapi.Job{Type: rayapi.TypeDriver, JobID: &hex, Entrypoint: "python x"}, []string{hex, "driver"}},
		{"no submission id", rayapi.Job{Type: rayapi.TypeSubmission, JobID: &hex, Entrypoint: "python x"}, []string{hex}},
		{"ghost", jobOf(rayapi.SubmitRequest{SubmissionID: "g", Entrypoint: "Entrypoint not found."}), []string{"g", "deleted"}},
		{"hidden values", jobOf(hidden), []string{"env_vars.HF_TOKEN", "pip[0]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Rerun(tt.job, nil, "n")
			if !errors.Is(err, ErrNoRerun) {
				t.Fatalf("Rerun = %v, want ErrNoRerun", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("Rerun = %q, want %q in it", err, w)
				}
			}
		})
	}
	t.Run("hidden value is known here", func(t *testing.T) {
		t.Parallel()
		if _, _, err := Rerun(jobOf(hidden), &Entry{Request: request("a")}, "n"); err != nil {
			t.Errorf("Rerun with the recorded values = %v", err)
		}
	})
}

func TestNextID(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", rayapi.MaxIDLength)
	for _, tt := range []struct {
		name, id string
		taken    []string
		want     string
	}{
		{"first", "a", nil, "a-r2"},
		{"second is taken", "a", []string{"a-r2", "a-r3"}, "a-r4"},
		{"of a rerun", "a-r2", nil, "a-r3"},
		{"of a rerun of a rerun", "a-r9", []string{"a-r10"}, "a-r11"},
		{"looks alike", "x-r", nil, "x-r-r2"},
		{"zero", "x-r0", nil, "x-r0-r2"},
		{"longest", long, nil, long[:rayapi.MaxIDLength-3] + "-r2"},
		{"too long", long + "yy", nil, long[:rayapi.MaxIDLength-3] + "-r2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			taken := func(id string) bool {
				for _, x := range tt.taken {
					if x == id {
						return true
					}
				}
				return false
			}
			if got := NextID(tt.id, taken); got != tt.want {
				t.Errorf("NextID(%q) = %q, want %q", tt.id, got, tt.want)
			}
		})
	}
	t.Run("always valid and new", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			id := rapid.String().Draw(t, "id")
			tries := rapid.IntRange(0, 5).Draw(t, "taken")
			got := NextID(id, func(string) bool { tries--; return tries >= 0 })
			if err := rayapi.CheckID(got); err != nil || got == id {
				t.Fatalf("NextID(%q) = %q, %v", id, got, err)
			}
		})
	})
}
