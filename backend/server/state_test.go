package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"dray/backend/logfile"
	"dray/backend/rayapi"
	"dray/backend/server"
)

const testNode = "0123456789abcdef0123456789abcdef0123456789abcdef01234567"

// cluster answers with two jobs and one node.
func cluster(t testing.TB) *server.API {
	t.Helper()
	text := func(s string) *string { return &s }
	at := int64(1700000000000)
	code := 1
	jobs := []rayapi.Job{
		{
			Type: rayapi.TypeSubmission, SubmissionID: text("b"), Status: rayapi.StatusFailed, Entrypoint: "false", Message: text("broken"),
			ErrorType: text(rayapi.ErrEntrypointCommand), StartTime: &at, EndTime: &at, DriverExitCode: &code,
			Metadata: map[string]string{"k": "v"}, RuntimeEnv: json.RawMessage(`{"env_vars":{"A":"b"}}`),
		},
		{Type: rayapi.TypeSubmission, SubmissionID: text("a"), Status: rayapi.StatusPending, Entrypoint: "true", StartTime: &at},
	}
	rows := func(yield func([]byte) error) error {
		for _, j := range jobs {
			row, err := json.Marshal(j)
			if err != nil {
				return err
			}
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	}
	l := newLog(t, "one\ntwo\nthree\n")
	l.finish(t)
	return newAPI(&fakeJobs{
		rows: rows,
		page: func(_ rayapi.JobQuery, yield func([]byte) error) (string, error) { return "", rows(yield) },
		job: func(id string) (rayapi.Job, error) {
			for _, j := range jobs {
				if j.ID() == id {
					return j, nil
				}
			}
			return rayapi.Job{}, rayapi.NotFoundError(id)
		},
		stop:   func(string) (bool, error) { return true, nil },
		delete: func(string) error { return nil },
		log:    func(string) (logfile.Source, error) { return l, nil },
		counts: rayapi.JobCounts{ByStatus: map[rayapi.Status]int{"PENDING": 1, "FAILED": 1}, Queued: 1},
		node: rayapi.NodeState{
			ID: testNode, Total: map[string]float64{"CPU": 4, "memory": 1 << 30, "my_GPU": 2}, Used: map[string]float64{"CPU": 0.5},
			Demands: []rayapi.Demand{{Resources: map[string]float64{"CPU": 8}, Jobs: 3}},
		},
	})
}

func TestState(t *testing.T) {
	t.Parallel()
	filter := func(key, predicate, value string) string {
		return url.Values{"filter_keys": {key}, "filter_predicates": {predicate}, "filter_values": {value}}.Encode()
	}
	tests := []struct {
		name, path              string
		total, filtered, listed int
		text                    string
	}{
		{"jobs", "/api/v0/jobs", 2, 2, 2, `"entrypoint":"false"`},
		{"jobs, limited", "/api/v0/jobs?limit=1", 2, 2, 1, `"submission_id":"b"`},
		{"no jobs", "/api/v0/jobs?limit=0", 2, 2, 0, ""},
		{"jobs in detail", "/api/v0/jobs?detail=true", 2, 2, 2, `"driver_exit_code":1`},
		{"jobs of a status, whatever the case", "/api/v0/jobs?" + filter("status", "=", "failed"), 2, 1, 1, `"submission_id":"b"`},
		{"jobs of another id", "/api/v0/jobs?" + filter("submission_id", "!=", "b"), 2, 1, 1, `"submission_id":"a"`},
		{"jobs with a driver", "/api/v0/jobs?" + filter("job_id", "=", "01000000"), 2, 0, 0, ""},
		{"nodes", "/api/v0/nodes", 1, 1, 1, `"resources_total":{"CPU":4.0,"memory":1073741824.0,"my_GPU":2.0}`},
		{"nodes in detail", "/api/v0/nodes?detail=1", 1, 1, 1, `"end_time_ms":0`},
		{"dead nodes", "/api/v0/nodes?" + filter("state", "=", "dead"), 1, 0, 0, ""},
		{"head nodes", "/api/v0/nodes?" + filter("is_head_node", "=", "True"), 1, 1, 1, testNode},
		{"actors", "/api/v0/actors?" + filter("class_name", "=", "X"), 0, 0, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, cluster(t), "GET", tt.path, "")
			var got struct {
				Result bool
				Data   struct {
					Result struct {
						Total          int
						AfterTruncated int `json:"num_after_truncation"`
						Filtered       int `json:"num_filtered"`
						Result         []map[string]any
					}
				}
			}
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || !got.Result {
				t.Fatalf("answer = %d %s: %v", a.status, a.body, err)
			}
			r := got.Data.Result
			if r.Total != tt.total || r.AfterTruncated != tt.total || r.Filtered != tt.filtered || len(r.Result) != tt.listed || r.Result == nil {
				t.Errorf("answer = %s", a.body)
			}
			if !strings.Contains(compact(a.body), tt.text) {
				t.Errorf("%s lacks %s", a.body, tt.text)
			}
		})
	}
	for _, bad := range []string{
		"limit=10001", "limit=x", "limit=-1", filter("status", ">", "x"), filter("nothing", "=", "x"), "filter_keys=status",
	} {
		t.Run("refused: "+bad, func(t *testing.T) {
			t.Parallel()
			a := ask(t, cluster(t), "GET", "/api/v0/jobs?"+bad, "")
			if a.status != 400 || !strings.Contains(compact(a.body), `"result":false`) || !strings.Contains(compact(a.body), `"data":{"result":null}`) {
				t.Errorf("answer = %d %s", a.status, a.body)
			}
		})
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path string
		status     int
		texts      []string
	}{
		{"nodes", "/nodes?view=summary", 200, []string{
			`"msg":"Node summary fetched."`, `"0.5/4.0 CPU\n0B/1.00GiB memory\n0.0/2.0 my_GPU"`, `"myGpu":2.0`, `"startTimeMs":"`, `"isHeadNode":true`,
		}},
		{"host names", "/nodes?view=hostNameList", 200, []string{`{"hostNameList":["`}},
		{"unknown view", "/nodes?view=x", 500, []string{`{"result":false,"msg":"Unknown view x","data":{}}`}},
		{"no view", "/nodes", 500, []string{`Unknown view None`}},
		{"node", "/nodes/" + testNode, 200, []string{`"detail":{"now":`, `"workers":[]`, testNode}},
		{"unknown node", "/nodes/x", 200, []string{`"workers":[]`, `"actors":{}`}},
		{"status", "/api/cluster_status", 200, []string{`"usage":{"CPU":[0.5,4.0]`, `"resourceDemand":[[{"CPU":8.0},3]]`, `"autoscalingError":null`}},
		{"status as text", "/api/cluster_status?format=1", 200, []string{
			`======== Autoscaler status: `, `\n 0.5/4.0 CPU\n 0B/1.00GiB memory\n`, `\n {'CPU': 8.0}: 3+ pending tasks/actors"`,
		}},
		{"events of a job", "/events?job_id=01000000", 200, []string{`{"events":[],"jobId":"01000000"}`}},
		{"usage", "/usage_stats_enabled", 200, []string{`"usageStatsEnabled":false`}},
		{"summary", "/api/v0/tasks/summarize", 200, []string{`"node_id_to_summary":{"cluster":{"summary":{}`, `"summary_by":"func_name"`}},
		{"summary by lineage", "/api/v0/tasks/summarize?summary_by=lineage", 200, []string{`"summary":[],"summary_by":"lineage"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, cluster(t), "GET", tt.path, "")
			if a.status != tt.status {
				t.Errorf("status %d, want %d", a.status, tt.status)
			}
			for _, text := range tt.texts {
				if !strings.Contains(compact(a.body), text) {
					t.Errorf("%s lacks %s", a.body, text)
				}
			}
		})
	}
}

func TestStateLogs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"?node_ip=127.0.0.1", 200, `"internal":["job-driver-b.log","job-driver-a.log"]`},
		{"?glob=*-a.log&node_id=" + testNode, 200, `"internal":["job-driver-a.log"]`},
		{"", 400, "Both node id and node ip are not provided."},
		{"?node_id=x", 404, "no such node"},
		{"?node_ip=127.0.0.1&glob=[", 400, "not a pattern"},
		{"/file?submission_id=a", 200, "one\ntwo\nthree\n"},
		{"/file?submission_id=a&lines=2", 200, "two\nthree\n"},
		{"/file?submission_id=a&lines=0", 200, ""},
		{"/file?submission_id=a&lines=3", 200, "one\ntwo\nthree\n"},
		{"/stream?filename=job-driver-a.log&lines=1", 200, "three\n"},
		{"/file?submission_id=a&lines=-2", 400, "lines="},
		{"/file", 400, "submission_id"},
		{"/other?submission_id=a", 404, "404: Not Found"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			a := ask(t, cluster(t), "GET", "/api/v0/logs"+tt.path, "")
			if a.status != tt.status || !strings.Contains(compact(a.body), tt.want) || (strings.HasPrefix(tt.path, "/") && a.status == 200 && a.body != tt.want) {
				t.Errorf("answer = %d %q, want %d %q", a.status, a.body, tt.status, tt.want)
			}
		})
	}
}

// The last lines of a log are the same however its lines lie in the blocks
// that are read.
func TestStateLog_blocks(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			long := strings.Repeat("x", size)
			l := newLog(t, long+"\n"+long+"\nend")
			got := ask(t, newAPI(l.jobs()), "GET", "/api/v0/logs/file?submission_id=j&lines=2", "")
			if want := long + "\nend"; got.body != want {
				t.Errorf("%d bytes, want %d", len(got.body), len(want))
			}
		})
	}
}

func TestStateLog_stream(t *testing.T) {
	t.Parallel()
	l := newLog(t, "one\ntwo\n")
	srv := serve(t, server.Guard(newAPI(l.jobs()), server.GuardConfig{Unix: true, Log: quiet()}))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/v0/logs/stream?submission_id=j&lines=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	read := func(n int) string {
		t.Helper()
		buf := make([]byte, n)
		for got := 0; got < n; {
			m, err := resp.Body.Read(buf[got:])
			got += m
			if err != nil && got < n {
				return string(buf[:got])
			}
		}
		return string(buf)
	}
	if got := read(4); got != "two\n" {
		t.Fatalf("the log so far is %q", got)
	}
	l.write(t, "three\n")
	if got := read(6); got != "three\n" {
		t.Fatalf("then comes %q", got)
	}
	l.finish(t)
	if got := read(1); got != "" {
		t.Errorf("after the end comes %q", got)
	}
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
}
