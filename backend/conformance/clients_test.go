//go:build linux && ray

package conformance_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/rayapi"
)

// toolkit is one way to manage jobs. Every method is one run of it.
type toolkit struct {
	name   string
	submit func(t *testing.T, id, dir, entrypoint string) error
	status func(t *testing.T, id string) (string, error) // holds the status word
	logs   func(t *testing.T, id string) (string, error)
	follow func(t *testing.T, id string) (string, error)
	list   func(t *testing.T) (string, error) // holds the ids
	stop   func(t *testing.T, id string) error
	delete func(t *testing.T, id string) error
}

func onlyErr(_ string, err error) error { return err }

func drayVerbs(s *target, bin string) toolkit {
	run := func(t *testing.T, dir string, args ...string) (string, error) {
		return command(t, s, dir, bin, append([]string{"--address", s.base}, args...)...)
	}
	return toolkit{
		name: "dray verbs",
		submit: func(t *testing.T, id, dir, entrypoint string) error {
			args := []string{"submit", "--id", id}
			if dir != "" {
				args = append(args, "--working-dir", dir)
			}
			out, err := run(t, "", append(args, "--", entrypoint)...)
			if err == nil && out != id+"\n" {
				err = fmt.Errorf("dray submit printed %q, want the id alone", out)
			}
			return err
		},
		status: func(t *testing.T, id string) (string, error) { return run(t, "", "get", id, "-o", "json") },
		logs:   func(t *testing.T, id string) (string, error) { return run(t, "", "logs", id) },
		follow: func(t *testing.T, id string) (string, error) { return run(t, "", "logs", "-f", id) },
		list:   func(t *testing.T) (string, error) { return run(t, "", "ls", "-o", "json") },
		stop:   func(t *testing.T, id string) error { return onlyErr(run(t, "", "stop", id)) },
		delete: func(t *testing.T, id string) error { return onlyErr(run(t, "", "delete", id)) },
	}
}

func rayCLI(t *testing.T, s *target) toolkit {
	ray := filepath.Join(filepath.Dir(rayPython(t)), "ray")
	run := func(t *testing.T, dir string, args ...string) (string, error) {
		verb := append([]string{"job", args[0], "--address", s.base}, args[1:]...)
		return command(t, s, dir, ray, verb...)
	}
	return toolkit{
		name: "ray job",
		submit: func(t *testing.T, id, dir, entrypoint string) error {
			args := []string{"submit", "--submission-id", id, "--no-wait"}
			if dir != "" {
				args = append(args, "--working-dir", "./")
			}
			return onlyErr(run(t, dir, append(append(args, "--"), strings.Fields(entrypoint)...)...))
		},
		status: func(t *testing.T, id string) (string, error) {
			out, err := run(t, "", "status", id)
			return strings.ToUpper(out), err
		},
		logs:   func(t *testing.T, id string) (string, error) { return run(t, "", "logs", id) },
		follow: func(t *testing.T, id string) (string, error) { return run(t, "", "logs", "--follow", id) },
		list:   func(t *testing.T) (string, error) { return run(t, "", "list") },
		stop:   func(t *testing.T, id string) error { return onlyErr(run(t, "", "stop", id)) },
		delete: func(t *testing.T, id string) error { return onlyErr(run(t, "", "delete", id)) },
	}
}

func raySDK(t *testing.T, s *target) toolkit {
	python := rayPython(t)
	script, err := filepath.Abs("testdata/sdk.py")
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, dir string, args ...string) (string, error) {
		out, err := command(t, s, dir, python, append([]string{script, s.base}, args...)...)
		if err != nil {
			return "", err
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		var v any
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
			return "", fmt.Errorf("sdk.py printed %q: %w", out, err)
		}
		if text, ok := v.(string); ok {
			return text, nil
		}
		return fmt.Sprint(v), nil
	}
	return toolkit{
		name: "JobSubmissionClient",
		submit: func(t *testing.T, id, dir, entrypoint string) error {
			return onlyErr(run(t, "", "submit", id, dir, entrypoint))
		},
		status: func(t *testing.T, id string) (string, error) { return run(t, "", "status", id) },
		logs:   func(t *testing.T, id string) (string, error) { return run(t, "", "logs", id) },
		follow: func(t *testing.T, id string) (string, error) { return run(t, "", "follow", id) },
		list:   func(t *testing.T) (string, error) { return run(t, "", "list") },
		stop:   func(t *testing.T, id string) error { return onlyErr(run(t, "", "stop", id)) },
		delete: func(t *testing.T, id string) error { return onlyErr(run(t, "", "delete", id)) },
	}
}

// runClients does the quick start and the whole life of a job with each
// client.
func runClients(t *testing.T, s *target, bin string, rep *report) {
	for _, c := range []toolkit{drayVerbs(s, bin), rayCLI(t, s), raySDK(t, s)} {
		for name, run := range map[string]func(*testing.T, *target, toolkit){"quick start": quickStart, "stop and delete": stopAndDelete} {
			row := "6.5/client: " + name + " by " + c.name
			t.Run(row, func(t *testing.T) {
				t.Cleanup(func() {
					verdict := "ok"
					if t.Failed() {
						verdict = "FAILED"
					}
					rep.set(row, s.name, verdict)
				})
				run(t, s, c)
			})
		}
	}
	row := "own/client: quick start by the dashboard's form"
	t.Run(row, func(t *testing.T) {
		t.Cleanup(func() {
			verdict := "ok"
			if t.Failed() {
				verdict = "FAILED"
			}
			rep.set(row, s.name, verdict)
		})
		quickStartByForm(t, s, bin)
	})
}

func quickStartDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata/quickstart")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// quickStart is the one of Ray's own documentation.
func quickStart(t *testing.T, s *target, c toolkit) {
	id := rayapi.NewID()
	if err := c.submit(t, id, quickStartDir(t), "python script.py"); err != nil {
		t.Fatal(err)
	}
	text, err := c.follow(t, id)
	if err != nil {
		t.Error(err)
	}
	wantQuickStart(t, "follow", text)
	wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
	if text, err = c.status(t, id); err != nil || !strings.Contains(text, "SUCCEEDED") {
		t.Errorf("status: %q, %v", text, err)
	}
	text, err = c.logs(t, id)
	if err != nil {
		t.Error(err)
	}
	wantQuickStart(t, "logs", text)
	if text, err = c.list(t); err != nil || !strings.Contains(text, id) {
		t.Errorf("list lacks %s: %v", id, err)
	}
}

func wantQuickStart(t *testing.T, what, text string) {
	t.Helper()
	for _, want := range []string{"counter 1", "counter 2", "counter 3", "counter 4", "counter 5", "requests 2."} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", what, want, text)
			return
		}
	}
}

func stopAndDelete(t *testing.T, s *target, c toolkit) {
	id := rayapi.NewID()
	if err := c.submit(t, id, "", "sleep 600"); err != nil {
		t.Fatal(err)
	}
	s.running(t, id)
	if err := c.stop(t, id); err != nil {
		t.Error(err)
	}
	wantStatus(t, s.end(t, id), rayapi.StatusStopped)
	if s.ray {
		waitAfterEnd(t)
	}
	if err := c.delete(t, id); err != nil {
		t.Error(err)
	}
	s.do(t, "GET", "/api/jobs/"+id, nil).want(t, 404)
}
