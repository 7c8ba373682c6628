package submit

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"dray/backend/ledger"
	"dray/backend/rayapi"
)

// problem is a reason why the form cannot be submitted.
type problem struct{ field, text string }

// checker reads the fields and collects what is wrong with them, in the order
// of the form.
type checker struct{ problems []problem }

func (c *checker) fail(field, format string, args ...any) {
	c.problems = append(c.problems, problem{field, fmt.Sprintf(format, args...)})
}

func (c *checker) entrypoint(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		c.fail(fieldEntrypoint, "type the command that the job runs, such as: python train.py")
	case strings.ContainsRune(s, 0):
		c.fail(fieldEntrypoint, "the command contains a NUL byte, which no shell can run")
	case len(s) > rayapi.MaxEntrypoint:
		c.fail(fieldEntrypoint, "%d bytes, at most %d are allowed: put the commands into a script", len(s), rayapi.MaxEntrypoint)
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

func (c *checker) dir(d workDir) {
	if d.reason != "" {
		c.fail(fieldDir, "%s", d.reason)
	}
}

func (c *checker) envVars(text string, b base) []pair {
	vars := c.pairs(fieldEnv, text, b)
	total := 0
	for _, v := range vars {
		n := len(v.key) + 1 + len(v.value)
		total += n
		switch {
		case strings.ContainsAny(v.key, " \t"):
			c.fail(fieldEnv, "the name %q contains a blank", clip(v.key))
		case strings.ContainsRune(v.value, 0):
			c.fail(fieldEnv, "the value of %s contains a NUL byte", clip(v.key))
		case v.value == ledger.Redacted:
			c.fail(fieldEnv, "the server hides the value of %s: type it in, or remove the line", clip(v.key))
		case n > rayapi.MaxEnvVar:
			c.fail(fieldEnv, "%s has %d bytes, at most %d are allowed", clip(v.key), n, rayapi.MaxEnvVar)
		}
	}
	if total > rayapi.MaxEnvTotal {
		c.fail(fieldEnv, "%d bytes in all, at most %d are allowed", total, rayapi.MaxEnvTotal)
	}
	return vars
}

func (c *checker) metadata(text string, b base) map[string]string {
	list := c.pairs(fieldMetadata, text, b)
	if len(list) > rayapi.MaxMetadataKeys {
		c.fail(fieldMetadata, "%d keys, at most %d are allowed", len(list), rayapi.MaxMetadataKeys)
	}
	var m map[string]string
	for _, p := range list {
		if m == nil {
			m = make(map[string]string, len(list))
		}
		m[p.key] = p.value
		switch n := len(p.key) + len(p.value); {
		case p.value == ledger.Redacted:
			c.fail(fieldMetadata, "the server hides the value of %s: type it in, or remove the line", clip(p.key))
		case n > rayapi.MaxMetadataBytes:
			c.fail(fieldMetadata, "%s has %d bytes, at most %d are allowed", clip(p.key), n, rayapi.MaxMetadataBytes)
		}
	}
	return m
}

// pairs reads lines of the form K=V. Lines that are wrong are left out.
func (c *checker) pairs(field, text string, b base) []pair {
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
			list = append(list, pair{k, b.value(line, v)})
		}
		seen[k] = true
	}
	return list
}

var (
	decimal    = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	memoryText = regexp.MustCompile(`^([+-]?[0-9.eE+-]+) *([A-Za-z]*)$`)
)

// smallest is the unit in which Ray counts resources.
const smallest = 0.0001

func (c *checker) amount(field, s string) float64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	v, reason := parseAmount(s)
	if reason != "" {
		c.fail(field, "%s", reason)
		return 0
	}
	return v
}

func parseAmount(s string) (float64, string) {
	if !decimal.MatchString(s) {
		return 0, fmt.Sprintf("%q is not a number: write one such as 2 or 0.5", clip(s))
	}
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return 0, fmt.Sprintf("%s is too large", clip(s))
	case v < 0:
		return 0, fmt.Sprintf("%s is negative", clip(s))
	case math.Abs(v/smallest-math.Round(v/smallest)) > 1e-6 && v < 1e6:
		return 0, fmt.Sprintf("%s has more than four decimals, which Ray does not count", clip(s))
	}
	return v, ""
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
	for _, p := range c.pairs(fieldResources, text, base{}) {
		switch p.key {
		case "CPU", "GPU", "memory":
			c.fail(fieldResources, "%s has a field of its own above", p.key)
			continue
		}
		v, reason := parseAmount(strings.TrimSpace(p.value))
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

// hidden refuses what came from a server that hides values in a part of the
// runtime environment for which the form has no field.
func (c *checker) hidden(b base) {
	for _, name := range b.hiddenIn() {
		c.fail(fieldEntrypoint, "the server hides a part of %s, so this job can only be submitted anew", clip(name))
	}
}

// warning returns what is probably a slip in a command that can be sent.
func warning(entrypoint string) string {
	switch {
	case strings.TrimSpace(entrypoint) == "":
		return ""
	case unclosed(entrypoint):
		return "a quote is not closed: the shell will refuse the command"
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
