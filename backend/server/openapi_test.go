package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dray/backend/server"
)

type object = map[string]any

func openAPI(t *testing.T) object {
	t.Helper()
	a := ask(t, cluster(t), "GET", "/api/openapi.json", "")
	var doc object
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || a.status != 200 || a.header.Get("Content-Type") != jsonType {
		t.Fatalf("answer = %d: %v", a.status, err)
	}
	return doc
}

// at goes down into nested objects; nil where there is nothing.
func at(v any, path ...string) any {
	for _, key := range path {
		o, _ := v.(object)
		v = o[key]
	}
	return v
}

// Every route is described, and nothing else is.
func TestOpenAPI_routes(t *testing.T) {
	t.Parallel()
	doc := openAPI(t)
	if v := at(doc, "openapi"); v != "3.1.0" {
		t.Errorf("openapi = %v", v)
	}
	segment := regexp.MustCompile(`\{[^}]*\}`)
	described := map[string][]string{}
	ids := map[any]bool{}
	for path, item := range at(doc, "paths").(object) {
		for _, method := range []string{"get", "post", "put", "delete"} {
			op, ok := at(item, method).(object)
			if !ok {
				continue
			}
			short := segment.ReplaceAllString(path, "{}")
			described[short] = append(described[short], strings.ToUpper(method))
			if ids[op["operationId"]] || op["operationId"] == nil {
				t.Errorf("%s %s: operationId %v is missing or taken", method, path, op["operationId"])
			}
			ids[op["operationId"]] = true
			checkParameters(t, path, item, op)
		}
	}
	for path, methods := range server.Routes() {
		slices.Sort(methods)
		slices.Sort(described[path])
		if !slices.Equal(methods, described[path]) {
			t.Errorf("%s has %v, described are %v", path, methods, described[path])
		}
		delete(described, path)
	}
	if len(described) > 0 {
		t.Errorf("described and not there: %v", slices.Collect(maps.Keys(described)))
	}
}

// checkParameters compares the parameters in a path with those described.
func checkParameters(t *testing.T, path string, item any, op object) {
	t.Helper()
	shared, _ := at(item, "parameters").([]any)
	own, _ := op["parameters"].([]any)
	var names []string
	for _, p := range slices.Concat(shared, own) {
		if at(p, "in") == "path" {
			names = append(names, fmt.Sprintf("{%v}", at(p, "name")))
		}
	}
	if got := regexp.MustCompile(`\{[^}]*\}`).FindAllString(path, -1); !slices.Equal(got, names) {
		t.Errorf("%s has the parameters %v, described are %v", path, got, names)
	}
}

// What is answered is what is described.
func TestOpenAPI_answers(t *testing.T) {
	t.Parallel()
	doc := openAPI(t)
	v := validator{doc}
	tests := []struct{ method, target, path, body string }{
		{"GET", "/api/version", "/api/version", ""},
		{"GET", "/api/jobs/", "/api/jobs/", ""},
		{"GET", "/api/jobs/?limit=2", "/api/jobs/", ""},
		{"POST", "/api/jobs/", "/api/jobs/", `{"entrypoint":"true"}`},
		{"GET", "/api/jobs/b", "/api/jobs/{submission_id}", ""},
		{"DELETE", "/api/jobs/b", "/api/jobs/{submission_id}", ""},
		{"POST", "/api/jobs/b/stop", "/api/jobs/{submission_id}/stop", ""},
		{"GET", "/api/jobs/b/logs", "/api/jobs/{submission_id}/logs", ""},
		{"GET", "/api/component_activities", "/api/component_activities", ""},
		{"GET", "/api/cluster_status", "/api/cluster_status", ""},
		{"GET", "/api/cluster_status?format=1", "/api/cluster_status", ""},
		{"GET", "/api/v0/jobs", "/api/v0/jobs", ""},
		{"GET", "/api/v0/jobs?detail=true", "/api/v0/jobs", ""},
		{"GET", "/api/v0/nodes?detail=true", "/api/v0/nodes", ""},
		{"GET", "/api/v0/actors", "/api/v0/actors", ""},
		{"GET", "/api/v0/objects/summarize", "/api/v0/objects/summarize", ""},
		{"GET", "/api/v0/logs?node_id=" + testNode, "/api/v0/logs", ""},
		{"GET", "/api/v0/cluster_metadata", "/api/v0/cluster_metadata", ""},
		{"GET", "/api/v0/runtime_env_redaction", "/api/v0/runtime_env_redaction", ""},
		{"GET", "/api/profiling_enabled", "/api/profiling_enabled", ""},
		{"GET", "/nodes?view=summary", "/nodes", ""},
		{"GET", "/nodes?view=hostNameList", "/nodes", ""},
		{"GET", "/nodes/" + testNode, "/nodes/{node_id}", ""},
		{"GET", "/nodes/x", "/nodes/{node_id}", ""},
		{"GET", "/timezone", "/timezone", ""},
		{"GET", "/cluster_id", "/cluster_id", ""},
		{"GET", "/usage_stats_enabled", "/usage_stats_enabled", ""},
		{"GET", "/events", "/events", ""},
		{"GET", "/logical/actors", "/logical/actors", ""},
		{"GET", "/api/authentication_mode", "/api/authentication_mode", ""},
	}
	h := server.Guard(cluster(t), server.GuardConfig{Unix: true, Log: quiet()})
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			t.Parallel()
			a := ask(t, h, tt.method, tt.target, tt.body)
			var got any
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
				t.Fatalf("answer = %d %s: %v", a.status, a.body, err)
			}
			schema := at(doc, "paths", tt.path, strings.ToLower(tt.method), "responses", "200", "content", "application/json", "schema")
			if schema == nil {
				t.Fatal("no schema")
			}
			for _, wrong := range v.check("answer", schema, got) {
				t.Error(wrong)
			}
		})
	}
}

// Whatever the answer to a request that says next to nothing, or nonsense, its
// status and type are described.
func TestOpenAPI_everyRoute(t *testing.T) {
	t.Parallel()
	v := validator{openAPI(t)}
	h := server.Guard(cluster(t), server.GuardConfig{Unix: true, Log: quiet()})
	for path, item := range at(v.doc, "paths").(object) {
		target := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "a")
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			op := at(item, strings.ToLower(method))
			if op == nil {
				continue
			}
			for _, query := range []string{"", "?limit=x&view=x&node_ip=x&status=x&signal=x"} {
				t.Run(method+" "+path+query, func(t *testing.T) {
					t.Parallel()
					v.checkType(t, op, ask(t, h, method, target+query, ""))
				})
			}
		}
	}
}

// checkType fails t unless the operation describes an answer of this status
// and type.
func (v validator) checkType(t *testing.T, op any, a answer) {
	t.Helper()
	described := at(op, "responses", strconv.Itoa(a.status))
	if ref, ok := at(described, "$ref").(string); ok {
		described = v.resolve(ref)
	}
	if described == nil {
		t.Fatalf("answer %d %q is not described", a.status, a.body)
	}
	content, _ := at(described, "content").(object)
	got, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if len(content) == 0 && err != nil {
		return // an empty answer
	}
	for name := range content {
		if want, _, err := mime.ParseMediaType(name); err == nil && want == got {
			return
		}
	}
	t.Errorf("answer %d is of type %q, described are %v", a.status, got, slices.Collect(maps.Keys(content)))
}

// Every reference leads somewhere, and the validator does not pass everything.
func TestOpenAPI_schemas(t *testing.T) {
	t.Parallel()
	doc := openAPI(t)
	v := validator{doc}
	var walk func(x any)
	walk = func(x any) {
		switch x := x.(type) {
		case object:
			if ref, ok := x["$ref"].(string); ok && v.resolve(ref) == nil {
				t.Errorf("%s leads nowhere", ref)
			}
			for _, y := range x {
				walk(y)
			}
		case []any:
			for _, y := range x {
				walk(y)
			}
		}
	}
	walk(doc)
	job := v.resolve("#/components/schemas/Job")
	for _, bad := range []string{`[]`, `{}`, `{"type":"OTHER"}`} {
		var x any
		if err := json.Unmarshal([]byte(bad), &x); err != nil {
			t.Fatal(err)
		}
		if len(v.check("job", job, x)) == 0 {
			t.Errorf("%s passes as a job", bad)
		}
	}
}

// validator checks values against the part of JSON Schema that the document
// uses.
type validator struct{ doc object }

func (v validator) resolve(ref string) any {
	return at(v.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// check returns what is wrong with a value.
func (v validator) check(where string, schema, value any) []string {
	if ref, ok := at(schema, "$ref").(string); ok {
		return v.check(where, v.resolve(ref), value)
	}
	if options, ok := at(schema, "anyOf").([]any); ok {
		if !slices.ContainsFunc(options, func(o any) bool { return len(v.check(where, o, value)) == 0 }) {
			return []string{fmt.Sprintf("%s fits no option: %v", where, value)}
		}
		return nil
	}
	if !hasType(at(schema, "type"), value) {
		return []string{fmt.Sprintf("%s is %v, not %v", where, value, at(schema, "type"))}
	}
	if enum, ok := at(schema, "enum").([]any); ok && !slices.Contains(enum, value) {
		return []string{fmt.Sprintf("%s is %v, not one of %v", where, value, enum)}
	}
	switch value := value.(type) {
	case object:
		return v.checkObject(where, schema, value)
	case []any:
		var wrong []string
		for i, x := range value {
			if items := at(schema, "items"); items != nil {
				wrong = append(wrong, v.check(fmt.Sprintf("%s[%d]", where, i), items, x)...)
			}
		}
		return wrong
	}
	return nil
}

func (v validator) checkObject(where string, schema any, value object) []string {
	var wrong []string
	required, _ := at(schema, "required").([]any)
	for _, key := range required {
		if _, ok := value[key.(string)]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s lacks %v", where, key))
		}
	}
	for key, x := range value {
		known := at(schema, "properties", key)
		rest := at(schema, "additionalProperties")
		switch {
		case known != nil:
			wrong = append(wrong, v.check(where+"."+key, known, x)...)
		case rest == false:
			wrong = append(wrong, fmt.Sprintf("%s has %s, which is not described", where, key))
		case rest != nil:
			wrong = append(wrong, v.check(where+"."+key, rest, x)...)
		}
	}
	return wrong
}

// hasType reports whether a value is of a type, or of one of several; no type
// is any.
func hasType(want, value any) bool {
	switch want := want.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(want, func(w any) bool { return hasType(w, value) })
	case string:
		switch value := value.(type) {
		case nil:
			return want == "null"
		case bool:
			return want == "boolean"
		case string:
			return want == "string"
		case float64:
			return want == "number" || want == "integer" && value == float64(int64(value))
		case object:
			return want == "object"
		case []any:
			return want == "array"
		}
	}
	return false
}
