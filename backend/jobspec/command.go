package jobspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"dray/backend/rayapi"
	"dray/backend/shellwords"
)

// ErrNotCommand says that a text is no command that submits a job.
var ErrNotCommand = errors.New("not a command that submits a job")

// Note says what of a command could not be taken over, and why.
type Note struct {
	Field string // "address", "runtime_env", a flag; may be ""
	Text  string
	File  string // in which the runtime environment is, "" for none
}

// FromCommand reads a command line that submits a job: ray job submit, dray
// submit, or curl with the request's body. The notes tell what is not in the
// spec. The error wraps ErrNotCommand when the text is something else; another
// error says what is wrong with the command.
func FromCommand(line string) (Spec, []Note, error) {
	words, after, err := split(unprompted(line))
	if err != nil {
		return Spec{}, nil, fmt.Errorf("%w: %w", ErrNotCommand, err)
	}
	c := command{words: words, reader: reader{places: map[string]*yaml.Node{}}}
	read, ok := c.find()
	if !ok {
		return Spec{}, nil, ErrNotCommand
	}
	if err := read(&c); err != nil {
		return Spec{}, nil, err
	}
	if len(c.reader.problems) > 0 {
		p := c.reader.problems[0]
		return Spec{}, nil, errors.New(p.String())
	}
	if after != "" {
		c.note("", "what follows the command is left out: %s", clip(after))
	}
	return c.reader.spec, c.notes, nil
}

var prompt = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*(\S*[$#%>]\s+)?`) })

// unprompted drops the prompt that is copied along with a command.
func unprompted(line string) string {
	if at := prompt().FindStringIndex(line); at != nil && !strings.HasPrefix(strings.TrimSpace(line), "#") {
		return line[at[1]:]
	}
	return line
}

// command is a command line that is being read.
type command struct {
	words  []word
	reader reader
	notes  []Note
	env    []member // variables by flags
}

func (c *command) note(field, format string, args ...any) {
	c.notes = append(c.notes, Note{Field: field, Text: fmt.Sprintf(format, args...)})
}

var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`) })

// find drops what stands before the flags and says how to read them.
func (c *command) find() (func(*command) error, bool) {
	for len(c.words) > 0 && assignment().MatchString(c.words[0].text) {
		c.note("", "%s is set for the command alone and is left out", clip(c.words[0].text))
		c.words = c.words[1:]
	}
	is := func(i int, name string) bool { return i < len(c.words) && path.Base(c.words[i].text) == name }
	for i := range c.words {
		switch {
		case is(i, "ray") && is(i+1, "job") && is(i+2, "submit"):
			c.words = c.words[i+3:]
			return (*command).ray, true
		case is(i, "dray"):
			return (*command).dray, c.drayVerb(i + 1)
		case is(i, "curl"):
			c.words = c.words[i+1:]
			return (*command).curl, true
		case i > 3: // "uv run --with ray ray job submit" and the like
			return nil, false
		}
	}
	return nil, false
}

func (c *command) drayVerb(at int) bool {
	for i := at; i < len(c.words); i++ {
		name, value, has := strings.Cut(c.words[i].text, "=")
		switch name {
		case "submit":
			c.words = c.words[i+1:]
			return true
		case "--address", "--state-dir":
			if !has && i+1 < len(c.words) {
				i++
				value = c.words[i].text
			}
			c.note(strings.TrimPrefix(name, "--"), "%s %s is not part of the job and is left out", name, clip(value))
		default:
			return false
		}
	}
	return false
}

// flags reads flags until the job's command, whose words it returns. take sets
// what a flag says; switches are flags without a value.
func (c *command) flags(switches []string, take func(name, value string, w word) error) ([]word, error) {
	for len(c.words) > 0 {
		w := c.words[0]
		name, value, has := strings.Cut(w.text, "=")
		switch {
		case w.text == "--":
			return c.words[1:], nil
		case !strings.HasPrefix(w.text, "-") || w.text == "-":
			return c.words, nil
		case !slices.Contains(switches, name) && !has:
			if len(c.words) < 2 {
				return nil, fmt.Errorf("%s has no value", name)
			}
			c.words = c.words[1:]
			value = c.words[0].text
			w.expand = w.expand || c.words[0].expand
		}
		c.words = c.words[1:]
		if w.expand {
			c.note(name, "the shell would have replaced a part of %s: it is taken as it stands", clip(value))
		}
		if err := take(name, value, w); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (c *command) command(words []word) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.text
		if w.expand {
			c.note("entrypoint", "the shell would have replaced a part of %s: it is taken as it stands", clip(w.text))
		}
	}
	return out
}

func (c *command) ray() error {
	rest, err := c.flags([]string{"--no-wait", "-v", "--verbose", "-vv"}, func(name, value string, _ word) error {
		switch name {
		case "--job-id", "--submission-id":
			c.reader.spec.SubmissionID = value
		case "--no-wait", "-v", "-vv", "--verbose", "--log-style", "--log-color":
		case "--headers":
			c.note(name, "headers are not part of the job and are left out")
		case "--address", "--verify":
			c.note(strings.TrimPrefix(name, "--"), "%s %s is not part of the job and is left out", name, clip(value))
		default:
			return c.shared(name, value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	words := c.command(rest)
	if isShell(words) {
		c.reader.spec.Entrypoint = words[2] // an entrypoint is shell text already
		return nil
	}
	c.reader.spec.Entrypoint = shellwords.Join(words)
	return nil
}

func (c *command) dray() error {
	rest, err := c.flags([]string{"--wait", "--follow", "--dry-run"}, func(name, value string, _ word) error {
		switch name {
		case "--id":
			c.reader.spec.SubmissionID = value
		case "--follow":
			c.reader.spec.After = AfterLog
		case "--wait", "--dry-run":
		case "--env":
			k, v, ok := strings.Cut(value, "=")
			if !ok {
				return fmt.Errorf("--env %s has no '='", clip(value))
			}
			c.env = set(c.env, member{k, text(v)})
		case "--metadata":
			k, v, ok := strings.Cut(value, "=")
			if !ok {
				return fmt.Errorf("--metadata %s has no '='", clip(value))
			}
			c.reader.spec.Metadata = merged(c.reader.spec.Metadata, map[string]string{k: v})
		case "--exclude", "--py-module":
			c.append(map[string]string{"--exclude": "excludes", "--py-module": "py_modules"}[name], value)
		case "-f", "--file", "-t", "--template":
			c.note(name, "what is in %s is left out: load it by itself", clip(value))
		case "--address", "--state-dir":
			c.note(strings.TrimPrefix(name, "--"), "%s %s is not part of the job and is left out", name, clip(value))
		default:
			return c.shared(name, value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(c.env) > 0 {
		c.reader.spec.RuntimeEnv = envOver(c.reader.spec.RuntimeEnv, object([]member{{"env_vars", object(c.env)}}))
	}
	words := c.command(rest)
	if len(words) == 1 {
		c.reader.spec.Entrypoint = words[0]
		return nil
	}
	c.reader.spec.Entrypoint = shellwords.Join(words)
	return nil
}

// append adds to a list of the runtime environment.
func (c *command) append(name, value string) {
	var list []json.RawMessage
	if raw := lookup(c.reader.spec.RuntimeEnv, name); raw != nil {
		_ = json.Unmarshal(raw, &list)
	}
	keys, _ := members(c.reader.spec.RuntimeEnv)
	c.reader.spec.RuntimeEnv = object(set(keys, member{name, marshal(append(list, text(value)))}))
}

// shared takes the flags that Ray's client and dray have in common.
func (c *command) shared(name, value string) error {
	field := strings.ReplaceAll(strings.TrimPrefix(name, "--"), "-", "_")
	switch name {
	case "--working-dir":
		c.reader.spec.WorkingDir = value
	case "--runtime-env":
		c.note("runtime_env", "the runtime environment is in the file %s: load it by itself", clip(value))
		c.notes[len(c.notes)-1].File = value
	case "--runtime-env-json":
		return c.object(name, "runtime_env", value)
	case "--metadata-json":
		return c.object(name, "metadata", value)
	case "--entrypoint-num-cpus", "--entrypoint-num-gpus", "--entrypoint-memory":
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: value}
		fieldReaders()[field](&c.reader, n, field)
	case "--entrypoint-resources", "--entrypoint-label-selector":
		return c.object(name, field, value)
	default:
		c.note(name, "%s is not known and is left out", name)
	}
	return nil
}

// object reads a flag whose value is a JSON object.
func (c *command) object(flag, field, value string) error {
	if !json.Valid([]byte(value)) || !isObject(json.RawMessage(value)) {
		return fmt.Errorf("%s: %s is not a JSON object", flag, clip(value))
	}
	n, p := document([]byte(value))
	if p != nil {
		return fmt.Errorf("%s: %s", flag, p)
	}
	c.reader.mark(n, field, 2)
	fieldReaders()[field](&c.reader, n, field)
	return nil
}

// curl takes the body of a request.
func (c *command) curl() error {
	switches := []string{"-s", "-S", "-sS", "-L", "-k", "-i", "-v", "-f", "--silent", "--insecure", "--location", "--fail", "--compressed", "-sSf", "-sf"}
	body := ""
	for len(c.words) > 0 {
		if !strings.HasPrefix(c.words[0].text, "-") {
			c.words = c.words[1:] // the address
			continue
		}
		if _, err := c.flags(switches, func(name, value string, _ word) error {
			switch name {
			case "-d", "--data", "--data-raw", "--data-binary", "--json", "--data-ascii":
				body = value
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if !isObject(json.RawMessage(body)) {
		return ErrNotCommand
	}
	r, err := rayapi.ParseSubmit([]byte(body))
	if err != nil {
		return fmt.Errorf("the body that curl sends: %w", err)
	}
	c.reader.spec = FromRequest(r)
	return nil
}
