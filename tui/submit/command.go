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

	"dray/backend/jobspec"
	"dray/backend/rayapi"
	"dray/backend/shellwords"
	"dray/tui/screen"
	"dray/tui/submit/renv"
	"dray/tui/widget/jobtext"
)

// dots stand for a value that must not be seen.
const dots = jobtext.Mask

// shown is a request as the sheet shows it: the literal request, with the
// values of secrets hidden.
type shown struct {
	request rayapi.SubmitRequest
	dir     workDir
	env     renv.Value // without working_dir, env_vars masked
	vars    []pair
	varsAt  int // where they stood among env
	target  screen.Target
	cwd     string
	mask    func(line string) int // of a variable
	modules []workDir             // that are uploaded
}

func newShown(r rayapi.SubmitRequest, dir workDir, env *screen.Env, mask func(string) int) shown {
	s := shown{dir: dir, target: env.Target, cwd: env.Cwd, request: r, mask: mask}
	keys, _ := renv.ParseJSON(r.RuntimeEnv)
	for _, k := range keys {
		vars, ok := texts(k)
		switch {
		case k.Name == "working_dir":
		case k.Name == "env_vars" && ok:
			s.vars, s.varsAt = vars, len(s.env)
		default:
			s.env = append(s.env, renv.Key{Name: k.Name, Raw: jobtext.Masked(k.Name, k.Raw)})
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

// texts are the entries of an object of texts.
func texts(k renv.Key) ([]pair, bool) {
	entries, err := renv.ParseJSON(k.Raw)
	if err != nil {
		return nil, false
	}
	var out []pair
	for _, e := range entries {
		var text string
		if jobspec.TypeName(e.Raw) != "text" || json.Unmarshal(e.Raw, &text) != nil {
			return nil, false
		}
		out = append(out, pair{key: e.Name, value: text})
	}
	return out, true
}

// maskedEnv is the runtime environment with dir as its working dir; hide
// returns what stands for a secret.
func (s shown) maskedEnv(dir string, hide func(name string) string) renv.Value {
	var v, vars renv.Value
	if dir != "" {
		v = renv.Value{{Name: "working_dir", Raw: renv.Marshal(dir)}}
	}
	head := len(v) + s.varsAt
	v = append(v, moduled(s.env, s.named(sentModule))...)
	for _, p := range s.vars {
		if s.mask(p.key+"="+p.value) >= 0 {
			p.value = hide(p.key)
		}
		vars = append(vars, renv.Key{Name: p.key, Raw: renv.Marshal(p.value)})
	}
	if len(vars) > 0 {
		v = slices.Insert(v, head, renv.Key{Name: "env_vars", Raw: vars.JSON()})
	}
	return v
}

func hideAll(string) string { return dots }

// named tells what stands for the modules that are uploaded.
func (s shown) named(name func(workDir) string) map[string]string {
	texts := make(map[string]string, len(s.modules))
	for _, d := range s.modules {
		texts[d.text] = name(d)
	}
	return texts
}

// sentModule is a module as the server gets it.
func sentModule(d workDir) string {
	if d.flight.URI != "" {
		return d.flight.URI
	}
	return "gcs://... (uploaded at submit)"
}

func pathOf(d workDir) string { return d.path }

// sentDir is the working dir as the server gets it.
func (s shown) sentDir() string {
	switch {
	case s.dir.upload && s.dir.flight.URI != "":
		return s.dir.flight.URI
	case s.dir.upload:
		return "gcs://... (uploaded at submit)"
	}
	return s.dir.uri
}

// body returns the request body, one line per entry, indented.
func (s shown) body() []string {
	r := s.request
	r.RuntimeEnv = s.maskedEnv(s.sentDir(), hideAll).JSON()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// yaml returns the runtime environment as it will be sent.
func (s shown) yaml() []string {
	text := s.maskedEnv(s.sentDir(), hideAll).YAML()
	if text == "" {
		return []string{"{}"}
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// dray returns the words of the equivalent dray command, grouped by flag.
func (s shown) dray() [][]string {
	first := []string{"dray"}
	if !s.target.Embedded {
		flag, where := "--address", s.target.Address
		if s.target.Cluster != "" {
			flag, where = "--cluster", s.target.Cluster
		}
		first = append(first, flag, quoted(where))
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
	if rest := moduled(s.env, s.named(pathOf)).JSON(); rest != nil {
		add("--runtime-env-json", quoted(string(rest)))
	}
	words = s.amounts(words)
	if len(s.request.LabelSelector) > 0 {
		words = append(words, []string{"--entrypoint-label-selector", quoted(string(renv.Marshal(s.request.LabelSelector)))})
	}
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
	s.env = moduled(s.env, s.named(pathOf))
	s.modules = nil
	if env := s.maskedEnv("", fromShell).JSON(); env != nil {
		add("--runtime-env-json", splice(quoted(string(env))))
	}
	if len(s.request.Metadata) > 0 {
		add("--metadata-json", quoted(string(renv.Marshal(s.request.Metadata))))
	}
	words = s.amounts(words)
	if len(s.request.LabelSelector) > 0 {
		add("--entrypoint-label-selector", quoted(string(renv.Marshal(s.request.LabelSelector))))
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
		words = append(words, []string{"--entrypoint-resources", quoted(string(renv.Marshal(r.Resources)))})
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
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	spliced    = regexp.MustCompile(`@@shell:([A-Za-z_][A-Za-z0-9_]*)@@`)
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

// fromShell marks the place where splice puts the shell's own variable.
func fromShell(name string) string {
	if !identifier.MatchString(name) {
		return dots
	}
	return "@@shell:" + name + "@@"
}

// splice lets a shell fill in the marked places of a word in single quotes.
func splice(word string) string { return spliced.ReplaceAllString(word, `'"$$$1"'`) }

// quoted returns s as one word that any POSIX shell takes. Line breaks stay;
// other control characters, which a terminal would obey, are printed by the
// shell itself.
func quoted(s string) string {
	odd := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if !strings.ContainsFunc(s, odd) {
		return shellwords.Quote(s)
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexFunc(s, odd)
		if i < 0 {
			b.WriteString(shellwords.Quote(s))
			break
		}
		if i > 0 {
			b.WriteString(shellwords.Quote(s[:i]))
		}
		b.WriteString(`"$(printf '`)
		for s = s[i:]; s != ""; {
			r := []rune(s[:min(len(s), 4)])[0]
			if !odd(r) {
				break
			}
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
			s = s[len(string(r)):]
		}
		b.WriteString(`')"`)
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
		case len([]rune(line))+1+len([]rune(g))+2 <= w && !strings.Contains(line, "\n"):
			line += " " + g
		default:
			lines = append(lines, line+` \`)
			line = "  " + g
		}
	}
	return strings.Split(strings.Join(append(lines, line), "\n"), "\n")
}

// oneLine is a command as it is copied.
func oneLine(words [][]string) string {
	groups := make([]string, len(words))
	for i, g := range words {
		groups[i] = strings.Join(g, " ")
	}
	return strings.Join(groups, " ")
}
