package jobquery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/jobquery"
	"dray/tui/tuitest"
)

func facts() *jobquery.Facts {
	return &jobquery.Facts{Now: tuitest.Now(), User: "ana"}
}

// some are jobs in which each field has something to find, some fields are
// missing, and one job has no id at all.
func some() []jobquery.Row {
	train := tuitest.Failed("train-1", "python train.py --lr 3e-4", 3*time.Hour, 2*time.Minute, 137, "Killed\n")
	train.Metadata = map[string]string{"team": "Vision", "owner": "ana", "job_name": "big one"}
	node := "a1b2c3"
	train.DriverNodeID, train.DriverInfo = &node, &rayapi.DriverInfo{NodeIPAddress: "10.4.0.17"}
	sweep := tuitest.Job("Sweep-lr-0.03", rayapi.StatusRunning, "python Sweep.py --lr 3e-2", 30*time.Minute, 0)
	sweep.Metadata = map[string]string{"team": "nlp", "user": "bob"}
	etl := tuitest.Job("etl-9", rayapi.StatusSucceeded, `sh -c "python etl.py"`, 50*time.Hour, 90*time.Minute)
	wait := tuitest.Job("wait", rayapi.StatusPending, "sleep 9", time.Second, 0)
	wait.StartTime = nil
	killed := tuitest.Failed("killed", "s3://bucket/run.sh host:8265", time.Minute, time.Second, -9, "")
	none := tuitest.Job("", rayapi.StatusStopped, "", time.Hour, time.Minute)
	none.SubmissionID, none.Metadata, none.Message = nil, nil, nil
	jobs := []rayapi.Job{train, sweep, etl, wait, killed, tuitest.Driver("02000000", rayapi.StatusSucceeded, 30*time.Hour, time.Hour), none}
	rows := make([]jobquery.Row, len(jobs))
	for i := range jobs {
		rows[i] = jobquery.NewRow(&jobs[i])
	}
	return rows
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const all = "train-1 Sweep-lr-0.03 etl-9 wait killed 02000000 -"
	tests := []struct{ query, want string }{
		{"", all},
		{"!", all},
		{"|", all},
		{"sweep", "Sweep-lr-0.03"},
		{"TRAIN.py", "train-1"},
		{"python lr", "train-1 Sweep-lr-0.03"},
		{"python !lr", "etl-9"},
		{"team=vision", "train-1"},
		{"running", "Sweep-lr-0.03"},
		{`"-c python"`, ""},
		{`"sh -c"`, "etl-9"},
		{`!"python"`, "wait killed 02000000 -"},
		{"s3://bucket", "killed"},
		{"host:8265", "killed"},
		{`"status:failed"`, ""},
		{"etl | wait", "etl-9 wait"},
		{"python lr !sweep | sleep", "train-1 wait"},
		{"status:failed", "train-1 killed"},
		{"status:fail,run", "train-1 Sweep-lr-0.03 killed"},
		{"state=STOPPED", "-"},
		{"status:s", "etl-9 -"},
		{"status:live", "Sweep-lr-0.03 wait"},
		{"!status:live", "train-1 etl-9 killed 02000000 -"},
		{"status:ended", "02000000"},
		{"type:driver", "02000000"},
		{"age<2d", "train-1 Sweep-lr-0.03 killed 02000000 -"},
		{"age>2d", "etl-9"},
		{"age<1h30m", "Sweep-lr-0.03 killed -"},
		{"age<=1h", "Sweep-lr-0.03 killed -"},
		{"ended<3h", "train-1 killed -"},
		{"dur>1h", "etl-9"},
		{"dur>=1h", "etl-9 02000000"},
		{"dur>29m dur<31m", "Sweep-lr-0.03"},
		{"exit:137", "train-1"},
		{"exit:137,SIGKILL", "train-1 killed"},
		{"exit:0", "etl-9"},
		{"exit>0", "train-1"},
		{"exit<=0", "etl-9 killed"},
		{"cmd~train|etl", "train-1 etl-9"},
		{"cmd~Sweep", "Sweep-lr-0.03"},
		{"cmd~TRAIN", ""},
		{`cmd~python\Ss`, ""},
		{`cmd~\Sweep`, "Sweep-lr-0.03"},
		{`cmd~sw.ep`, "Sweep-lr-0.03"},
		{"cmd~^sleep$", ""},
		{"cmd:sweep", "Sweep-lr-0.03"},
		{`cmd:"sh -c"`, "etl-9"},
		{"cmd=", ""},
		{"id:-0.03", "Sweep-lr-0.03"},
		{"id=WAIT", "wait"},
		{"name:big", "train-1"},
		{"user:ana,bob", "train-1 Sweep-lr-0.03"},
		{"mine", "train-1"},
		{"!mine team", "Sweep-lr-0.03"},
		{"node:10.4", "train-1"},
		{"node:a1b2", "train-1"},
		{"error:command", "train-1 killed"},
		{"msg:killed", "train-1"},
		{"meta.team:x", ""},
		{"meta.team:vis", "train-1"},
		{"meta.TEAM=nlp", "Sweep-lr-0.03"},
		{"meta.team:", "train-1 Sweep-lr-0.03"},
		{"!meta.team:", "etl-9 wait killed 02000000 -"},
		{"meta.team~^n", "Sweep-lr-0.03"},
		{"re:^sweep", "Sweep-lr-0.03"},
		{"re:owner=a", "train-1"},
		{"lr=3", ""},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			q, err := jobquery.Parse(tt.query)
			if err != nil && tt.want == "" {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := matching(q.Match); got != tt.want {
				t.Errorf("Parse(%q) matches %q, want %q", tt.query, got, tt.want)
			}
		})
	}
}

func matching(match func(*jobquery.Row, *jobquery.Facts) bool) string {
	var ids []string
	for _, r := range some() {
		if match(&r, facts()) {
			id := r.ID
			if id == "" {
				id = "-"
			}
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, " ")
}

func TestMatch_localJobsAreMine(t *testing.T) {
	t.Parallel()
	q, err := jobquery.Parse("mine python")
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	f.Local = true
	got := ""
	for _, r := range some() {
		if q.Match(&r, f) {
			got += r.ID + " "
		}
	}
	if got != "train-1 etl-9 " {
		t.Errorf("mine: %q", got)
	}
}

func TestMatchLoosely(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"swplr": "Sweep-lr-0.03", "trn1": "train-1", "tl9": "etl-9", "swplr status:failed": "", "xq": "", "3h": "", "vsn": "train-1",
	} {
		q, err := jobquery.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := matching(q.MatchLoosely); got != want {
			t.Errorf("%q loosely matches %q, want %q", query, got, want)
		}
	}
}

func TestParse_errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query  string
		column int
		want   string
	}{
		{"status:", 8, "needs a value: pending running"},
		{"train status:foo", 14, `no value "foo"; it has pending`},
		{"!status:foo", 9, `no value "foo"`},
		{"status<3", 1, "status does not take <; it takes : ="},
		{"age<", 5, "as in age<2d"},
		{"age<2", 5, "s m h d w"},
		{"age:2d", 1, "it takes < > <= >="},
		{"statu:failed", 1, "status is one"},
		{"ü xyzzy:failed", 3, "there are status age"},
		{"exit:", 6, "exit:137"},
		{"exit>x", 6, "needs a number"},
		{"cmd~(", 5, "missing closing )"},
		{"re:", 4, "regular expression"},
		{"meta:x", 1, "meta needs a key"},
		{"user:", 6, "needs a value"},
		{"type:x", 6, "submission driver"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			_, err := jobquery.Parse(tt.query)
			var e *jobquery.Error
			if !errors.As(err, &e) {
				t.Fatalf("Parse(%q) = %v, want an Error", tt.query, err)
			}
			if e.Column != tt.column || !strings.Contains(e.Text, tt.want) {
				t.Errorf("Parse(%q): %v; want column %d, %q", tt.query, err, tt.column, tt.want)
			}
		})
	}
}

func TestHits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text    string
		words   []string
		loosely bool
		want    string // hits in brackets
	}{
		{"python train.py", []string{"train"}, false, "python [train].py"},
		{"Train a train", []string{"train"}, false, "[Train] a [train]"},
		{"sweep-lr-0.03", []string{"swplr"}, true, "[sw]ee[p]-[lr]-0.03"},
		{"sweep-lr-0.03", []string{"swplr"}, false, "sweep-lr-0.03"},
		{"abcabc", []string{"ab", "bc"}, false, "[abcabc]"},
		{"İx train", []string{"train"}, false, "İx train"},
	}
	for _, tt := range tests {
		got, at := "", 0
		for _, h := range jobquery.Hits(tt.text, tt.words, tt.loosely) {
			got += tt.text[at:h.From] + "[" + tt.text[h.From:h.To] + "]"
			at = h.To
		}
		if got += tt.text[at:]; got != tt.want {
			t.Errorf("Hits(%q, %q) = %q, want %q", tt.text, tt.words, got, tt.want)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	var jobs []rayapi.Job
	for _, r := range some() {
		jobs = append(jobs, *r.Job)
	}
	tests := []struct {
		text string
		want string
	}{
		{"", ""},
		{"sta", "status:"},
		{"train !sta", "!status:"},
		{"a", "age<"},
		{"m", "mine msg: meta."},
		{"meta.", "meta.team: meta.job_name: meta.owner: meta.user:"},
		{"meta.team:", "meta.team:Vision meta.team:nlp"},
		{"status:s", "status:succeeded status:stopped"},
		{"status:failed,r", "status:failed,running"},
		{"user:b", "user:bob"},
		{"type:d", "type:driver"},
		{"xyz", ""},
	}
	for _, tt := range tests {
		if _, got := jobquery.Complete(tt.text, jobs); strings.Join(got, " ") != tt.want {
			t.Errorf("Complete(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// What a longer text matches must be among what the shorter one matches.
func TestGrows(t *testing.T) {
	t.Parallel()
	if !jobquery.Grows("tra", "train 3") {
		t.Error("a longer word counts as another query")
	}
	for _, next := range []string{"tra !lr", "tra | x", `tra "x`, "status:f", "tr"} {
		if jobquery.Grows("tra", next) {
			t.Errorf("%q counts as narrower than tra", next)
		}
	}
	if slices.Contains(jobquery.ColumnNames(), "") {
		t.Error("a column has no name")
	}
}
