package server_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"dray/backend/server"
)

func TestPythonJSON(t *testing.T) {
	t.Parallel()
	// What json.dumps of Python's library makes of the same values.
	for in, want := range map[string]string{
		`{"a":1,"b":[1,2.5,null],"c":{}}`:       `{"a": 1, "b": [1, 2.5, null], "c": {}}`,
		" {\n\t\"a\" : [ true , false ]\r\n} ":  `{"a": [true, false]}`,
		`{"a:b,c":"x, y: z"}`:                   `{"a:b,c": "x, y: z"}`,
		`"\u003ca\u003e \u0026 \u003d \\u003c"`: `"<a> & \u003d \\u003c"`,
		`"ü€😀\u00fc"`:                           `"\u00fc\u20ac\ud83d\ude00\u00fc"`,
		`"\"\\\n\u0001\""`:                      `"\"\\\n\u0001\""`,
		`"\\"`:                                  `"\\"`,
		`[]`:                                    `[]`,
	} {
		if got := server.PythonJSON(in); got != want {
			t.Errorf("%s is spelled %s, want %s", in, got, want)
		}
	}
}

// However it is spelled, it says the same.
func TestPythonJSON_same(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(t, "value")
		in, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var before, after any
		out := server.PythonJSON(string(in))
		if err := json.Unmarshal(in, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out), &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Fatalf("%s became %s: %v", in, out, err)
		}
	})
}

func BenchmarkPythonJSON(b *testing.B) {
	row := []byte(`{"type":"SUBMISSION","job_id":null,"submission_id":"raysubmit_abcdefghijklmnop","driver_info":null,"status":"SUCCEEDED","entrypoint":"python train.py --epochs 10 --lr 0.001","message":"Job finished successfully.","error_type":null,"start_time":1795490504151,"end_time":1795490504199,"metadata":{"team":"vision"},"runtime_env":{"env_vars":{"A":"b"}},"driver_agent_http_address":"http://127.0.0.1:52365","driver_node_id":"0123456789abcdef0123456789abcdef0123456789abcdef01234567","driver_exit_code":0}`)
	b.SetBytes(int64(len(row)))
	var out []byte
	for b.Loop() {
		out = server.AppendPython(out[:0], row)
	}
}
