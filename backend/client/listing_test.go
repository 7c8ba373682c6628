package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
)

// decodeStd is what a list means to encoding/json.
func decodeStd(text []byte) ([]rayapi.Job, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('[') {
		return nil, errors.Join(errSyntax, err)
	}
	jobs := []rayapi.Job{}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		if len(raw) == 0 || raw[0] != '{' {
			return nil, errSyntax
		}
		var j rayapi.Job
		if err := json.Unmarshal(raw, &j); err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	_, err := dec.Token()
	return jobs, err
}

func row(i int, status string) string {
	return fmt.Sprintf(`{"type":"SUBMISSION","job_id":null,"submission_id":"raysubmit_%08d","driver_info":null,"status":%q,`+
		`"entrypoint":"python \"train\\.py\" --seed %d # {[}]","message":"Job is currently running.","error_type":null,"start_time":17640000%05d,`+
		`"end_time":null,"metadata":{"team":"vision","n":"%d"},"runtime_env":{"working_dir":"gcs://_ray_pkg_%08x.zip","pip":["torch==2.5.1"],"env_vars":{"A":"%s"}},`+
		`"driver_agent_http_address":"http://10.4.0.9:52365","driver_node_id":"%056x","driver_exit_code":null}`, i, status, i, i, i, i, strings.Repeat("x", 250), i)
}

func list(rows ...string) string { return "[" + strings.Join(rows, ", ") + "]" }

func rows(n int, status func(i int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = row(i, status(i))
	}
	return out
}

func same(int) string { return "RUNNING" }

func TestDecodeList_sharesWhatIsTheSame(t *testing.T) {
	t.Parallel()
	base := rows(50, same)
	first, err := decodeList(strings.NewReader(list(base...)), nil)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(f func(r []string) []string) []string { return f(append([]string(nil), base...)) }
	tests := []struct {
		name   string
		rows   []string
		shared int
	}{
		{"nothing new", base, 50},
		{"one changed", edit(func(r []string) []string { r[7] = row(7, "FAILED"); return r }), 49},
		{"one more at the start", append([]string{row(99, "PENDING")}, base...), 50},
		{"ten more at the start", append(rows(10, func(int) string { return "PENDING" }), base...), 50},
		{"one gone", edit(func(r []string) []string { return append(r[:9], r[10:]...) }), 49},
		{"turned round", edit(func(r []string) []string {
			for i := range 25 {
				r[i], r[49-i] = r[49-i], r[i]
			}
			return r
		}), 50},
		{"all changed", rows(50, func(int) string { return "STOPPED" }), 0},
		{"none", nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := list(tt.rows...)
			got, err := decodeList(iotest.HalfReader(strings.NewReader(text)), first)
			if err != nil {
				t.Fatal(err)
			}
			want, err := decodeStd([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.jobs); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			shared := 0
			for i := range got.jobs {
				for j := range first.jobs {
					if got.jobs[i].SubmissionID == first.jobs[j].SubmissionID {
						shared++
					}
				}
			}
			if shared != tt.shared {
				t.Errorf("%d of %d rows were not decoded again, want %d", shared, len(got.jobs), tt.shared)
			}
		})
	}
}

func TestDecodeList_brokenTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", "[", "[{]", `[{"a":"}`, "[{}", "[{},]", "[,{}]", "[{}{}]", "[null]", "[1]", `[{"status":1}]`, "[{}}"} {
		if got, err := decodeList(strings.NewReader(text), nil); err == nil {
			t.Errorf("%q is taken for %d jobs", text, len(got.jobs))
		}
	}
	cut := list(rows(3, same)...)
	_, err := decodeList(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(cut))), nil)
	if !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("the error of the connection is lost: %v", err)
	}
	if _, err := decodeList(strings.NewReader(cut[:len(cut)-1]), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a list that is cut off: %v", err)
	}
}

// oddRows are rows that a head does not write, but that mean something.
func oddRows() []string {
	return []string{
		`{}`, `{"type":null,"entrypoint":null,"metadata":null,"runtime_env":null,"driver_info":null}`,
		`{"Status":"RUNNING"}`, `{"status":"A","status":"B"}`, `{"sta\u0074us":"A"}`, `{"new_field":{"a":[1,-2.5e+3,true,false,null,"x"]},"status":"A"}`,
		`{"entrypoint":"a\"b\\c\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d x"}`, "{\"entrypoint\":\"gr\u00fc\u00df \xff\xfe e\",\"message\":\"\xc3\\n\"}",
		`{"start_time":-0,"end_time":9223372036854775807}`, `{"start_time":1.0}`, `{"start_time":1e3}`, `{"start_time":01}`, `{"start_time":-}`, `{"start_time":99999999999999999999}`,
		`{"driver_exit_code":-9}`, `{"driver_exit_code":"9"}`, `{"driver_info":{"id":"1","node_ip_address":"10.0.0.1","pid":"7"}}`,
		`{"driver_info":{"id":"1","more":2}}`, `{"driver_info":{"pid":"1","id":"2","id":"3"}}`, `{"metadata":{"a":"1","a":"2","b":null}}`, `{"metadata":{"a":1}}`, `{"metadata":{}}`,
		`{"runtime_env":{"a":"\x"}}`, `{"runtime_env":[01]}`, `{"runtime_env":nul}`, `{"runtime_env": {"a" : [ ] , "b" : { } } }`, `{"runtime_env":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`,
		"{\"entrypoint\":\"a\nb\"}", `{"entrypoint":"\u00g0"}`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"type":"x"`, `{"status":true}`, `{"ſtatus":"A"}`,
	}
}

func TestDecodeList_oddRows(t *testing.T) {
	t.Parallel()
	for _, r := range oddRows() {
		text := "[" + row(1, "RUNNING") + "," + r + "]"
		got, gotErr := decodeList(strings.NewReader(text), nil)
		want, wantErr := decodeStd([]byte(text))
		if (gotErr == nil) != (wantErr == nil) {
			t.Errorf("%s: %v, encoding/json says %v", r, gotErr, wantErr)
			continue
		}
		if gotErr == nil {
			if diff := cmp.Diff(want, got.jobs); diff != "" {
				t.Errorf("%s: -want +got:\n%s", r, diff)
			}
		}
	}
}

// Rows as Ray writes them need no help of encoding/json.
func TestScanJob_readsWhatRayWrites(t *testing.T) {
	t.Parallel()
	var j rayapi.Job
	text := row(7, "RUNNING")
	if end, ok := scanJob(text, &j, &rowStore{}); !ok || end != len(text) || j.ID() != "raysubmit_00000007" {
		t.Errorf("a row of Ray's is not read: %+v, up to byte %d of %d", j, end, len(text))
	}
}

// A list of several blocks: rows lie across their borders, among them some that
// are not as Ray writes them and one that is longer than a block.
func TestDecodeList_blocks(t *testing.T) {
	t.Parallel()
	all := rows(1500, same)
	all[100] = `{"Status":"RUNNING"}`
	all[700] = fmt.Sprintf(`{"entrypoint":%q,"runtime_env":{"a":%q}}`, strings.Repeat("é", blockSize), strings.Repeat("\\", slabBytes))
	all[701] = `{"message":"a\nb\ud83d\ude00\u0000","status":"A" , "runtime_env" : { } }`
	text := list(all...)
	want, err := decodeStd([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]io.Reader{
		"at once": strings.NewReader(text), "halves": iotest.HalfReader(strings.NewReader(text)), "the end with the data": iotest.DataErrReader(strings.NewReader(text)),
	} {
		got, err := decodeList(in, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(all, got.rows) {
			t.Errorf("%s: the rows are not those that were sent", name)
		}
		for i := range want {
			if !reflect.DeepEqual(want[i], got.jobs[i]) {
				t.Errorf("%s: row %d means %+v, want %+v", name, i, got.jobs[i], want[i])
			}
		}
	}
}

// endless repeats a text without end.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

func TestDecodeList_whatIsNoList(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   io.Reader
		want error
	}{
		"a page":      {strings.NewReader("\n<!doctype html><title>Sign in</title>"), errPage},
		"a huge job":  {io.MultiReader(strings.NewReader(`[{"a":"`), endless("x")), errEndless},
		"another one": {strings.NewReader(`{"jobs":[]}`), errSyntax},
	} {
		if _, err := decodeList(tt.in, nil); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeList(f *testing.F) {
	f.Add(list(rows(2, same)...), list(rows(3, same)...))
	for _, r := range oddRows() {
		f.Add("[]", "["+r+"]")
	}
	f.Add("[]", " [ { } , {\"message\":\"\\\\\\\"\"} ] x")
	f.Add("[{\"a\":[{}]}]", "[{\"a\":[{]}}]")
	f.Fuzz(func(t *testing.T, before, text string) {
		last, err := decodeList(strings.NewReader(before), nil)
		if err != nil {
			last = nil
		}
		got, gotErr := decodeList(strings.NewReader(text), last)
		want, wantErr := decodeStd([]byte(text))
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json says %v", text, gotErr, wantErr)
		}
		if gotErr != nil {
			return
		}
		if diff := cmp.Diff(want, got.jobs); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func BenchmarkListing(b *testing.B) {
	const n = 10_000
	base := list(rows(n, same)...)
	some := list(rows(n, func(i int) string { return map[bool]string{true: "FAILED", false: "RUNNING"}[i%100 == 0] })...)
	last, err := decodeList(strings.NewReader(base), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name, ratio, text string
		last              *listing
	}{{"first", "1of4", base, nil}, {"unchanged", "1of30", base, last}, {"1% changed", "1of15", some, last}} {
		b.Run(bb.name+"/dray", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeList(strings.NewReader(bb.text), bb.last); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/std,"+bb.ratio, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var jobs []rayapi.Job
				if err := json.Unmarshal([]byte(bb.text), &jobs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
