package submit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
)

// dots stand for a value that must not be seen.
const dots = jobtext.Mask

// shown is a request as the sheet shows it: the literal request, with the
// values of secrets hidden.
type shown struct {
	request rayapi.SubmitRequest
	dir     workDir
	env     []envKey // without working_dir, env_vars masked
	vars    []pair
	target  screen.Target
	cwd     string
	mask    func(line string) int // of a variable
}

func newShown(r rayapi.SubmitRequest, dir workDir, env *screen.Env, mask func(string) int) shown {
	s := shown{dir: dir, target: env.Target, cwd: env.Cwd, request: r, mask: mask}
	keys, _ := decodeEnv(r.RuntimeEnv)
	for _, k := range keys {
		switch k.name {
		case "working_dir":
		case "env_vars":
			vars, _ := decodeEnv(k.raw)
			for _, v := range vars {
				var text string
				if json.Unmarshal(v.raw, &text) == nil {
					s.vars = append(s.vars, pair{v.name, text})
				}
			}
		default:
			s.env = append(s.env, envKey{k.name, jobtext.Masked(k.name, k.raw)})
		}
	}
	s.request.Metadata = maps.Clone(r.Metadata)
	for k, v := range r.Metadata {
		if secret(k+"="+v) >= 0 {
			s.request.Metadata[k] = dots
		}
	}
	return s
}

func (s shown) maskedEnv(dir string) json.RawMessage {
	masked := make([]pair, len(s.vars))
	for i, v := range s.vars {
		if s.mask(v.key+"="+v.value) >= 0 {
			v.value = dots
		}
		masked[i] = v
	}
	return encodeEnv(runtimeEnv(base{env: s.env}, dir, masked))
}

// body returns the request body, one line per entry, indented.
func (s shown) body() []string {
	r := s.request
	dir := s.dir.uri
	if s.dir.upload {
		dir = "gcs://... (uploaded at submit)"
	}
	r.RuntimeEnv = s.maskedEnv(dir)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// dray returns the words of the equivalent dray command, grouped by flag.
func (s shown) dray() [][]string {
	first := []string{"dray"}
	if !s.target.Embedded {
		first = append(first, "--address", quoted(s.target.Address))
	}
	words := [][]string{append(first, "submit")}
	add := func(flag, value string) { words = append(words, []string{flag, value}) }
	if s.request.SubmissionID != "" {
		add("--id", quoted(s.request.SubmissionID))
	}
	if d := s.dirFlag(); d != inPlace+s.cwd || !s.target.Embedded {
		if d != "" {
			add("--working-dir", quoted(d))
		}
	}
	for _, v := range s.vars {
		add("--env", s.assignment(v))
	}
	for _, k := range slices.Sorted(maps.Keys(s.request.Metadata)) {
		add("--metadata", quoted(k+"="+s.request.Metadata[k]))
	}
	if rest := encodeEnv(s.env); rest != nil {
		add("--runtime-env-json", quoted(string(rest)))
	}
	words = s.amounts(words)
	return append(words, []string{"--", s.entrypoint()})
}

// ray returns the words of the equivalent command of Ray's own client.
func (s shown) ray() [][]string {
	words := [][]string{{"ray", "job", "submit", "--address", quoted(s.target.Address)}}
	add := func(flag, value string) { words = append(words, []string{flag, value}) }
	if s.request.SubmissionID != "" {
		add("--submission-id", quoted(s.request.SubmissionID))
	}
	if d := s.dirFlag(); d != "" {
		add("--working-dir", quoted(d))
	}
	if env := s.maskedEnv(""); env != nil {
		add("--runtime-env-json", quoted(string(env)))
	}
	if len(s.request.Metadata) > 0 {
		add("--metadata-json", quoted(string(marshal(s.request.Metadata))))
	}
	words = s.amounts(words)
	if len(s.request.LabelSelector) > 0 {
		add("--entrypoint-label-selector", quoted(string(marshal(s.request.LabelSelector))))
	}
	add("--no-wait", "--")
	// Ray's client quotes each word, so shell text must be one word of a shell.
	if e := s.request.Entrypoint; plainWords.MatchString(e) || strings.TrimSpace(e) == "" {
		return append(words, []string{s.entrypoint()})
	}
	return append(words, []string{"sh", "-c", quoted(s.request.Entrypoint)})
}

func (s shown) entrypoint() string {
	switch e := s.request.Entrypoint; {
	case strings.TrimSpace(e) == "":
		return "..."
	case plainWords.MatchString(e):
		return e
	default:
		return quoted(e)
	}
}

func (s shown) amounts(words [][]string) [][]string {
	r := s.request
	for _, a := range []struct{ flag, value string }{
		{"--entrypoint-num-cpus", number(r.NumCPUs)},
		{"--entrypoint-num-gpus", number(r.NumGPUs)},
	} {
		if a.value != "" {
			words = append(words, []string{a.flag, a.value})
		}
	}
	if r.Memory > 0 {
		words = append(words, []string{"--entrypoint-memory", strconv.FormatInt(r.Memory, 10)})
	}
	if len(r.Resources) > 0 {
		words = append(words, []string{"--entrypoint-resources", quoted(string(marshal(r.Resources)))})
	}
	return words
}

func (s shown) dirFlag() string {
	if s.dir.upload {
		return s.dir.path
	}
	return s.dir.uri
}

var (
	plainWords = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+( [A-Za-z0-9@%+=:,./_-]+)*$`)
	plainWord  = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// assignment is K=V as a shell word. A secret is taken from the shell's own
// variable, so that it stands in no history.
func (s shown) assignment(v pair) string {
	if s.mask(v.key+"="+v.value) < 0 {
		return quoted(v.key + "=" + v.value)
	}
	if identifier.MatchString(v.key) {
		return v.key + `="$` + v.key + `"`
	}
	return quoted(v.key + "=" + dots)
}

// quoted returns s as one word of a shell; on one line, so that it can be
// copied from the screen.
func quoted(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "$'" + escaped(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// escaped writes control characters as a shell reads them between $' and '.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r):
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fold lays the words of a command out in lines of at most w cells, as far as
// they go, continued as a shell wants it.
func fold(words [][]string, w int) []string {
	var lines []string
	line := ""
	for _, group := range words {
		g := strings.Join(group, " ")
		switch {
		case line == "":
			line = g
		case len([]rune(line))+1+len([]rune(g))+2 <= w:
			line += " " + g
		default:
			lines = append(lines, line+` \`)
			line = "  " + g
		}
	}
	return append(lines, line)
}
