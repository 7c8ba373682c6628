package jobspec_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/jobspec"
	"dray/backend/shellwords"
)

// anyText has what files and shells stumble over.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"yes", "No", "on", "null", "~", "true", "1", "0x10", "1e3", "1:30", "2026-01-01", "- a", "a: b", "#x", "a #b", "'", `"`, `\`, "$HOME", "`id`",
			"a\nb", "a\n  b\n", "\n", " a", "a ", "\ta", "a\n\n", "a\r\nb", "é", "日本", "\u2028", "\u0085", "\u00a0", "a && b | c > d", "{}", "[", "*a", "&a", "!x", "%", "@",
			"sh -c 'x'", "'a b'", "=", "<<", "---", "...", "? a", "|", ">", "a\\\nb", "\x1b[0m", "\U0001f600", "a\tb\nc",
		}),
		rapid.StringMatching(`[ -~]{0,20}`),
		rapid.StringMatching(`[a-z '"\\$\n\t:#-]{0,12}`),
		rapid.StringOfN(rapid.Rune(), 0, 10, -1).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }),
	)
}

func name() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,6}`) }

func texts() *rapid.Generator[map[string]string] {
	return rapid.Custom(func(t *rapid.T) map[string]string {
		m := rapid.MapOfN(rapid.OneOf(name(), anyText().Filter(func(s string) bool { return s != "" && !strings.Contains(s, "=") })), anyText(), 0, 3).Draw(t, "texts")
		if len(m) == 0 {
			return nil
		}
		return m
	})
}

func labels() *rapid.Generator[map[string]string] {
	return rapid.Custom(func(t *rapid.T) map[string]string {
		key := rapid.StringMatching(`([a-z]{1,5}\.io/)?[a-z][a-z_.-]{0,4}[a-z0-9]`)
		m := rapid.MapOfN(key, rapid.SampledFrom([]string{"", "a", "!a", "in(a, b)", "!in(a,b-c)", "yes", "1e3"}), 0, 3).Draw(t, "labels")
		if len(m) == 0 {
			return nil
		}
		return m
	})
}

func encode(v any) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return json.RawMessage(strings.TrimSpace(b.String()))
}

func anyJSON(depth int) *rapid.Generator[json.RawMessage] {
	leaf := rapid.OneOf(
		rapid.Map(anyText(), func(s string) json.RawMessage { return encode(s) }),
		rapid.Map(rapid.SampledFrom([]string{"null", "true", "false", "0", "-0", "1.0", "1e5", "1E-400", "1e999", "12345678901234567890123", "-1.50"}),
			func(s string) json.RawMessage { return json.RawMessage(s) }),
	)
	if depth == 0 {
		return leaf
	}
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(anyJSON(depth-1), 0, 3), func(l []json.RawMessage) json.RawMessage {
			if l == nil {
				l = []json.RawMessage{}
			}
			return encode(l)
		}),
		rapid.Custom(func(t *rapid.T) json.RawMessage {
			return objectOf(rapid.SliceOfNDistinct(anyText(), 0, 3, rapid.ID).Draw(t, "keys"), func(string) json.RawMessage { return anyJSON(depth-1).Draw(t, "value") })
		}),
	)
}

func objectOf(keys []string, value func(string) json.RawMessage) json.RawMessage {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = string(encode(k)) + ":" + string(value(k))
	}
	return json.RawMessage("{" + strings.Join(parts, ",") + "}")
}

// spec draws a valid job.
func spec() *rapid.Generator[jobspec.Spec] {
	return rapid.Custom(func(t *rapid.T) jobspec.Spec {
		s := jobspec.Spec{
			Entrypoint:   anyText().Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "entrypoint"),
			SubmissionID: rapid.SampledFrom([]string{"", "id-1", "007", "1e3", "yes"}).Draw(t, "id"),
			WorkingDir:   rapid.SampledFrom([]string{"", ".", "./a b", "gcs://x.zip", "-x", "it's"}).Draw(t, "dir"),
			Metadata:     texts().Draw(t, "metadata"), LabelSelector: labels().Draw(t, "labels"),
			NumCPUs: rapid.SampledFrom([]float64{0, 1, 0.5, 1e-4, 123456789}).Draw(t, "cpus"),
			NumGPUs: rapid.SampledFrom([]float64{0, 2, 0.25}).Draw(t, "gpus"),
			Memory:  rapid.SampledFrom([]int64{0, 1, 1 << 40, 1<<53 + 1}).Draw(t, "memory"),
		}
		s.Resources = map[string]float64{"TPU": 1.5, "a b": 2}
		if rapid.Bool().Draw(t, "no resources") {
			s.Resources = nil
		}
		keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"env_vars", "pip", "nsight", "x: y", "other", "excludes"}), 0, 4, rapid.ID).Draw(t, "env")
		if len(keys) > 0 {
			s.RuntimeEnv = objectOf(keys, func(key string) json.RawMessage {
				switch key {
				case "env_vars":
					names := rapid.SliceOfNDistinct(name(), 0, 3, rapid.ID).Draw(t, "names")
					return objectOf(names, func(string) json.RawMessage { return encode(anyText().Draw(t, "var")) })
				case "pip":
					return encode(rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,8}(\[[a-z]{1,3}\])?([=>]=[0-9]\.[0-9])?`), 1, 3).Draw(t, key))
				case "excludes":
					return encode(rapid.SliceOfN(anyText(), 1, 3).Draw(t, key))
				case "nsight":
					return encode(anyText().Draw(t, key))
				}
				return anyJSON(2).Draw(t, key)
			})
		}
		return s
	})
}

func TestProperty_file(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := spec().Draw(t, "spec")
		s.After = rapid.SampledFrom([]string{"", jobspec.AfterLog, jobspec.AfterStay, jobspec.AfterNotify}).Draw(t, "after")
		for kind, data := range map[string][]byte{"YAML": s.YAML(), "JSON": s.JSON()} {
			got, err := jobspec.Parse(kind, data)
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			if diff := cmp.Diff(s, got, cmp.Transformer("text", func(r json.RawMessage) string { return string(r) })); diff != "" {
				t.Fatalf("%s (-want +got):\n%s\n%s", kind, diff, data)
			}
		}
	})
}

func TestProperty_command(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := spec().Draw(t, "spec")
		for kind, argv := range map[string][]string{"ray": s.RayArgv("http://head:8265"), "dray": s.DrayArgv("http://head:8265")} {
			line := shellwords.Join(argv)
			got, _, err := jobspec.FromCommand(line)
			if err != nil {
				t.Fatalf("%s: %v\n%s", kind, err, line)
			}
			want := s
			if kind == "dray" {
				want.RuntimeEnv, got.RuntimeEnv = sorted(s.RuntimeEnv), sorted(got.RuntimeEnv)
			}
			if diff := cmp.Diff(want, got, cmp.Transformer("text", func(r json.RawMessage) string { return string(r) })); diff != "" {
				t.Fatalf("%s (-want +got):\n%s\n%s", kind, diff, line)
			}
		}
	})
}

// sorted drops the order of the keys.
func sorted(raw json.RawMessage) json.RawMessage {
	var v map[string]json.RawMessage
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return encode(v)
}

// Any POSIX shell gives back the words of a line.
func TestProperty_shell(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		argv := spec().Draw(t, "spec").RayArgv("http://head:8265")
		line := strings.Replace(shellwords.Join(argv), "ray job submit", "printf '%s\\0'", 1)
		out, err := exec.CommandContext(t.Context(), sh, "-c", line).Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		if want := strings.Join(argv[3:], "\x00") + "\x00"; string(out) != want {
			t.Fatalf("the shell sees %q, want %q", out, want)
		}
	})
}

// Nothing that is pasted makes it fail otherwise than by an error.
func FuzzFromCommand(f *testing.F) {
	for _, line := range []string{"ray job submit -- x", "dray submit --id", "curl -d '{}'", "ray job submit --env $'\\x", "ray job submit --entrypoint-memory 1e -- a"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, notes, err := jobspec.FromCommand(line)
		if err == nil {
			_ = fmt.Sprint(s.Check(), notes, string(s.YAML()))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"entrypoint: x", "{\"entrypoint\":\"x\"}", "a: &a [*a]", "? {a: b}\n: c", "- !!set {}", "deadline: .nan", "runtime_env: {a: !!float x}"} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := jobspec.Parse("f", data)
		if err != nil {
			return
		}
		again, err := jobspec.Parse("f", s.YAML())
		if err != nil {
			t.Fatalf("%v\n%s", err, s.YAML())
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
