package renv_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/tui/submit/renv"
)

// anyJSON draws a value as JSON text.
func anyJSON(t *rapid.T, depth int) string {
	kinds := 5
	if depth == 0 {
		kinds = 3
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		word := rapid.OneOf(
			rapid.StringMatching(`[ -~é\n\t]{0,12}`),
			rapid.SampledFrom([]string{"yes", "no", "on", "Off", "null", "~", "1.10", "1e3", "0x1f", "1:30", "2026-11-22", "true", "=", "<<", "- a", "a: b", "#x", "'", `"`, "", " x", "x ", "|", "*a", "&a", "!t", "%", "@", "`"}),
		).Draw(t, "text")
		return string(renv.Marshal(word))
	case 1:
		return rapid.SampledFrom([]string{"0", "1", "-7", "1.10", "1e3", "600", "12345678901234567890", "0.1"}).Draw(t, "number")
	case 2:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	case 3:
		items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return anyJSON(t, depth-1) }), 0, 3).Draw(t, "items")
		return "[" + strings.Join(items, ",") + "]"
	default:
		return string(anyObject(t, depth-1))
	}
}

func anyObject(t *rapid.T, depth int) json.RawMessage {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zA-Z_][a-zA-Z0-9_. -]{0,8}|yes|1|null|<<|=`), 0, 4, rapid.ID[string]).Draw(t, "names")
	var v renv.Value
	for _, n := range names {
		v = append(v, renv.Key{Name: n, Raw: json.RawMessage(anyJSON(t, depth))})
	}
	if len(v) == 0 {
		return json.RawMessage("{}")
	}
	return v.JSON()
}

func TestValue_ThroughYAMLAndJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := anyObject(t, 3)
		v, err := renv.ParseJSON(raw)
		if err != nil {
			t.Fatalf("ParseJSON(%s): %v", raw, err)
		}
		back, err := renv.ParseYAML([]byte(v.YAML()))
		if err != nil || string(back.JSON()) != string(v.JSON()) {
			t.Fatalf("YAML of %s:\n%s\nis read as %s, %v", raw, v.YAML(), back.JSON(), err)
		}
		if again, err := renv.ParseJSON([]byte(v.Indented())); err != nil || len(again) != len(v) {
			t.Fatalf("indented %s: %v", v.Indented(), err)
		}
	})
}

func TestParse_Errors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text       string
		yaml       bool
		line, want string
	}{
		{`{"a": 1`, false, "line 1, column 7: ", "JSON ends early"},
		{"{\n  \"a\": x\n}", false, "line 2, column 8: ", "invalid character"},
		{`[1]`, false, "line 1", "must be an object in braces, got a list"},
		{`{} x`, false, "line 1, column 4: ", "text after the end"},
		{"a: 1\nb: [", true, "line 2: ", "YAML"},
		{"a: 1\nb:\n  c: 1\n  c: 2", true, "line 4, column 3: ", `"c" is there twice, also on line 3`},
		{"a: &x [*x]", true, "line 1", ""},
	} {
		parse := renv.ParseJSON
		if tt.yaml {
			parse = renv.ParseYAML
		}
		_, err := parse([]byte(tt.text))
		var at *renv.TextError
		if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), tt.line) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q … %q", tt.text, err, tt.line, tt.want)
		}
	}
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	list, err := renv.Requirements("\ufefftorch==2.5.1  # pinned\r\n# all\n\nnumpy>=1.26,<3\nuvicorn[standard]\n--index-url https://x/simple\n" +
		"pkg @ https://host/p.whl\nx ; python_version < \"3.12\"\nlong \\\n  ==1.0\ngit+https://h/r.git@v1\n-r more.txt\n./local\n")
	want := []string{
		"torch==2.5.1", "numpy>=1.26,<3", "uvicorn[standard]", "--index-url https://x/simple", "pkg @ https://host/p.whl",
		`x ; python_version < "3.12"`, "long   ==1.0", "git+https://h/r.git@v1",
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if err == nil || !strings.Contains(err.Error(), "line 12: ") || !strings.Contains(err.Error(), "line 13: ") {
		t.Errorf("errors = %v", err)
	}
	if _, err := renv.Requirements("a\\"); err == nil {
		t.Error("a backslash at the end is no error")
	}
}

func TestDotEnv(t *testing.T) {
	t.Parallel()
	vars, err := renv.DotEnv("# c\nexport A=1\nB = two words # note\nC=\"x\\ny \\\"q\\\"\"\nD='raw \\n'\nE=\nF=\"two\nlines\"\nA=2\nbad\n1X=2\nG='open\n")
	want := []renv.Var{{Name: "B", Value: "two words"}, {Name: "C", Value: "x\ny \"q\""}, {Name: "D", Value: `raw \n`}, {Name: "E"}, {Name: "F", Value: "two\nlines"}, {Name: "A", Value: "2"}}
	if diff := cmp.Diff(want, vars); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	for _, part := range []string{"line 10: there is no '='", "line 11: \"1X\" is no name", "line 12: G: the ' is not closed"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("errors lack %q:\n%v", part, err)
		}
	}
}

func TestConda(t *testing.T) {
	t.Parallel()
	raw, err := renv.Conda("name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip:\n    - torch\nprefix: /home/a\n")
	if want := `{"name":"x","channels":["conda-forge"],"dependencies":["python=3.11",{"pip":["torch"]}]}`; err != nil || string(raw) != want {
		t.Errorf("Conda = %s, %v", raw, err)
	}
	if !slices.Contains([]string{"line 2: dependencies must be a list, got text"}, errText(renv.Conda("name: x\ndependencies: torch"))) {
		t.Error("dependencies as text are taken")
	}
}

func errText(_ json.RawMessage, err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestInline(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"requirements.txt": "torch==2.5.1\n# c\n\ntimm\n", "env.yml": "name: x\ndependencies:\n  - python=3.11\n", "bad.txt": "torch\n-e .\n", "bad.yaml": "a: b",
	}
	read := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	for _, tt := range []struct{ env, want, err string }{
		{`{"pip":"requirements.txt","env_vars":{"A":"1"}}`, `{"pip":["torch==2.5.1","timm"],"env_vars":{"A":"1"}}`, ""},
		{`{"uv":"requirements.txt"}`, `{"uv":["torch==2.5.1","timm"]}`, ""},
		{`{"pip":{"pip_check":true,"packages":"requirements.txt"}}`, `{"pip":{"pip_check":true,"packages":["torch==2.5.1","timm"]}}`, ""},
		{`{"conda":"env.yml"}`, `{"conda":{"name":"x","dependencies":["python=3.11"]}}`, ""},
		{`{"conda":"base","pip":["a"]}`, `{"conda":"base","pip":["a"]}`, ""},
		{`{"pip":{"packages":["a"]},"working_dir":"."}`, `{"pip":{"packages":["a"]},"working_dir":"."}`, ""},
		{`{"pip":"none.txt","x":1}`, `{"pip":"none.txt","x":1}`, "the file none.txt of pip cannot be read"},
		{`{"pip":"bad.txt"}`, `{"pip":"bad.txt"}`, "bad.txt: line 2: \"-e .\" is an editable install"},
		{`{"conda":"bad.yaml"}`, `{"conda":"bad.yaml"}`, "bad.yaml: "},
	} {
		v, err := renv.ParseJSON([]byte(tt.env))
		if err != nil {
			t.Fatal(err)
		}
		got, err := renv.Inline(v, read)
		if string(got.JSON()) != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %s, %v", tt.env, got.JSON(), err)
		}
	}
}
