//go:build linux

package conformance_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dray/backend/rayapi"
)

// surfaceChecks are those of all that is around the jobs: what clients probe,
// and what only dray serve has.
func surfaceChecks() []check {
	return slices.Concat(probeChecks(), stateChecks(), pagingChecks(), []check{
		{name: "own/raw: ranges", only: "dray", run: rawRanges},
		{name: "own/metrics: Prometheus text", only: "dray", run: metricsPage},
		{name: "own/openapi: document", only: "dray", run: openAPIPage},
		{name: "7.2/state: ray list jobs and nodes", run: rayList},
	})
}

// wantKeys fails the check unless v, an object, has the keys.
func wantKeys(t *testing.T, what string, v any, keys ...string) map[string]any {
	t.Helper()
	o, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%s is %v, not an object", what, v)
	}
	for _, k := range keys {
		if _, ok := o[k]; !ok {
			t.Errorf("%s lacks %s", what, k)
		}
	}
	return o
}

// data returns what is in the envelope of an answer.
func (s *target) data(t *testing.T, path string, keys ...string) map[string]any {
	t.Helper()
	a := s.do(t, "GET", path, nil)
	a.want(t, 200)
	a.wantType(t, "application/json; charset=utf-8")
	var v any
	a.decode(t, &v)
	return wantKeys(t, path, wantKeys(t, path, v, "result", "msg", "data")["data"], keys...)
}

func probeChecks() []check {
	envelope := func(name, path string, keys ...string) check {
		return check{name: "7.7/probe: " + name, run: func(t *testing.T, s *target) { s.data(t, path, keys...) }}
	}
	return []check{
		envelope("cluster_id", "/cluster_id", "clusterId"),
		envelope("usage_stats_enabled", "/usage_stats_enabled", "usageStatsEnabled", "usageStatsPromptEnabled"),
		envelope("cluster_metadata", "/api/v0/cluster_metadata", "rayVersion", "pythonVersion"),
		envelope("profiling_enabled", "/api/profiling_enabled", "profilingEnabled", "profilingDefaults"),
		envelope("runtime_env_redaction", "/api/v0/runtime_env_redaction", "redactionEnabled"),
		envelope("events", "/events", "events"),
		envelope("events of a job", "/events?job_id=01000000", "jobId", "events"),
		envelope("actors", "/logical/actors", "actors"),
		envelope("host names", "/nodes?view=hostNameList", "hostNameList"),
		{name: "7.7/probe: timezone", run: func(t *testing.T, s *target) {
			var v any
			s.do(t, "GET", "/timezone", nil).decode(t, &v)
			wantKeys(t, "timezone", v, "offset", "value")
		}},
		{name: "7.5/probe: unknown view", run: func(t *testing.T, s *target) {
			s.do(t, "GET", "/nodes?view=zzz", nil).want(t, 500, `"result": false`, `"msg": "Unknown view zzz"`)
		}},
		{name: "7.5/probe: unknown node", run: func(t *testing.T, s *target) { s.data(t, "/nodes/unknown", "detail") }},
		{name: "7.5/probe: nodes", run: nodePages},
		{name: "7.6/probe: cluster status", run: func(t *testing.T, s *target) {
			v := s.data(t, "/api/cluster_status", "autoscalingStatus", "autoscalingError", "clusterStatus")
			if v["clusterStatus"] == nil && s.ray {
				return // its autoscaler has not reported yet
			}
			report := wantKeys(t, "clusterStatus", v["clusterStatus"], "time", "loadMetricsReport", "autoscalerReport")
			wantKeys(t, "report", report["loadMetricsReport"], "usage", "resourceDemand", "pgDemand", "nodeTypes", "usageByNode")
			wantKeys(t, "report", report["autoscalerReport"], "activeNodes", "pendingNodes", "pendingLaunches", "failedNodes")
		}},
		{name: "7.6/probe: cluster status as text", run: func(t *testing.T, s *target) {
			text := fmt.Sprint(s.data(t, "/api/cluster_status?format=1", "clusterStatus")["clusterStatus"])
			if !s.ray && (!strings.Contains(text, "Total Usage:") || !strings.Contains(text, " CPU\n")) {
				t.Errorf("text %q", text)
			}
		}},
	}
}

func nodePages(t *testing.T, s *target) {
	v := s.data(t, "/nodes?view=summary", "summary", "nodeLogicalResources")
	nodes, ok := v["summary"].([]any)
	if !ok || len(nodes) != 1 {
		t.Fatalf("summary %v", v["summary"])
	}
	node := wantKeys(t, "node", nodes[0], "raylet")
	raylet := wantKeys(t, "raylet", node["raylet"], "nodeId", "state", "isHeadNode", "nodeManagerAddress", "resourcesTotal", "labels", "nodeName", "stateMessage")
	if raylet["state"] != "ALIVE" {
		t.Errorf("state %v", raylet["state"])
	}
	if _, ok := raylet["startTimeMs"].(string); !ok {
		t.Errorf("startTimeMs %v is not a string", raylet["startTimeMs"])
	}
	detail := wantKeys(t, "detail", s.data(t, fmt.Sprintf("/nodes/%s", raylet["nodeId"]), "detail")["detail"], "raylet", "workers", "actors")
	if _, reports := detail["now"]; reports || !s.ray {
		wantKeys(t, "detail", detail, "now", "hostname", "ip", "cpu", "cpus", "mem", "bootTime", "loadAvg", "disk", "gpus", "network", "cmdline")
	}
}

// state returns the rows and the numbers of a list of the state API.
func (s *target) state(t *testing.T, path string) (rows []any, list map[string]any) {
	t.Helper()
	list = wantKeys(t, path, s.data(t, path, "result")["result"],
		"total", "num_after_truncation", "num_filtered", "result", "partial_failure_warning", "warnings")
	rows, ok := list["result"].([]any)
	if !ok {
		t.Fatalf("%s: the result is %v", path, list["result"])
	}
	return rows, list
}

func filterBy(key, predicate, value string) string {
	return url.Values{"filter_keys": {key}, "filter_predicates": {predicate}, "filter_values": {value}}.Encode()
}

func stateChecks() []check {
	var checks []check
	for _, what := range []string{"actors", "tasks", "workers", "objects", "placement_groups", "runtime_envs", "cluster_events"} {
		checks = append(checks, check{name: "7.2/state: " + what, run: func(t *testing.T, s *target) {
			if rows, _ := s.state(t, "/api/v0/"+what); !s.ray && len(rows) > 0 {
				t.Errorf("there are %v", rows)
			}
		}})
	}
	return append(checks,
		check{name: "7.2/state: jobs", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "exit 3"})
			s.end(t, id)
			rows, _ := s.state(t, "/api/v0/jobs?"+filterBy("submission_id", "=", strings.ToUpper(id)))
			if len(rows) != 1 {
				t.Fatalf("rows %v", rows)
			}
			row := wantKeys(t, "row", rows[0], "job_id", "submission_id", "entrypoint", "type", "status", "message", "error_type", "driver_info")
			if len(row) != 8 || row["status"] != "FAILED" || row["submission_id"] != id {
				t.Errorf("row %v", row)
			}
			rows, _ = s.state(t, "/api/v0/jobs?detail=true&"+filterBy("submission_id", "=", id))
			if row := wantKeys(t, "row", rows[0], "driver_exit_code", "metadata", "runtime_env", "start_time"); len(row) != 15 {
				t.Errorf("%d keys in detail, want 15", len(row))
			}
			if rows, list := s.state(t, "/api/v0/jobs?limit=0&"+filterBy("submission_id", "!=", id)); len(rows) != 0 || list["total"] == 0.0 {
				t.Errorf("limit 0: %v", list)
			}
		}},
		check{name: "7.2/state: nodes", run: func(t *testing.T, s *target) {
			rows, _ := s.state(t, "/api/v0/nodes")
			if len(rows) != 1 {
				t.Fatalf("rows %v", rows)
			}
			keys := []string{"node_id", "node_ip", "is_head_node", "state", "state_message", "node_name", "resources_total", "labels"}
			if row := wantKeys(t, "row", rows[0], keys...); len(row) != len(keys) {
				t.Errorf("row %v", row)
			}
			rows, _ = s.state(t, "/api/v0/nodes?detail=true")
			wantKeys(t, "row", rows[0], "start_time_ms", "end_time_ms")
			if rows, _ := s.state(t, "/api/v0/nodes?"+filterBy("state", "=", "dead")); len(rows) != 0 {
				t.Errorf("dead nodes: %v", rows)
			}
		}},
		check{name: "7.2/state: refusals", run: func(t *testing.T, s *target) {
			for _, query := range []string{"limit=10001", filterBy("zzz", "=", "x"), filterBy("state", ">", "x")} {
				s.do(t, "GET", "/api/v0/nodes?"+query, nil).want(t, 400, `"result": false`)
			}
		}},
		check{name: "7.4/state: log of a job", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "echo one; echo two"})
			s.end(t, id)
			a := s.do(t, "GET", "/api/v0/logs/file?node_ip=127.0.0.1&lines=1&submission_id="+id, nil)
			a.want(t, 200)
			if strings.TrimSpace(a.body) != "two" && !s.ray {
				t.Errorf("last line %q", a.body)
			}
		}},
	)
}

func pagingChecks() []check {
	return []check{
		{name: "own/paging: limit and after", only: "dray", run: func(t *testing.T, s *target) {
			mark := rayapi.NewID()
			var want []string
			for range 5 {
				id := s.submit(t, body{"entrypoint": "true", "metadata": map[string]string{"mark": mark}})
				want = append([]string{id}, want...)
			}
			var got []string
			for path := "/api/jobs/?limit=2&q=" + mark; path != ""; {
				a := s.do(t, "GET", path, nil)
				a.want(t, 200)
				var page []rayapi.Job
				a.decode(t, &page)
				for _, j := range page {
					got = append(got, j.ID())
				}
				link, _ := strings.CutSuffix(a.header.Get("Link"), `>; rel="next"`)
				path = strings.TrimPrefix(link, "<")
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages %v, want %v", got, want)
			}
			var page []rayapi.Job
			s.do(t, "GET", "/api/jobs/?q="+mark+"&after="+want[3], nil).decode(t, &page)
			if len(page) != 1 || page[0].ID() != want[4] {
				t.Errorf("behind %s: %v", want[3], page)
			}
		}},
		{name: "own/paging: status and q", only: "dray", run: func(t *testing.T, s *target) {
			mark := rayapi.NewID()
			bad := s.submit(t, body{"entrypoint": "exit 1 # " + mark})
			good := s.submit(t, body{"entrypoint": "exit 0 # " + mark})
			s.end(t, bad)
			s.end(t, good)
			for query, want := range map[string][]string{
				"": {good, bad}, "&status=failed": {bad}, "&status=FAILED,SUCCEEDED": {good, bad}, "&status=RUNNING&status=PENDING": nil,
			} {
				var page []rayapi.Job
				s.do(t, "GET", "/api/jobs/?q="+strings.ToLower(mark)+query, nil).decode(t, &page)
				var got []string
				for _, j := range page {
					got = append(got, j.ID())
				}
				if !slices.Equal(got, want) {
					t.Errorf("%q shows %v, want %v", query, got, want)
				}
			}
		}},
		{name: "own/paging: refusals", only: "dray", run: func(t *testing.T, s *target) {
			for _, query := range []string{"limit=0", "limit=x", "limit=10001", "status=DONE", "after=nobody", "after=seq:x"} {
				name, _, _ := strings.Cut(query, "=")
				s.do(t, "GET", "/api/jobs/?"+query, nil).want(t, 400, name)
			}
		}},
	}
}

func rawRanges(t *testing.T, s *target) {
	id := s.submit(t, body{"entrypoint": `printf 'a\0b\377\n'`})
	s.end(t, id)
	path := "/api/jobs/" + id + "/logs/raw"
	whole := s.do(t, "GET", path, nil)
	if !strings.HasSuffix(whole.body, "a\x00b\xff\n") {
		t.Fatalf("log %q", whole.body)
	}
	if a := s.do(t, "GET", path, nil, "Range", "bytes=-3"); a.status != 206 || a.body != "b\xff\n" {
		t.Errorf("the end: %d %q", a.status, a.body)
	}
	if a := s.do(t, "HEAD", path, nil); a.status != 200 || a.header.Get("Content-Length") != fmt.Sprint(len(whole.body)) {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
	a := s.do(t, "GET", path, nil, "Range", "bytes=0-1", "If-Range", whole.header.Get("ETag"))
	if a.status != 206 || a.body != whole.body[:2] {
		t.Errorf("If-Range: %d %q", a.status, a.body)
	}
}

func metricsPage(t *testing.T, s *target) {
	s.end(t, s.submit(t, body{"entrypoint": "true"}))
	a := s.do(t, "GET", "/metrics", nil)
	a.want(t, 200, `dray_jobs{status="SUCCEEDED"}`, "dray_jobs_queued", "dray_log_followers", "dray_submit_duration_seconds_count",
		`dray_http_requests_total{code="200",method="POST",route="/api/jobs/"}`, "dray_log_bytes_served_total", "dray_store_errors_total 0")
	if strings.Contains(a.body, `dray_jobs{status="SUCCEEDED"} 0`) {
		t.Error("no job has succeeded")
	}
}

func openAPIPage(t *testing.T, s *target) {
	var doc struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
	}
	s.do(t, "GET", "/api/openapi.json", nil).decode(t, &doc)
	if doc.OpenAPI != "3.1.0" || doc.Paths["/api/jobs/{submission_id}"] == nil {
		t.Errorf("version %s with %d paths", doc.OpenAPI, len(doc.Paths))
	}
}

// rayList runs the official state CLI.
func rayList(t *testing.T, s *target) {
	python := os.Getenv("DRAY_RAY_PYTHON")
	if python == "" {
		t.Log("DRAY_RAY_PYTHON IS NOT SET: the official ray list does not run")
		return
	}
	id := s.submit(t, body{"entrypoint": "true"})
	s.end(t, id)
	list := func(what string) []map[string]any {
		cmd := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(python), "ray"), "list", what, "--address", s.base, "--format", "json", "--limit", "1000")
		cmd.Env = append(cleanEnv(), "RAY_AUTH_MODE=disabled")
		if s.token != "" {
			cmd.Env = append(cleanEnv(), "RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN="+s.token)
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("ray list %s: %v\n%s", what, err, out)
		}
		var rows []map[string]any
		if err := json.Unmarshal(out, &rows); err != nil {
			t.Fatalf("ray list %s: %v\n%s", what, err, out)
		}
		return rows
	}
	if !slices.ContainsFunc(list("jobs"), func(row map[string]any) bool { return row["submission_id"] == id }) {
		t.Errorf("ray list jobs does not show %s", id)
	}
	if nodes := list("nodes"); len(nodes) != 1 || nodes[0]["state"] != "ALIVE" {
		t.Errorf("ray list nodes shows %v", nodes)
	}
}
