//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"dray/backend/client"
	"dray/backend/rayapi"
)

// compiled is the schema of a verb. Sealed, it takes no field that it does not
// name: what is printed must be promised.
func compiled(t *testing.T, verb string, sealed bool) *jsonschema.Schema {
	t.Helper()
	text, err := schemaOf(verb)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if sealed {
		seal(doc)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("output.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("output.json")
	if err != nil {
		t.Fatalf("%s: %v", verb, err)
	}
	return schema
}

func seal(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["required"]; ok {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			seal(inner)
		}
	case []any:
		for _, inner := range v {
			seal(inner)
		}
	}
}

// What each verb prints is what its schema promises, and nothing else; YAML
// says the same.
func TestSchema_output(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	dray := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env, cmd.Dir = testEnv(home), home
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if out.Len() == 0 && slices.Contains(args, "-o") {
			t.Fatalf("dray %s printed nothing: %s", strings.Join(args, " "), errs.String())
		}
		return out.Bytes()
	}
	tests := []struct {
		verb string
		args []string
	}{
		{"submit", []string{"submit", "--wait", "--id", "one", "--metadata", "k=true", "--env", "A=1", "--", "echo é; exit 7"}},
		{"rerun", []string{"rerun", "one", "--wait", "--set", "env.A=2"}},
		{"ls", []string{"ls"}},
		{"ls", []string{"ls", "-q", "nothing"}},
		{"get", []string{"get", "one"}},
		{"wait", []string{"wait", "one", "one-r2"}},
		{"stop", []string{"stop", "one"}},
		{"history", []string{"history"}},
		{"diff", []string{"diff", "one-r2"}},
		{"template ls", []string{"template", "ls"}},
		{"ctx ls", []string{"ctx", "ls"}},
		{"ctx test", []string{"ctx", "test"}},
		{"doctor", []string{"doctor"}},
		{"env ls", []string{"env", "ls"}},
		{"env gc", []string{"env", "gc"}},
		{"version", []string{"version"}},
		{"watch", []string{"watch", "one"}},
		{"prune", []string{"prune", "--keep", "1"}},
		{"delete", []string{"delete", "one-r2"}},
	}
	covered := map[string]bool{}
	for _, tt := range tests {
		if tt.args[0] == "template" {
			dray("template", "save", "mine", "--job", "one")
		}
		sep := slices.Index(tt.args, "--")
		if sep < 0 {
			sep = len(tt.args)
		}
		text := dray(slices.Insert(slices.Clone(tt.args), sep, "-o", "json")...)
		covered[tt.verb] = true
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v in %s", tt.verb, err, text)
			continue
		}
		if err := compiled(t, tt.verb, true).Validate(value); err != nil {
			t.Errorf("%s: %v in %s", tt.verb, err, text)
		}
		if err := compiled(t, tt.verb, false).Validate("no such thing"); err == nil {
			t.Errorf("%s: its schema takes anything", tt.verb)
		}
	}
	for _, verb := range schemaVerbs() {
		if !covered[verb] {
			t.Errorf("no output of %q is checked", verb)
		}
	}
}

// YAML says what JSON says, in the same order.
func TestYAMLOf(t *testing.T) {
	t.Parallel()
	const raw = `{"z":"true","a":null,"n":-7,"f":1.5e3,"b":false,"s":"line\nline: #x","u":"\ud83d\ude00","e":{},"l":[],"m":[{"k":"007"},["x"]],"1":"0x10"}`
	doc, err := yamlOf([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "z:") {
		t.Errorf("the keys lost their order:\n%s", text)
	}
	var back any
	if err := yaml.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(raw), &want); err != nil {
		t.Fatal(err)
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(wanted) {
		t.Errorf("got  %s\nwant %s\n%s", got, wanted, text)
	}
	for _, bad := range []string{"", "{", "[1", `{"a":`, "1 2", "nope"} {
		if _, err := yamlOf([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A program can tell how a job ended, and why it does not know.
func TestExitCode(t *testing.T) {
	t.Parallel()
	died, command, seven := rayapi.ErrSupervisorDied, rayapi.ErrEntrypointCommand, 7
	tests := []struct {
		job  rayapi.Job
		want int
	}{
		{rayapi.Job{Status: rayapi.StatusSucceeded}, exitOK},
		{rayapi.Job{Status: rayapi.StatusStopped}, exitStopped},
		{rayapi.Job{Status: rayapi.StatusFailed}, exitFailed},
		{rayapi.Job{Status: rayapi.StatusFailed, ErrorType: &command, DriverExitCode: &seven}, exitFailed},
		{rayapi.Job{Status: rayapi.StatusFailed, ErrorType: &died}, exitLost},
		{rayapi.Job{Status: rayapi.StatusFailed, ErrorType: &died, DriverExitCode: &seven}, exitFailed},
	}
	for _, tt := range tests {
		err := jobEnded(tt.job)
		if got := exitCode(err); got != tt.want || (err == nil) != (tt.want == exitOK) {
			t.Errorf("%+v: exit code %d (%v), want %d", tt.job, got, err, tt.want)
		}
	}
	if got := exitCode(errors.Join(client.ErrUnreachable)); got != exitUnreachable {
		t.Errorf("unreachable: %d", got)
	}
}
