package submit

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/tui/screen"
)

// TestShown_Command runs the commands with a shell that prints its words.
func TestShown_Command(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatalf("the commands need sh to be checked: %v", err)
	}
	words := func(lines []string) []string {
		cmd := exec.CommandContext(t.Context(), sh, "-c", `p() { for w; do printf '%s\0' "$w"; done; }; p `+strings.Join(lines, "\n"))
		cmd.Env = []string{"HF_TOKEN=from the shell"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v:\n%s", err, strings.Join(lines, "\n"))
		}
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	r := full()
	r.Entrypoint = `echo "it's $HOME" && false; # done`
	r.LabelSelector = nil
	dir := workDir{upload: true, path: "/home/ana/my proj"}
	s := newShown(r, dir, &screen.Env{Target: screen.Target{Name: "h", Address: "http://h:8265"}, Cwd: "/home/ana"}, secret)
	for _, w := range []int{10, 40, 200} {
		want := []string{
			"dray", "--address", "http://h:8265", "submit", "--id", "train", "--working-dir", "/home/ana/my proj",
			"--env", "B=2", "--env", "A=line 1\nline 2", "--env", "HF_TOKEN=from the shell", "--metadata", "team=vision",
			"--runtime-env-json", `{"pip":["torch"]}`, "--entrypoint-num-cpus", "4", "--entrypoint-num-gpus", "0.5",
			"--entrypoint-memory", "17179869184", "--entrypoint-resources", `{"TPU":1}`, "--", r.Entrypoint,
		}
		if diff := cmp.Diff(want, words(fold(s.dray(), w))); diff != "" {
			t.Errorf("dray at %d (-want +got):\n%s", w, diff)
		}
		want = []string{
			"ray", "job", "submit", "--address", "http://h:8265", "--submission-id", "train", "--working-dir", "/home/ana/my proj",
			"--runtime-env-json", `{"pip":["torch"],"env_vars":{"B":"2","A":"line 1\nline 2","HF_TOKEN":"from the shell"}}`,
			"--metadata-json", `{"team":"vision"}`, "--entrypoint-num-cpus", "4", "--entrypoint-num-gpus", "0.5",
			"--entrypoint-memory", "17179869184", "--entrypoint-resources", `{"TPU":1}`, "--no-wait", "--", "sh", "-c", r.Entrypoint,
		}
		if diff := cmp.Diff(want, words(fold(s.ray(), w))); diff != "" {
			t.Errorf("ray at %d (-want +got):\n%s", w, diff)
		}
	}
	t.Run("any text is one word", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "'", `"`, `\`, "$(id)", "`id`", "a b", "a\nb", "it's\\\n\ta\x1b[2J\u0085é$x", "~", "*", "!x", "-x", "é", "''"} {
			if got := words([]string{quoted(text)}); len(got) != 1 || got[0] != text {
				t.Errorf("quoted(%q) is read as %q", text, got)
			}
		}
	})
}

func TestShown_BodyHidesSecrets(t *testing.T) {
	t.Parallel()
	r := full()
	r.Metadata = map[string]string{"api_token": "s3cret", "team": "vision"}
	s := newShown(r, workDir{}, &screen.Env{Target: screen.Target{Embedded: true}, Cwd: "/"}, secret)
	for _, lines := range [][]string{s.body(), fold(s.dray(), 80), fold(s.ray(), 80)} {
		if text := strings.Join(lines, "\n"); strings.Contains(text, "s3cret") || !strings.Contains(text, "vision") {
			t.Errorf("drawn:\n%s", text)
		}
	}
	if r.Metadata["api_token"] != "s3cret" {
		t.Error("the request itself was masked")
	}
	if err := json.Unmarshal([]byte(strings.Join(s.body(), "\n")), &rayapi.SubmitRequest{}); err != nil {
		t.Errorf("the body is not JSON: %v", err)
	}
}
