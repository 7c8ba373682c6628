package submit

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"dray/backend/jobspec"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/submit/renv"
)

// problem is a reason why the form cannot be submitted.
type problem struct{ field, text string }

// checker reads the fields and collects what is wrong with them, in the order
// of the form.
type checker struct {
	base     base
	files    bool // the server may read files that are named
	modules  []workDir
	problems []problem
	warnings []problem // what can be sent, and is likely to be a mistake
}

func (c *checker) fail(field, format string, args ...any) {
	c.problems = append(c.problems, problem{field, fmt.Sprintf(format, args...)})
}

// say is fail with what a rule says, if it says anything.
func (c *checker) say(field, why string) {
	if why != "" {
		c.fail(field, "%s", why)
	}
}

func (c *checker) entrypoint(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		c.fail(fieldEntrypoint, "type the command that the job runs, such as: python train.py")
	default:
		c.say(fieldEntrypoint, jobspec.CheckEntrypoint(s))
	}
	return s
}

func (c *checker) id(s string) string {
	if s == "" {
		return ""
	}
	if err := rayapi.CheckID(s); err != nil {
		c.fail(fieldID, "%s", strings.TrimPrefix(err.Error(), "submission_id "))
	}
	return s
}

func (c *checker) dir(d workDir) { c.say(fieldDir, d.reason) }

// envVars reads the variables; the rules for them are checked with the whole
// runtime environment.
func (c *checker) envVars(text string) []pair {
	vars := c.pairs(fieldEnv, text)
	for _, v := range vars {
		if v.value == ledger.Redacted || v.value == "" && c.base.hidden[v.key] {
			c.fail(fieldEnv, "the value of %s was hidden: type it in again, or remove the line", clip(v.key))
		}
	}
	return vars
}

// metadata reads the list and adds the job's name, which has a field of its own.
func (c *checker) metadata(text, name string) map[string]string {
	list := c.pairs(fieldMetadata, text)
	count := len(list)
	var m map[string]string
	if name != "" {
		m = map[string]string{fieldName: name}
		count++
		if len(fieldName)+len(name) > rayapi.MaxMetadataBytes {
			c.fail(fieldName, "%d bytes, at most %d are allowed", len(name), rayapi.MaxMetadataBytes-len(fieldName))
		}
	}
	if count > rayapi.MaxMetadataKeys {
		c.fail(fieldMetadata, "%d keys, at most %d are allowed", count, rayapi.MaxMetadataKeys)
	}
	for _, p := range list {
		if m == nil {
			m = make(map[string]string, len(list))
		}
		switch {
		case p.key == fieldName && name != "":
			c.fail(fieldMetadata, "%s has a field of its own above", fieldName)
			continue
		case p.raw != nil:
			c.fail(fieldMetadata, "the value of %s must be text, got %s", clip(p.key), jobspec.TypeName(p.raw))
		case p.value == ledger.Redacted, p.value == "" && c.base.hidden[p.key]:
			c.fail(fieldMetadata, "the value of %s was hidden: type it in again, or remove the line", clip(p.key))
		default:
			c.say(fieldMetadata, jobspec.CheckMetadata(p.key, p.value))
		}
		m[p.key] = p.value
	}
	return m
}

// pairs reads lines of the form K=V, or one JSON object. What is wrong is left
// out.
func (c *checker) pairs(field, text string) []pair {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return c.object(field, text)
	}
	var list []pair
	seen := make(map[string]bool)
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		k = strings.TrimSpace(k)
		switch {
		case !ok:
			c.fail(field, "%q has no '=': write NAME=value", clip(line))
		case k == "":
			c.fail(field, "a line has no name before '=': write NAME=value")
		case seen[k]:
			c.fail(field, "%s is there twice", clip(k))
		default:
			p := pair{key: k, value: c.base.value(line, v)}
			if field == fieldEnv {
				p.raw = c.base.odd[line]
			}
			list = append(list, p)
		}
		seen[k] = true
	}
	return list
}

// object reads a list that was typed or pasted as JSON. A value that is no text
// is in raw.
func (c *checker) object(field, text string) []pair {
	v, err := renv.ParseJSON([]byte(text))
	if err != nil {
		reason := err.Error()
		var at *renv.TextError
		if errors.As(err, &at) && at.Line == 1 {
			reason = fmt.Sprintf("%s at column %d", at.Text, at.Column)
		}
		c.fail(field, "%s", reason)
		return nil
	}
	list := make([]pair, 0, len(v))
	for _, k := range v {
		p := pair{key: k.Name}
		if jobspec.TypeName(k.Raw) != "text" || json.Unmarshal(k.Raw, &p.value) != nil {
			p.raw, p.value = k.Raw, string(k.Raw)
		}
		p.quoted = p.raw == nil
		if strings.TrimSpace(k.Name) == "" {
			c.fail(field, "a key has no name")
			continue
		}
		list = append(list, p)
	}
	return list
}

// labels checks what Ray itself checks when it takes a job.
func (c *checker) labels(text string) map[string]string {
	var m map[string]string
	for _, p := range c.pairs(fieldLabels, text) {
		if p.raw != nil {
			c.fail(fieldLabels, "the value of %s must be text, got %s", clip(p.key), jobspec.TypeName(p.raw))
			continue
		}
		if why := jobspec.CheckLabel(p.key, p.value); why != "" {
			c.fail(fieldLabels, "%s", why)
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[p.key] = p.value
	}
	return m
}

var (
	decimal    = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	memoryText = regexp.MustCompile(`^([+-]?[0-9.eE+-]+) *([A-Za-z]*)$`)
)

func (c *checker) amount(field, s string) float64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	v, reason := c.parseAmount(field, "", s)
	if reason != "" {
		c.fail(field, "%s", reason)
		return 0
	}
	return v
}

// parseAmount reads an amount; of which resource, a warning says first.
func (c *checker) parseAmount(field, of, s string) (float64, string) {
	if !decimal.MatchString(s) {
		return 0, fmt.Sprintf("%q is not a number: write one such as 2 or 0.5", clip(s))
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, clip(s) + " is too large"
	}
	wrong, warning := jobspec.CheckAmount(v)
	if warning != "" {
		c.warnings = append(c.warnings, problem{field, of + warning})
	}
	return v, wrong
}

func (c *checker) memory(s string) int64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	n, reason := parseBytes(s)
	if reason != "" {
		c.fail(fieldMemory, "%s", reason)
	}
	return n
}

func parseBytes(s string) (int64, string) {
	m := memoryText.FindStringSubmatch(s)
	if m == nil || !decimal.MatchString(m[1]) {
		return 0, fmt.Sprintf("%q is not an amount: write bytes, or such as 512MiB or 16GiB", clip(s))
	}
	unit, ok := units()[strings.ToLower(m[2])]
	if !ok {
		return 0, fmt.Sprintf("%q is not a unit: use KiB, MiB, GiB, TiB, KB, MB, GB or TB", clip(m[2]))
	}
	v, err := strconv.ParseFloat(m[1], 64)
	v *= unit
	switch {
	case err != nil || v >= math.MaxInt64:
		return 0, fmt.Sprintf("%s is too large", clip(s))
	case v < 0:
		return 0, fmt.Sprintf("%s is negative", clip(s))
	case v != math.Trunc(v):
		return 0, fmt.Sprintf("%s is not a whole number of bytes", clip(s))
	}
	return int64(v), ""
}

func (c *checker) resources(text string) map[string]float64 {
	var m map[string]float64
	for _, p := range c.pairs(fieldResources, text) {
		switch {
		case p.quoted:
			c.fail(fieldResources, "%s must be a number, got text", clip(p.key))
			continue
		case p.raw != nil && jobspec.TypeName(p.raw) != "a number":
			c.fail(fieldResources, "%s must be a number, got %s", clip(p.key), jobspec.TypeName(p.raw))
			continue
		}
		switch p.key {
		case "CPU", "GPU", "memory":
			c.fail(fieldResources, "%s has a field of its own above", p.key)
			continue
		}
		v, reason := c.parseAmount(fieldResources, clip(p.key)+": ", strings.TrimSpace(p.value))
		if reason != "" {
			c.fail(fieldResources, "%s: %s", clip(p.key), reason)
			continue
		}
		if m == nil {
			m = make(map[string]float64)
		}
		m[p.key] = v
	}
	return m
}

// warning returns what is probably a slip in a command that can be sent.
func warning(entrypoint string) string {
	switch {
	case strings.TrimSpace(entrypoint) == "":
		return ""
	case unclosed(entrypoint):
		return "a quote is not closed: the shell will refuse the command"
	case jobspec.CommandSecret(entrypoint):
		return "a secret seems to be in the command, which whoever can list the jobs can read: put it into env vars"
	case strings.ContainsFunc(entrypoint, invisible):
		return "the command contains an invisible character, drawn as a dot"
	}
	return ""
}

// clip cuts what is quoted in a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:27]) + "..."
	}
	return s
}
