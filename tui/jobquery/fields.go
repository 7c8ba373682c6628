package jobquery

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dray/backend/rayapi"
	"dray/tui/widget/jobtext"
)

type test = func(r *Row, f *Facts) bool

// fieldNames are the fields in the order in which they are offered.
func fieldNames() []string {
	return []string{"status", "age", "dur", "ended", "exit", "cmd", "id", "name", "user", "node", "type", "error", "msg", "meta", "re"}
}

// fieldStart is how a field is begun, for the completion.
func fieldStart(name string) string {
	switch name {
	case "age", "dur", "ended":
		return name + "<"
	case "meta":
		return "meta."
	}
	return name + ":"
}

// maker returns what turns a clause of the field into its test, or nil when
// there is no such field.
func maker(name string) func(clause) (test, error) {
	switch name {
	case "status", "state":
		return statusTest
	case "type":
		return typeTest
	case "age":
		return timeTest(func(r *Row, now int64) (int64, bool) { return now - r.Start, r.Start != 0 })
	case "ended":
		return timeTest(func(r *Row, now int64) (int64, bool) { return now - r.End, r.End != 0 })
	case "dur":
		return timeTest((*Row).took)
	case "exit":
		return exitTest
	case "re":
		return regexpTest(everything)
	}
	if values := texts(name); values != nil {
		return textTest(values)
	}
	return nil
}

// texts returns what gives the values of a text field, or nil when there is no
// such field.
func texts(name string) func(c clause, r *Row) []string {
	one := func(value func(*rayapi.Job) string) func(clause, *Row) []string {
		return func(_ clause, r *Row) []string { return []string{value(r.Job)} }
	}
	switch name {
	case "cmd", "entrypoint":
		return one(func(j *rayapi.Job) string { return j.Entrypoint })
	case "id":
		return func(_ clause, r *Row) []string { return []string{r.ID, text(r.Job.JobID)} }
	case "name":
		return one(jobtext.Name)
	case "user", "owner":
		return one(jobtext.Owner)
	case "msg":
		return one(func(j *rayapi.Job) string { return j.MessageText() })
	case "error":
		return func(_ clause, r *Row) []string { return []string{jobtext.ErrorShort(r.Job), r.Job.ErrorTypeText()} }
	case "node":
		return func(_ clause, r *Row) []string {
			values := []string{text(r.Job.DriverNodeID)}
			if d := r.Job.DriverInfo; d != nil {
				values = append(values, d.NodeIPAddress)
			}
			return values
		}
	case "meta":
		return func(c clause, r *Row) []string { return metaValues(r.Job, c.sub) }
	}
	return nil
}

func everything(_ clause, r *Row) []string {
	values := []string{r.ID, r.Job.Entrypoint}
	for k, v := range r.Job.Metadata {
		values = append(values, k+"="+v)
	}
	return values
}

func metaValues(job *rayapi.Job, key string) []string {
	if v, ok := job.Metadata[key]; ok {
		return []string{v}
	}
	for k, v := range job.Metadata {
		if strings.EqualFold(k, key) {
			return []string{v}
		}
	}
	return nil
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// took is the job's duration in ms; now counts for active ones.
func (r *Row) took(now int64) (int64, bool) {
	switch {
	case r.Start == 0:
		return 0, false
	case r.End != 0:
		return r.End - r.Start, true
	case r.Kind.Active():
		return now - r.Start, true
	}
	return 0, false
}

// statusWords are the values of status.
func statusWords() []string {
	words := make([]string, 0, jobtext.Kinds+2)
	for k := range jobtext.Kinds {
		words = append(words, strings.ToLower(k.Word()))
	}
	return append(words, "live", "done")
}

func statusTest(c clause) (test, error) {
	if err := c.needOp(":", "="); err != nil {
		return nil, err
	}
	var on [jobtext.Kinds]bool
	err := c.pick(statusWords(), func(i int) {
		for k := range jobtext.Kinds {
			live := i == int(jobtext.Kinds) && k.Active()
			done := i == int(jobtext.Kinds)+1 && !k.Active()
			on[k] = on[k] || i == int(k) || live || done
		}
	})
	return func(r *Row, _ *Facts) bool { return on[r.Kind] }, err
}

func typeTest(c clause) (test, error) {
	if err := c.needOp(":", "="); err != nil {
		return nil, err
	}
	var driver, submission bool
	err := c.pick([]string{"submission", "driver"}, func(i int) {
		submission = submission || i == 0
		driver = driver || i == 1
	})
	return func(r *Row, _ *Facts) bool {
		if r.Job.Type == rayapi.TypeDriver {
			return driver
		}
		return submission
	}, err
}

// pick calls on for each of words that the comma-separated value names; the
// beginning of a word is enough.
func (c clause) pick(words []string, on func(i int)) error {
	if c.value == "" {
		return c.badValue("%s needs a value: %s", c.name, strings.Join(words, " "))
	}
	for part := range strings.SplitSeq(strings.ToLower(c.value), ",") {
		found := part == ""
		for i, w := range words {
			if strings.HasPrefix(w, part) && part != "" {
				on(i)
				found = true
			}
		}
		if !found {
			return c.badValue("%s has no value %q; it has %s", c.name, part, strings.Join(words, " "))
		}
	}
	return nil
}

// textTest asks for a part (:), the whole (=) or a pattern (~) of a value.
func textTest(values func(clause, *Row) []string) func(clause) (test, error) {
	return func(c clause) (test, error) {
		if err := c.needOp(":", "=", "~"); err != nil {
			return nil, err
		}
		if c.op == "~" {
			return regexpTest(values)(c)
		}
		if c.value == "" {
			if c.name != "meta" {
				return nil, c.badValue("%s needs a value, as in %s:x", c.name, c.name)
			}
			return func(r *Row, _ *Facts) bool { return len(values(c, r)) > 0 }, nil
		}
		wants := slices.DeleteFunc(strings.Split(strings.ToLower(c.value), ","), func(s string) bool { return s == "" })
		holds := strings.Contains
		if c.op == "=" {
			holds = func(value, want string) bool { return value == want }
		}
		return func(r *Row, _ *Facts) bool {
			return slices.ContainsFunc(values(c, r), func(v string) bool {
				low := strings.ToLower(v)
				return slices.ContainsFunc(wants, func(w string) bool { return holds(low, w) })
			})
		}, nil
	}
}

// regexpTest looks for a pattern. Without a capital letter in it, case does not
// matter: it is looked for in lower case, which is faster than a pattern that
// folds.
func regexpTest(values func(clause, *Row) []string) func(clause) (test, error) {
	return func(c clause) (test, error) {
		if c.value == "" {
			return nil, c.badValue("%s%s needs a regular expression", c.name, c.op)
		}
		re, err := regexp.Compile(c.value)
		if err != nil {
			return nil, c.badValue("%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		match := re.MatchString
		if regexp.QuoteMeta(c.value) == c.value {
			match = func(v string) bool { return strings.Contains(v, c.value) }
		}
		folds := !hasCapital(c.value)
		return func(r *Row, _ *Facts) bool {
			return slices.ContainsFunc(values(c, r), func(v string) bool {
				if folds {
					v = strings.ToLower(v)
				}
				return match(v)
			})
		}, nil
	}
}

// hasCapital reports a capital letter in a pattern; those of escapes such as
// \S do not count.
func hasCapital(pattern string) bool {
	escaped := false
	return strings.ContainsFunc(pattern, func(r rune) bool {
		was := escaped
		escaped = r == '\\' && !was
		return !was && unicode.IsUpper(r)
	})
}

// timeTest compares a length of time.
func timeTest(value func(r *Row, now int64) (int64, bool)) func(clause) (test, error) {
	return func(c clause) (test, error) {
		if err := c.needOp("<", ">", "<=", ">="); err != nil {
			return nil, err
		}
		limit, err := ParseDuration(c.value)
		if err != nil {
			return nil, c.badValue("%s needs a length of time, as in %s%s2d (s m h d w)", c.name, c.name, c.op)
		}
		below, ms := strings.HasPrefix(c.op, "<"), limit.Milliseconds()
		return func(r *Row, f *Facts) bool {
			v, ok := value(r, f.Now.UnixMilli())
			return ok && (v != ms && below == (v < ms) || v == ms && len(c.op) == 2)
		}, nil
	}
}

// ParseDuration reads "90s", "1h30m", "2d" or "1w".
func ParseDuration(s string) (time.Duration, error) {
	var total time.Duration
	rest := strings.ToLower(s)
	for first := true; first || rest != ""; first = false {
		n := 0
		for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
			n++
		}
		value, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil || n == len(rest) {
			return 0, strconv.ErrSyntax
		}
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[rest[n]]
		if unit == 0 || value > 1e5 {
			return 0, strconv.ErrSyntax
		}
		total += time.Duration(value * float64(unit))
		rest = rest[n+1:]
	}
	return total, nil
}

// exitTest takes exit codes and names of signals.
func exitTest(c clause) (test, error) {
	if err := c.needOp(":", "=", "<", ">", "<=", ">="); err != nil {
		return nil, err
	}
	if c.op == ":" || c.op == "=" {
		wants := strings.Split(strings.ToUpper(c.value), ",")
		for i, w := range wants {
			wants[i] = strings.TrimPrefix(w, "SIG")
			if wants[i] == "" {
				return nil, c.badValue("exit needs a code or a signal, as in exit:137 or exit:KILL")
			}
		}
		return func(r *Row, _ *Facts) bool { return slices.Contains(wants, jobtext.ExitShort(r.Job)) }, nil
	}
	limit, err := strconv.Atoi(c.value)
	if err != nil {
		return nil, c.badValue("exit%s needs a number, as in exit>0", c.op)
	}
	below := strings.HasPrefix(c.op, "<")
	return func(r *Row, _ *Facts) bool {
		code := r.Job.DriverExitCode
		return code != nil && (*code != limit && below == (*code < limit) || *code == limit && len(c.op) == 2)
	}, nil
}
