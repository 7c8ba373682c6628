package rayapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dray/backend/rayapi"
)

func TestParseSubmit_errors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"not JSON", `{"entrypoint":`, "the request body is not JSON"},
		{"empty", ``, "the request body is not JSON"},
		{"byte order mark", "\ufeff{}", "the request body is not JSON"},
		{"trailing text", `{"entrypoint":"x"} y`, "the request body is not JSON"},
		{"not UTF-8", "{\"entrypoint\":\"echo \xfc\"}", "the request body is not JSON: byte 21 is not UTF-8"},
		{"half a pair", `{"entrypoint":"\\\ud83d"}`, `has \ud83d at byte 18, which is half of a surrogate pair`},
		{"the other half", `{"entrypoint":"\uDE00x"}`, "half of a surrogate pair"},
		{"two first halves", `{"entrypoint":"\ud83d\ud83d"}`, "half of a surrogate pair"},
		{"array", `["x"]`, "must be a JSON object"},
		{"null", `null`, "must be a JSON object"},
		{"unknown key", `{"entrypoint":"x","nope":1}`, "TypeError: JobSubmitRequest.__init__() got an unexpected keyword argument 'nope'"},
		{"unknown before missing", `{"nope":1}`, "unexpected keyword argument 'nope'"},
		{"no entrypoint", `{}`, "TypeError: JobSubmitRequest.__init__() missing 1 required positional argument: 'entrypoint'"},
		{"null entrypoint", `{"entrypoint":null}`, "missing 1 required positional argument: 'entrypoint'"},
		{"entrypoint int", `{"entrypoint":1}`, "TypeError: entrypoint must be a string, got <class 'int'>"},
		{"submission_id float", `{"entrypoint":"x","submission_id":1.0}`, "submission_id must be a string if provided, got <class 'float'>"},
		{"job_id bool", `{"entrypoint":"x","job_id":true}`, "job_id must be a string if provided, got <class 'bool'>"},
		{"runtime_env list", `{"entrypoint":"x","runtime_env":[]}`, "runtime_env must be a dict, got <class 'list'>"},
		{"runtime_env int", `{"entrypoint":"x","runtime_env":7}`, "runtime_env must be a dict, got <class 'int'>"},
		{"metadata str", `{"entrypoint":"x","metadata":"a"}`, "metadata must be a dict, got <class 'str'>"},
		{"metadata value", `{"entrypoint":"x","metadata":{"a":1}}`, "metadata values must be strings, got <class 'int'>"},
		{"metadata null value", `{"entrypoint":"x","metadata":{"a":null}}`, "metadata values must be strings, got <class 'NoneType'>"},
		{"cpus", `{"entrypoint":"x","entrypoint_num_cpus":"1"}`, "entrypoint_num_cpus must be a number, got <class 'str'>"},
		{"gpus", `{"entrypoint":"x","entrypoint_num_gpus":{}}`, "entrypoint_num_gpus must be a number, got <class 'dict'>"},
		{"memory", `{"entrypoint":"x","entrypoint_memory":1.5}`, "entrypoint_memory must be an integer, got <class 'float'>"},
		{"resources", `{"entrypoint":"x","entrypoint_resources":[]}`, "entrypoint_resources must be a dict, got <class 'list'>"},
		{"resource value", `{"entrypoint":"x","entrypoint_resources":{"a":"1"}}`, "entrypoint_resources values must be numbers, got <class 'str'>"},
		{"labels", `{"entrypoint":"x","entrypoint_label_selector":1}`, "entrypoint_label_selector must be a dict, got <class 'int'>"},
		{"label value", `{"entrypoint":"x","entrypoint_label_selector":{"a":1}}`, "entrypoint_label_selector values must be strings, got <class 'int'>"},
		{"unknown, then null, then another", `{"a":1,"b":2,"a":null,"entrypoint":"x"}`, "unexpected keyword argument 'b'"},
		{"many unknown", `{"k0":null,` + manyKeys(5000) + `"entrypoint":"x"}`, "unexpected keyword argument 'k1'"},
		{"a field too large", `{"entrypoint":"x","metadata":{"a":"` + strings.Repeat("x", 3<<20) + `"}}`, "metadata has 3145736 bytes, at most 2097152 are allowed"},
		{"first of two", `{"entrypoint":"x","entrypoint_resources":[],"metadata":1}`, "metadata must be a dict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rayapi.ParseSubmit([]byte(tt.body))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("ParseSubmit(%s) = %v, want %q", tt.body, err, tt.want)
			}
			if !errors.Is(err, rayapi.ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
		})
	}
}

func TestParseSubmit_ok(t *testing.T) {
	t.Parallel()
	body := `{"entrypoint":"a","entrypoint":"b","submission_id":"","job_id":"old","nope":null,
		"runtime_env":{"z":1.50,"a":null,"\ud83d\ude00":1},"entrypoint_num_cpus":true,"entrypoint_memory":1024,"metadata":null}`
	r, err := rayapi.ParseSubmit([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if r.Entrypoint != "b" || r.SubmissionID != "old" || r.NumCPUs != 1 || r.Memory != 1024 || r.Metadata != nil {
		t.Errorf("ParseSubmit = %+v", r)
	}
	if got, want := string(r.RuntimeEnv), `{"z":1.50,"a":null,"\ud83d\ude00":1}`; got != want {
		t.Errorf("runtime_env = %s, want it as sent: %s", got, want)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":%d,`, i+1, i)
	}
	return b.String()
}

// The object is scanned by hand; what is in strings must not end anything.
func TestParseSubmit_braces(t *testing.T) {
	t.Parallel()
	env := `{ "a" : "}]\"{,:" , "b\"" : [ { "c" : "\\" } , [ ] , -1.5e3 , true ] , "" : {} }`
	r, err := rayapi.ParseSubmit([]byte(" \n{ \"runtime_env\" :" + env + " , \"no\\\"pe\" : null,\t\"entry\\u0070oint\":\"a\" \r\n} "))
	if err != nil || string(r.RuntimeEnv) != env || r.Entrypoint != "a" {
		t.Errorf("ParseSubmit = %q, %q, %v", r.RuntimeEnv, r.Entrypoint, err)
	}
	if r, err := rayapi.ParseSubmit([]byte(`{"a":1,"a":null,"entrypoint":"x","entrypoint":null,"entrypoint":"y"}`)); err != nil || r.Entrypoint != "y" {
		t.Errorf("ParseSubmit = %q, %v", r.Entrypoint, err)
	}
}

func TestSubmitRequest_Validate(t *testing.T) {
	t.Parallel()
	big := map[string]string{}
	for i := range 65 {
		big[strings.Repeat("k", i+1)] = ""
	}
	tests := []struct {
		name, want string
		r          rayapi.SubmitRequest
	}{
		{"slash", `contains '/'`, rayapi.SubmitRequest{SubmissionID: "a/b"}},
		{"NUL", `contains '\x00'`, rayapi.SubmitRequest{SubmissionID: "a\x00b"}},
		{"blank", `contains ' '`, rayapi.SubmitRequest{SubmissionID: "a b"}},
		{"not ASCII", `contains 'ü'`, rayapi.SubmitRequest{SubmissionID: "ü"}},
		{"dots", "is not a name", rayapi.SubmitRequest{SubmissionID: ".."}},
		{"201 characters", "has 201 characters", rayapi.SubmitRequest{SubmissionID: strings.Repeat("a", 201)}},
		{"negative cpus", "entrypoint_num_cpus must not be negative", rayapi.SubmitRequest{NumCPUs: -1}},
		{"negative memory", "entrypoint_memory must not be negative", rayapi.SubmitRequest{Memory: -1}},
		{"negative resource", `entrypoint_resources["a"] must not be negative`, rayapi.SubmitRequest{Resources: map[string]float64{"a": -0.5}}},
		{"long entrypoint", "entrypoint has 120001 bytes", rayapi.SubmitRequest{Entrypoint: strings.Repeat("x", 120001)}},
		{"many keys", "metadata has 65 keys", rayapi.SubmitRequest{Metadata: big}},
		{"long value", `metadata "k" has`, rayapi.SubmitRequest{Metadata: map[string]string{"k": strings.Repeat("v", 4096)}}},
		{"large environment", "runtime_env has 2097153 bytes", rayapi.SubmitRequest{RuntimeEnv: json.RawMessage(strings.Repeat(" ", 2<<20+1))}},
		{"ok", "", rayapi.SubmitRequest{SubmissionID: strings.Repeat("a", 200), Entrypoint: strings.Repeat("x", 120000)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.r.Validate()
			if tt.want == "" {
				if err != nil {
					t.Fatalf("Validate() = %v, want nil", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, rayapi.ErrInvalid) {
				t.Fatalf("Validate() = %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzParseSubmit(f *testing.F) {
	f.Add([]byte(`{"entrypoint":"x","runtime_env":{"env_vars":{"A":"b"}},"metadata":{"a":"b"}}`))
	f.Add([]byte(`{"entrypoint":1e400}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := rayapi.ParseSubmit(body)
		if err != nil {
			if !errors.Is(err, rayapi.ErrInvalid) {
				t.Fatalf("%v is not ErrInvalid", err)
			}
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("an accepted request cannot be sent on: %v", err)
		}
		if _, err := rayapi.ParseSubmit(again); err != nil && r.Validate() == nil {
			t.Fatalf("an accepted request is refused when sent on: %v\n%s", err, again)
		}
	})
}
