package renv

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dray/backend/jobspec"
)

// Requirements reads a requirements.txt: its lines without comments. The error
// joins a *TextError for each line that a list of packages cannot have, which
// is left out.
func Requirements(text string) ([]string, error) {
	var out []string
	var errs []error
	joined, start := "", 0
	for i, line := range lines(text) {
		if joined == "" {
			start = i + 1
		}
		if head, ok := strings.CutSuffix(strings.TrimRight(line, " \t"), `\`); ok {
			joined += head
			continue
		}
		line, joined = joined+line, ""
		if hash := strings.Index(line, " #"); hash >= 0 {
			line = line[:hash]
		}
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if why := jobspec.CheckRequirement(line); why != "" {
			errs = append(errs, &TextError{Line: start, Text: why})
			continue
		}
		out = append(out, line)
	}
	if strings.TrimSpace(joined) != "" {
		errs = append(errs, &TextError{Line: start, Text: "the last line is continued by a backslash, but nothing follows"})
	}
	return out, errors.Join(errs...)
}

// Var is one variable.
type Var struct{ Name, Value string }

// DotEnv reads a .env file: NAME=value lines, perhaps after "export", values
// bare or in quotes. The error joins a *TextError for each line that is left
// out. Of a name that is there twice the last one counts.
func DotEnv(text string) ([]Var, error) {
	var vars []Var
	var errs []error
	all := lines(text)
	for i := 0; i < len(all); i++ {
		line := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(all[i]), "export "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fail := func(format string, args ...any) {
			errs = append(errs, &TextError{Line: i + 1, Text: fmt.Sprintf(format, args...)})
		}
		name, rest, ok := strings.Cut(line, "=")
		if !ok {
			fail("there is no '=': write NAME=value")
			continue
		}
		name = strings.TrimSpace(name)
		if !jobspec.ShellName(name) {
			fail("%q is no name of a variable: letters, digits and _, not a digit first", clip(name))
			continue
		}
		value, used, err := dotValue(strings.TrimLeft(rest, " \t"), all[i+1:])
		if err != nil {
			fail("%s: %s", name, err)
			continue
		}
		i += used
		if at := slices.IndexFunc(vars, func(v Var) bool { return v.Name == name }); at >= 0 {
			vars = slices.Delete(vars, at, at+1)
		}
		vars = append(vars, Var{name, value})
	}
	return vars, errors.Join(errs...)
}

// dotValue reads a value and says how many of the next lines it took.
func dotValue(s string, next []string) (string, int, error) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		if i := strings.Index(s, " #"); i >= 0 {
			s = s[:i]
		}
		if strings.HasPrefix(s, "#") {
			s = ""
		}
		return strings.TrimSpace(s), 0, nil
	}
	quote := s[0]
	body, used := s[1:], 0
	for {
		if end := closing(body, quote); end >= 0 {
			if rest := strings.TrimSpace(body[end+1:]); rest != "" && !strings.HasPrefix(rest, "#") {
				return "", 0, fmt.Errorf("there is text after the closing %c", quote)
			}
			value := body[:end]
			if quote == '"' {
				value = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\"`, `"`, `\\`, `\`, `\$`, "$").Replace(value)
			}
			return value, used, nil
		}
		if used == len(next) {
			return "", 0, fmt.Errorf("the %c is not closed", quote)
		}
		body += "\n" + next[used]
		used++
	}
}

// closing is the index of the quote that ends s, or -1.
func closing(s string, quote byte) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote == '"':
			i++
		case s[i] == quote:
			return i
		}
	}
	return -1
}

// Conda reads a conda environment file and returns it as JSON. The error is a
// *TextError, or joins several.
func Conda(text string) (json.RawMessage, error) {
	v, err := ParseYAML([]byte(text))
	if err != nil {
		return nil, err
	}
	line := func(key string) int {
		for i, l := range lines(text) {
			if strings.HasPrefix(l, key+":") {
				return i + 1
			}
		}
		return 1
	}
	var errs []error
	var kept Value
	for _, k := range v {
		switch k.Name {
		case "prefix":
			continue // a place on the machine that the file was written on
		case "dependencies", "channels":
			if jobspec.TypeName(k.Raw) != "a list" {
				errs = append(errs, &TextError{Line: line(k.Name), Text: k.Name + " must be a list, got " + jobspec.TypeName(k.Raw)})
			}
		case "name":
			if jobspec.TypeName(k.Raw) != "text" {
				errs = append(errs, &TextError{Line: line(k.Name), Text: "name must be text, got " + jobspec.TypeName(k.Raw)})
			}
		}
		kept = append(kept, k)
	}
	if len(errs) == 0 && kept.Get("dependencies") == nil {
		errs = append(errs, &TextError{Line: 1, Text: "there are no dependencies: this is no conda environment file"})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return kept.JSON(), nil
}

func lines(text string) []string {
	text = strings.TrimPrefix(text, "\ufeff")
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}
