package submit

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dray/backend/rayapi"
)

// wrong are inputs that must not be sent: the field they are typed into and a
// part of the reason that stands under it.
func wrong(t *testing.T, dir string) []wrongInput {
	t.Helper()
	mkdir(t, filepath.Join(dir, "big"))
	mkdir(t, filepath.Join(dir, "broken"))
	write(t, filepath.Join(dir, "notes.txt"), "")
	write(t, filepath.Join(dir, "script.py"), "print()")
	archive := write(t, filepath.Join(dir, "huge.zip"), "")
	if err := os.Truncate(archive, maxUpload+1); err != nil {
		t.Fatal(err)
	}
	lines := func(n int, format string) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(format, i))
		}
		return strings.Join(out, "\n")
	}
	return []wrongInput{
		{"empty", fieldEntrypoint, "", "type the command"},
		{"blank", fieldEntrypoint, "   ", "type the command"},
		{"wide blank", fieldEntrypoint, "\u3000", "type the command"},
		{"only line breaks", fieldEntrypoint, "\n\n", "type the command"},
		{"too long", fieldEntrypoint, strings.Repeat("x", rayapi.MaxEntrypoint+1), "120001 bytes, at most 120000"},
		{"too long in bytes", fieldEntrypoint, strings.Repeat("ü", 60001), "120002 bytes, at most 120000"},

		{"slash", fieldID, "a/b", "contains '/'"},
		{"blank in it", fieldID, "a b", "contains ' '"},
		{"201 characters", fieldID, strings.Repeat("x", 201), "has 201 characters, at most 200"},
		{"dot", fieldID, ".", "is not a name"},
		{"dots", fieldID, "..", "is not a name"},
		{"letters of elsewhere", fieldID, "zug-ü", "contains 'ü'"},
		{"colon", fieldID, "a:b", "contains ':'"},
		{"percent", fieldID, "a%2fb", "contains '%'"},
		{"backslash", fieldID, `a\b`, "only letters, digits"},
		{"pasted lines", fieldID, "a\nb", "contains ' '"},
		{"zero width", fieldID, "a\u200bb", "only letters, digits"},
		{"shell text", fieldID, "$(id)", "contains '$'"},

		{"missing folder", fieldDir, filepath.Join(dir, "nope"), "there is no such folder: " + filepath.Join(dir, "nope")},
		{"missing relative folder", fieldDir, "nope/sub", "there is no such folder: "},
		{"file in the path", fieldDir, filepath.Join(dir, "script.py", "x"), "a part of the path is not a folder"},
		{"a file", fieldDir, filepath.Join(dir, "script.py"), "neither a folder nor an archive"},
		{"a device", fieldDir, "/dev/null", "neither a folder nor an archive"},
		{"too much", fieldDir, filepath.Join(dir, "big"), "132 MiB in 2,114 files, at most 100 MiB"},
		{"cannot be walked", fieldDir, filepath.Join(dir, "broken"), "input/output error"},
		{"archive too large", fieldDir, archive, "the archive has 100 MiB, at most 100 MiB"},
		{"name too long", fieldDir, "/" + strings.Repeat("x", 300), "file name too long"},
		{"local is relative", fieldDir, "local://x", "needs an absolute path"},
		{"local is empty", fieldDir, "local://", "needs an absolute path"},
		{"git", fieldDir, "git://host/repo", "Ray cannot fetch git://"},
		{"ftp", fieldDir, "ftp://host/a.zip", "Ray cannot fetch ftp://"},
		{"no scheme", fieldDir, "://x.zip", "Ray cannot fetch ://"},
		{"s3 folder", fieldDir, "s3://bucket/folder", "must name an archive"},
		{"https page", fieldDir, "https://host/index.html", "must name an archive"},
		{"wheel", fieldDir, "gcs://x.whl", "must name an archive"},

		{"env without =", fieldEnv, "DEBUG", `"DEBUG" has no '='`},
		{"env without a name", fieldEnv, "=1", "no name before '='"},
		{"env with a blank name", fieldEnv, "  =1", "no name before '='"},
		{"env name with a blank", fieldEnv, "MY VAR=1", `the name "MY VAR" contains a blank`},
		{"export", fieldEnv, "export A=1", "contains a blank"},
		{"env twice", fieldEnv, "A=1\nB=2\nA=3", "A is there twice"},
		{"env in the second line", fieldEnv, "A=1\noops", `"oops" has no '='`},
		{"env hidden", fieldEnv, "HF_TOKEN=<redacted>", "the value of HF_TOKEN was hidden"},
		{"env too long", fieldEnv, "A=" + strings.Repeat("x", rayapi.MaxEnvVar), "A has 120002 bytes, at most 120000"},
		{"env too much", fieldEnv, lines(16, "A%d="+strings.Repeat("x", 100000)), "bytes in all, at most 1500000"},

		{"metadata without =", fieldMetadata, "team", `"team" has no '='`},
		{"metadata without a name", fieldMetadata, "=x", "no name before '='"},
		{"metadata twice", fieldMetadata, "a=1\na=1", "a is there twice"},
		{"metadata too many", fieldMetadata, lines(65, "k%d=1"), "65 keys, at most 64"},
		{"metadata too long", fieldMetadata, "a=" + strings.Repeat("x", 4096), "a has 4097 bytes, at most 4096"},
		{"metadata hidden", fieldMetadata, "a=<redacted>", "the value of a was hidden"},
		{"a number in metadata as JSON", fieldMetadata, `{"a": 1}`, "the value of a must be text, got a number"},

		{"CPUs as text", fieldCPUs, "two", `"two" is not a number`},
		{"CPUs negative", fieldCPUs, "-1", "-1 is negative"},
		{"CPUs NaN", fieldCPUs, "NaN", `"NaN" is not a number`},
		{"CPUs infinite", fieldCPUs, "inf", `"inf" is not a number`},
		{"CPUs hex", fieldCPUs, "0x10", `"0x10" is not a number`},
		{"CPUs with a comma", fieldCPUs, "0,5", `"0,5" is not a number`},
		{"CPUs beyond numbers", fieldCPUs, "1e999", "1e999 is too large"},
		{"CPUs with two signs", fieldCPUs, "+-1", "is not a number"},
		{"CPUs with a unit", fieldCPUs, "4 cores", "is not a number"},
		{"GPUs as text", fieldGPUs, "a100", `"a100" is not a number`},
		{"GPUs negative", fieldGPUs, "-0.5", "-0.5 is negative"},
		{"GPUs with dots", fieldGPUs, "1.2.3", "is not a number"},

		{"memory as text", fieldMemory, "lots", "is not an amount"},
		{"memory with an unknown unit", fieldMemory, "16GiBx", `"GiBx" is not a unit`},
		{"memory negative", fieldMemory, "-1GiB", "-1GiB is negative"},
		{"memory in part bytes", fieldMemory, "1.5", "1.5 is not a whole number of bytes"},
		{"memory beyond numbers", fieldMemory, "99999999TiB", "is too large"},
		{"memory without a number", fieldMemory, "GiB", "is not an amount"},

		{"resource without =", fieldResources, "TPU", `"TPU" has no '='`},
		{"resource as text", fieldResources, "TPU=some", `TPU: "some" is not a number`},
		{"resource without a value", fieldResources, "TPU=", `TPU: "" is not a number`},
		{"resource negative", fieldResources, "TPU=-2", "TPU: -2 is negative"},
		{"resource twice", fieldResources, "TPU=1\nTPU=2", "TPU is there twice"},
		{"resource CPU", fieldResources, "CPU=1", "CPU has a field of its own"},
		{"resource GPU", fieldResources, "GPU=1", "GPU has a field of its own"},
		{"resource memory", fieldResources, "memory=1", "memory has a field of its own"},
		{"half a resource as JSON", fieldResources, `{"TPU": 1`, "JSON ends early at column 9"},
	}
}

func TestModel_WrongInput(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	env := remote(t, jobs)
	cases := slices.Concat(wrong(t, env.Cwd), wrongEnv(), wrongMore())
	if n := len(cases) + len(wrongText()); n < 150 {
		t.Fatalf("%d cases, want at least 150", n)
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := *env
			env.Drafts = nil
			m := started(t, New(&env), 140, 37)
			if tt.field != fieldEntrypoint {
				m, _ = typed(m, "python x.py")
			}
			m = reach(m, tt.field)
			m, _ = typed(m, "paste:"+tt.text)
			m, _ = settled(t, m)
			reasons := func(m Model) []string {
				var out []string
				for _, p := range m.problems {
					if p.field == tt.field {
						out = append(out, p.text)
					}
				}
				return out
			}
			has := func(s string) bool { return strings.Contains(s, tt.want) }
			if !slices.ContainsFunc(reasons(m), has) {
				t.Fatalf("reasons under %s = %q, want %q", tt.field, reasons(m), tt.want)
			}
			if len(reasons(m)) != len(m.problems) {
				t.Errorf("problems elsewhere: %q", m.problems)
			}
			m, cmd := typed(m, "at:after", "ctrl+s")
			if msgs := messages(cmd); len(msgs) > 0 || m.sending.phase != idle {
				t.Errorf("ctrl+s did %v", msgs)
			}
			if m.form.Focused() != tt.field {
				t.Errorf("ctrl+s went to %s, want %s", m.form.Focused(), tt.field)
			}
			view := m.View()
			if !strings.Contains(view, "✗") || !strings.Contains(view, strings.TrimSpace(m.labelOf(tt.field))+". Submit is off") {
				t.Errorf("the reason is not on screen:\n%s", view)
			}
		})
	}
	if len(jobs.sent) > 0 {
		t.Errorf("sent %v", jobs.sent)
	}
}

// reach goes to a field of the form; of the installers, it chooses that first.
func reach(m Model, field string) Model {
	switch field {
	case fieldPip, fieldUv, fieldConda:
		m.form = m.form.SetValue(fieldInstaller, field)
		m = m.checked()
	case fieldText:
		m.view = viewYAML
		m = m.writeText()
	}
	return m.find(field)
}

// TestModel_WrongEnvironment types the runtime environment as YAML.
func TestModel_WrongEnvironment(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	for _, tt := range wrongText() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := started(t, New(remote(t, jobs)), 140, 37)
			m, _ = typed(m, "python x.py")
			m, _ = typed(reach(m, fieldText), "paste:"+tt.text)
			m, _ = settled(t, m)
			if !slices.ContainsFunc(m.problems, func(p problem) bool { return p.field == tt.field && strings.Contains(p.text, tt.want) }) {
				t.Fatalf("problems = %q, want %q under %s", m.problems, tt.want, tt.field)
			}
			m, cmd := typed(m, "pgup", "ctrl+s")
			if msgs := messages(cmd); len(msgs) > 0 || m.sending.phase != idle || !strings.Contains(m.View(), "Submit is off") {
				t.Errorf("ctrl+s did %v:\n%s", msgs, m.View())
			}
		})
	}
	t.Cleanup(func() {
		if len(jobs.sent) > 0 {
			t.Errorf("sent %v", jobs.sent)
		}
	})
}

// TestReasonOf: a test that runs as root can read every folder, so the error is
// made here.
func TestReasonOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{syscall.EACCES, "no permission to read it"},
		{syscall.ENOENT, "there is no such folder"},
		{syscall.ENOTDIR, "a part of the path is not a folder"},
		{syscall.EIO, "input/output error"},
	} {
		if got := reasonOf(&fs.PathError{Op: "open", Path: "/x", Err: tt.err}); got != tt.want {
			t.Errorf("reasonOf(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestModel_RightInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		keys  []string
		check func(r rayapi.SubmitRequest) bool
	}{
		{"blanks around an id", []string{"x", "at:submission_id", " a "}, func(r rayapi.SubmitRequest) bool { return r.SubmissionID == "a" }},
		{"values keep blanks and =", []string{"x", "at:env_vars", "A= b = c "}, func(r rayapi.SubmitRequest) bool {
			return strings.Contains(string(r.RuntimeEnv), `{"A":" b = c "}`)
		}},
		{"empty value", []string{"x", "at:env_vars", "A="}, func(r rayapi.SubmitRequest) bool {
			return strings.Contains(string(r.RuntimeEnv), `{"A":""}`)
		}},
		{"exponent", []string{"x", "at:entrypoint_num_cpus", "1e1"}, func(r rayapi.SubmitRequest) bool { return r.NumCPUs == 10 }},
		{"part of a GPU", []string{"x", "at:entrypoint_num_gpus", ".25"}, func(r rayapi.SubmitRequest) bool { return r.NumGPUs == 0.25 }},
		{"zero", []string{"x", "at:entrypoint_num_cpus", "0"}, func(r rayapi.SubmitRequest) bool { return r.NumCPUs == 0 }},
		{"memory", []string{"x", "at:entrypoint_memory", "1.5 GiB"}, func(r rayapi.SubmitRequest) bool { return r.Memory == 3<<29 }},
		{"resource", []string{"x", "at:entrypoint_resources", "TPU=2"}, func(r rayapi.SubmitRequest) bool { return r.Resources["TPU"] == 2 }},
		{"pasted lines stay lines", []string{"paste:python x \\\n  --lr 1\n"}, func(r rayapi.SubmitRequest) bool { return r.Entrypoint == "python x \\\n  --lr 1" }},
		{"and are edited like letters", []string{"paste:a\r\nb\nc", "left", "left", "backspace", "X"}, func(r rayapi.SubmitRequest) bool { return r.Entrypoint == "a\nX\nc" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := started(t, New(embedded(t, newServer(t))), 80, 21)
			m, _ = typed(m, tt.keys...)
			if len(m.problems) > 0 || !tt.check(m.request) {
				t.Errorf("problems %v, request %+v", m.problems, m.request)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want bool
	}{
		{"HF_TOKEN=x", true},
		{"WANDB_API_KEY=x", true},
		{"AWS_SECRET_ACCESS_KEY=x", true},
		{"AWS_ACCESS_KEY_ID=x", true},
		{"db.password=x", true},
		{"PGPASSWORD=x", true},
		{"MYSQL_PWD=x", true},
		{"token=x", true},
		{"REDIS_AUTH=x", true},
		{"OPENAI=sk-abc", true},
		{"DB=postgres://ana:pw@host/db", true},
		{"X=ghp_0123", true},
		{"TOKENIZERS_PARALLELISM=false", false},
		{"RAY_AUTH_MODE=token", false},
		{"PWD=/home/ana", false},
		{"KEYBOARD=de", false},
		{"SORT_KEY=name", false},
		{"URL=http://host:80/x", false},
		{"HF_TOKEN", false},
	} {
		if got := secret(tt.line) >= 0; got != tt.want {
			t.Errorf("secret(%q) = %v, want %v", tt.line, got, tt.want)
		}
	}
}

func TestWarning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"echo 'a", "quote"},
		{`echo "a`, "quote"},
		{`echo "it's"`, ""},
		{`echo it\'s`, ""},
		{`echo 'a\'`, ""},
		{"cat <<'E", ""},
		{"echo a\u200bb", "invisible"},
		{"python x.py --api-key=sk-abcdefghijklmnop", "a secret seems to be in the command"},
		{"python x.py --api-key=$KEY", ""},
		{"", ""},
	} {
		if got := warning(tt.text); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("warning(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
