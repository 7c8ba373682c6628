package ledger_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/ledger"
	"dray/backend/rayapi"
)

func record(t *testing.T, l *ledger.Ledger, r rayapi.SubmitRequest, parent string, at time.Time) {
	t.Helper()
	if err := l.Record("k", r, parent, at); err != nil {
		t.Fatal(err)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := ledger.New(dir)
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i, e := range []string{"train --lr 1", "eval", "train --lr 1", "Train --lr 2"} {
		env := json.RawMessage(`{"pip":["a"]}`)
		if e == "eval" {
			env = json.RawMessage(`{"pip":["b"]}`)
		}
		id := fmt.Sprintf("job-%d", i)
		record(t, l, rayapi.SubmitRequest{Entrypoint: e, SubmissionID: id, Metadata: map[string]string{"team": "vision"}, RuntimeEnv: env}, "", start.Add(time.Duration(i)*time.Minute))
		at := start.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(filepath.Join(dir, "k", id+".json"), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "k", "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	ids := func(q ledger.Query) string {
		list, err := l.History("k", q)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range list {
			ids = append(ids, e.Request.SubmissionID)
		}
		return strings.Join(ids, " ")
	}
	for _, tt := range []struct {
		q    ledger.Query
		want string
	}{
		{ledger.Query{}, "job-3 job-2 job-1 job-0"},
		{ledger.Query{Limit: 2}, "job-3 job-2"},
		{ledger.Query{Text: "TRAIN vision"}, "job-3 job-2 job-0"},
		{ledger.Query{Text: "job-1"}, "job-1"},
		{ledger.Query{Text: "train nothing"}, ""},
		{ledger.Query{Entrypoint: "train --lr 1", Limit: 1}, "job-2"},
	} {
		if got := ids(tt.q); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.q, got, tt.want)
		}
	}
	points, err := l.Entrypoints("k", 2)
	if diff := cmp.Diff([]string{"Train --lr 2", "train --lr 1"}, points); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	same, err := l.SameEntrypoint("k", "train --lr 1", 10)
	if err != nil || len(same) != 2 {
		t.Errorf("same: %v %v", same, err)
	}
	envs, err := l.RuntimeEnvs("k", 5)
	if err != nil || len(envs) != 2 || envs[0].Jobs != 3 || string(envs[1].JSON) != `{"pip":["b"]}` {
		t.Errorf("environments: %v %v", envs, err)
	}
	if list, err := l.History("another", ledger.Query{}); len(list) != 0 || err != nil {
		t.Errorf("another server: %v %v", list, err)
	}
}

func TestPending(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := ledger.New(dir)
	at := time.Now()
	record(t, l, rayapi.SubmitRequest{Entrypoint: "a", SubmissionID: "one"}, "", at.Add(time.Second))
	record(t, l, rayapi.SubmitRequest{Entrypoint: "b", SubmissionID: "two"}, "", at)
	pending := func() []string {
		list, err := ledger.New(dir).Pending("k") // as the next start sees it
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range list {
			ids = append(ids, e.Request.SubmissionID)
		}
		return ids
	}
	if diff := cmp.Diff([]string{"two", "one"}, pending()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := l.Done("k", "one"); err != nil {
		t.Fatal(err)
	}
	if err := l.Drop("k", "two", at); err != nil {
		t.Fatal(err)
	}
	if got := pending(); got != nil {
		t.Errorf("pending: %v", got)
	}
	if err := l.Done("k", "never"); err != nil {
		t.Errorf("what was not pending: %v", err)
	}
	// A process that ended between the intent and the record has sent nothing.
	record(t, l, rayapi.SubmitRequest{Entrypoint: "c", SubmissionID: "three"}, "", at)
	if err := os.Remove(filepath.Join(dir, "k", "three.json")); err != nil {
		t.Fatal(err)
	}
	if got := pending(); got != nil {
		t.Errorf("pending: %v", got)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	r := rayapi.SubmitRequest{Entrypoint: "x", Metadata: map[string]string{"a": "b"}, RuntimeEnv: json.RawMessage(`{"env_vars":{"A":"b"}}`)}
	job := rayapi.Job{Entrypoint: "x", Metadata: map[string]string{"a": "b"}, RuntimeEnv: json.RawMessage(`{"env_vars":{"A":"<redacted>"}}`)}
	if !ledger.Same(job, r) {
		t.Error("a hidden value makes it another job")
	}
	for name, change := range map[string]func(*rayapi.Job){
		"entrypoint":  func(j *rayapi.Job) { j.Entrypoint = "y" },
		"metadata":    func(j *rayapi.Job) { j.Metadata = nil },
		"environment": func(j *rayapi.Job) { j.RuntimeEnv = json.RawMessage(`{"pip":["x"]}`) },
	} {
		other := job
		change(&other)
		if ledger.Same(other, r) {
			t.Errorf("another %s is the same", name)
		}
	}
}

func TestAncestors(t *testing.T) {
	t.Parallel()
	l := ledger.New(t.TempDir())
	at := time.Now()
	record(t, l, rayapi.SubmitRequest{Entrypoint: "x", SubmissionID: "a"}, "c", at) // a circle
	record(t, l, rayapi.SubmitRequest{Entrypoint: "x", SubmissionID: "b", Metadata: map[string]string{ledger.ParentKey: "a"}}, "", at)
	record(t, l, rayapi.SubmitRequest{Entrypoint: "x", SubmissionID: "c"}, "b", at)
	got := ledger.Ancestors("c", func(id string) string { return l.Parent("k", id) })
	if diff := cmp.Diff([]string{"b", "a"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := ledger.Ancestors("alone", func(id string) string { return l.Parent("k", id) }); got != nil {
		t.Errorf("of nobody: %v", got)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	old := rayapi.SubmitRequest{
		Entrypoint: "a", SubmissionID: "x", NumCPUs: 1, Resources: map[string]float64{"TPU": 1}, Metadata: map[string]string{"team": "v", "gone": "1"},
		RuntimeEnv: json.RawMessage(`{"pip":["torch==2.5","timm"],"env_vars":{"LR":"1","HF_TOKEN":"old","HIDDEN":"<redacted>"},"working_dir":"gcs://a.zip","config":{"eager_install":true}}`),
	}
	changed := rayapi.SubmitRequest{
		Entrypoint: "b", SubmissionID: "y", NumCPUs: 2, NumGPUs: 0.5, Metadata: map[string]string{"team": "v", ledger.ParentKey: "x", "new": "2"},
		RuntimeEnv: json.RawMessage(`{"env_vars":{"LR":"2","HF_TOKEN":"new","HIDDEN":"now"},"pip":["timm","torch==2.6"],"working_dir":"gcs://a.zip","conda":null}`),
	}
	var got []string
	for _, c := range ledger.Diff(old, changed) {
		got = append(got, c.String())
	}
	want := []string{
		"~ entrypoint: a -> b",
		"- runtime_env.config.eager_install: true",
		"~ runtime_env.env_vars.HF_TOKEN: •••••••• -> ••••••••",
		"~ runtime_env.env_vars.LR: 1 -> 2",
		"- runtime_env.pip: torch==2.5",
		"+ runtime_env.pip: torch==2.6",
		"- metadata.gone: 1",
		"+ metadata.new: 2",
		"~ entrypoint_num_cpus: 1 -> 2",
		"+ entrypoint_num_gpus: 0.5",
		"- entrypoint_resources.TPU: 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if same := ledger.Diff(old, old); same != nil {
		t.Errorf("to itself: %v", same)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	base := rayapi.SubmitRequest{Entrypoint: "train --lr 1", SubmissionID: "p", Metadata: map[string]string{"team": "v"}, NumGPUs: 1}
	list, err := ledger.Sweep(base, "p", "--lr", []string{"0.1", "0.2"}, func(id string) bool { return id == "p-r2" })
	if err != nil {
		t.Fatal(err)
	}
	want := []rayapi.SubmitRequest{
		{Entrypoint: "train --lr 0.1", SubmissionID: "p-r3", NumGPUs: 1, Metadata: map[string]string{"team": "v", ledger.ParentKey: "p", ledger.SweepKey: "--lr=0.1"}},
		{Entrypoint: "train --lr 0.2", SubmissionID: "p-r4", NumGPUs: 1, Metadata: map[string]string{"team": "v", ledger.ParentKey: "p", ledger.SweepKey: "--lr=0.2"}},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(base.Metadata) != 1 {
		t.Error("the base was changed")
	}
	list, err = ledger.Sweep(base, "", "env.API_KEY", []string{"sk-1"}, nil)
	if err != nil || list[0].Metadata[ledger.SweepKey] != "" || list[0].Metadata[ledger.ParentKey] != "" || list[0].SubmissionID == "p" {
		t.Errorf("a secret, without a parent: %+v %v", list, err)
	}
	for name, values := range map[string][]string{"no values": nil, "too many": make([]string, ledger.MaxSweep+1), "one is wrong": {"1", "-2"}} {
		if list, err := ledger.Sweep(base, "p", "entrypoint_num_gpus", values, nil); err == nil {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func TestPackages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := ledger.New(dir).Packages(10)
	keep := func(name, content string) {
		t.Helper()
		if err := p.Keep(name, strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	age := func(name string, d time.Duration) {
		t.Helper()
		at := time.Now().Add(-d)
		if err := os.Chtimes(filepath.Join(dir, ".packages", name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	keep("a.zip", "aaaa")
	age("a.zip", 3*time.Hour)
	keep("b.zip", "bbbb")
	age("b.zip", 2*time.Hour)
	if !p.Has("a.zip") { // used now
		t.Fatal("a is not kept")
	}
	keep("c.zip", "cccc")
	if p.Has("b.zip") || !p.Has("a.zip") || !p.Has("c.zip") {
		t.Error("not the package that was unused for longest was dropped")
	}
	if err := p.Keep("d.zip", strings.NewReader("more than ten bytes")); err == nil || p.Has("d.zip") || !p.Has("a.zip") {
		t.Errorf("a package that is too large: %v", err)
	}
	for _, name := range []string{"../x.zip", "x/y.zip", ".x", ""} {
		if err := p.Keep(name, strings.NewReader("x")); err == nil || p.Has(name) {
			t.Errorf("%q: %v", name, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, ".packages", "a.zip"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v %v", info.Mode(), err)
	}
}

func TestRerunWith(t *testing.T) {
	t.Parallel()
	id := "x"
	job := rayapi.Job{Type: rayapi.TypeSubmission, SubmissionID: &id, Entrypoint: "e", RuntimeEnv: json.RawMessage(`{"env_vars":{"T":"<redacted>"}}`)}
	if _, _, err := ledger.RerunWith(job, nil, "y", nil); err == nil {
		t.Error("a hidden value was resubmitted")
	}
	r, _, err := ledger.RerunWith(job, nil, "y", func(r rayapi.SubmitRequest) (rayapi.SubmitRequest, error) {
		r.RuntimeEnv = json.RawMessage(`{"env_vars":{"T":"typed"}}`)
		return r, nil
	})
	if err != nil || r.SubmissionID != "y" || r.Metadata[ledger.ParentKey] != "x" {
		t.Errorf("%+v %v", r, err)
	}
	entry := ledger.Entry{Request: rayapi.SubmitRequest{Entrypoint: "e", SubmissionID: "x", NumCPUs: 2}}
	if r, _, err := ledger.RerunWith(ledger.Forgotten(entry), &entry, "z", nil); err != nil || r.NumCPUs != 2 {
		t.Errorf("of a job that the server has forgotten: %+v %v", r, err)
	}
}
