//go:build linux

package conformance_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// rawChecks are about bytes on the wire that Go's client would not send, and
// about how answers are spelled.
func rawChecks() []check {
	return []check{
		{name: "1.1/types of answers: health", run: func(t *testing.T, s *target) {
			s.do(t, "GET", "/api/gcs_healthz", nil).wantType(t, "application/text; charset=utf-8")
		}},
		{name: "1.1/json: as Python spells it", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "echo 'ü' '<&>'", "metadata": body{"a": "b,c:d"}})
			s.end(t, id)
			a := s.do(t, "GET", "/api/jobs/"+id, nil)
			for _, want := range []string{`{"type": "SUBMISSION", "job_id": null, "submission_id": "` + id + `", `, `"entrypoint": "echo '\u00fc' '<&>'", `, `"metadata": {"a": "b,c:d"}, `} {
				if !strings.Contains(a.body, want) {
					t.Errorf("%s lacks %s", a.body, want)
				}
				if list := s.do(t, "GET", "/api/jobs/", nil); !strings.Contains(list.body, want) {
					t.Errorf("the list lacks %s", want)
				}
			}
			if a := s.do(t, "POST", "/api/jobs/"+id+"/stop", nil); !s.ray && a.body != `{"stopped": false}` {
				t.Errorf("stop answered %q", a.body)
			}
		}},
		{name: "1.1/body: exactly 100 MiB pass, one more does not", run: func(t *testing.T, s *target) {
			const limit, begin, end = 104857600, `{"entrypoint": "true"`, `}`
			fill := strings.Repeat(" ", limit-len(begin)-len(end))
			s.do(t, "POST", "/api/jobs/", begin+fill+end).want(t, 200)
			s.do(t, "POST", "/api/jobs/", begin+fill+" "+end).want(t, 413, "Maximum request body size 104857600 exceeded")
		}},
		{name: "1.1/body: compressed", run: func(t *testing.T, s *target) {
			for _, coding := range []string{"gzip", "br"} {
				if a := s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true"}, "Content-Encoding", coding); a.status != 400 && !s.ray || a.status < 400 {
					t.Errorf("%s: %d %q", coding, a.status, a.body)
				}
			}
		}},
		{name: "1.1/body: in chunks", run: func(t *testing.T, s *target) {
			a := s.raw(t, "POST /api/jobs/ HTTP/1.1", "Transfer-Encoding: chunked", "", "6\r\n{\"entr\r\nf\r\nypoint\":\"true\"}\r\n0\r\n\r\n")
			a.want(t, 200, `"submission_id": "`)
		}},
		{name: "1.1/door: HTTP 1.0 without a host", run: func(t *testing.T, s *target) {
			a := s.send(t, "GET /api/gcs_healthz HTTP/1.0\r\n\r\n")
			a.want(t, 200, "success")
		}},
		{name: "1.3/submit: not UTF-8", only: "dray", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", "{\"entrypoint\":\"echo \xfc\"}").want(t, 400, "is not UTF-8")
			s.do(t, "POST", "/api/jobs/", `{"entrypoint":"echo \ud83d"}`).want(t, 400, "half of a surrogate pair")
		}},
		{name: "1.3/submit: not UTF-8, Ray", only: "ray", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", "{\"entrypoint\":\"echo \xfc\"}").want(t, 500)
		}},
		{name: "1.3/submit: both halves of a pair", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "echo '😀'"})
			if e := s.end(t, id).Entrypoint; e != "echo '😀'" {
				t.Errorf("entrypoint %q", e)
			}
		}},
		startFails("1.3/submit: CPU among the resources", body{"entrypoint_resources": body{"CPU": 1}},
			"Use the 'num_cpus' and 'num_gpus' keyword instead of 'CPU' and 'GPU' in 'resources' keyword"),
		startFails("1.3/submit: too small a fraction", body{"entrypoint_num_cpus": 0.00001},
			"The precision of the fractional quantity of resource num_cpus cannot go beyond 0.0001"),
		startFails("1.3/submit: a bad environment does not wait for resources",
			body{"entrypoint_resources": body{"unobtainium": 1}, "runtime_env": body{"working_dir": "/nope"}}, "/nope is not a valid path."),
		startFails("5.2/field: pip without packages", body{"runtime_env": body{"pip": body{}}}, "runtime_env['pip'] must include field 'packages', but got {}"),
		startFails("5.2/field: a py_module that is no string", body{"runtime_env": body{"py_modules": []int{1}}}, "`py_module` must be a string, got <class 'int'>."),
		startFails("5.2/field: conda folder that is not there", body{"runtime_env": body{"conda": "/nope"}}, "Can't find conda env directory /nope."),
		{name: "5.2/field: the hook is the workers' business", run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": "true", "runtime_env": body{"worker_process_setup_hook": 1}}), rayapi.StatusSucceeded)
		}},
		{name: "1.9/tail: a handshake with two Connection headers", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true"})
			s.end(t, id)
			a := s.raw(t, "GET /api/jobs/"+id+"/logs/tail HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket",
				"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "")
			if a.status != 101 || a.header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Errorf("handshake %d %v", a.status, a.header)
			}
		}},
	}
}

// startFails is the check of a job that is accepted and fails at once.
func startFails(name string, request body, text string) check {
	return check{name: name, run: func(t *testing.T, s *target) {
		request := request
		request["entrypoint"] = "true"
		j := s.run(t, request)
		wantStatus(t, j, rayapi.StatusFailed)
		if j.ErrorTypeText() != rayapi.ErrStartFailure || !strings.Contains(j.MessageText(), "Failed to start supervisor actor "+j.ID()+": '"+text) {
			t.Errorf("error_type %q, message %q", j.ErrorTypeText(), j.MessageText())
		}
	}}
}

// raw sends a request's first line and more lines as they are, with the host
// and, first of all, that the connection is to be closed.
func (s *target) raw(t *testing.T, line string, more ...string) answer {
	t.Helper()
	host := strings.TrimPrefix(s.base, "http://")
	return s.send(t, line+"\r\nHost: "+host+"\r\nConnection: close\r\n"+strings.Join(more, "\r\n"))
}

// send sends bytes and reads the answer to them.
func (s *target) send(t *testing.T, request string) answer {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return a
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.body = string(data)
	return a
}

// offChecks are about the pages of what does not run: their status tells so.
func offChecks() []check {
	var checks []check
	for path, status := range map[string]int{
		"/api/prometheus_health": 500, "/api/grafana_health": 500, "/worker/traceback": 403, "/task/traceback": 403,
		"/worker/cpu_profile": 403, "/task/cpu_profile": 403, "/memory_profile": 403, "/worker/gpu_profile": 403, "/worker/jax_profile": 403,
	} {
		checks = append(checks, check{name: "7.7/probe: off: " + path, run: func(t *testing.T, s *target) {
			s.do(t, "GET", path, nil).want(t, status)
		}})
	}
	return append(checks,
		check{name: "7.7/probe: scrape targets", run: func(t *testing.T, s *target) {
			var got []struct {
				Labels  map[string]string
				Targets []string
			}
			s.do(t, "GET", "/api/prometheus/sd", nil).decode(t, &got)
			if len(got) != 1 || got[0].Labels["job"] != "ray" || len(got[0].Targets) == 0 {
				t.Errorf("targets %v", got)
			}
		}},
		check{name: "7.7/probe: actors that are not there", run: func(t *testing.T, s *target) {
			s.do(t, "GET", "/logical/actors?ids=a,b", nil).want(t, 200, `"actors": {"a": null, "b": null}`)
			s.do(t, "GET", "/logical/actors/a", nil).want(t, 200, `"detail": null`)
		}},
		check{name: "7.5/probe: views in any case", run: func(t *testing.T, s *target) { s.data(t, "/nodes?view=HOSTNAMELIST", "hostNameList") }},
		check{name: "7.2/state: parameters that say nothing", run: func(t *testing.T, s *target) {
			for _, query := range []string{"timeout=x", "detail=x", "limit=x"} {
				s.do(t, "GET", "/api/v0/nodes?"+query, nil).want(t, 400, `"result": false`)
			}
		}},
		check{name: "7.5/probe: memory of the host and of the group", run: func(t *testing.T, s *target) {
			v := s.data(t, "/nodes?view=summary", "summary")
			nodes, _ := v["summary"].([]any)
			node := wantKeys(t, "node", nodes[0])
			for _, key := range []string{"hostMem", "cgroupMem"} {
				if pair, ok := node[key].([]any); !s.ray && (!ok || len(pair) != 2) {
					t.Errorf("%s is %s", key, fmt.Sprint(node[key]))
				}
			}
		}},
	)
}
