package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Path returns the file of the settings and the folder of the user's themes:
// DRAY_CONFIG, else dray/config.yaml in the user's configuration folder.
func Path(getenv func(string) string) (file, themes string) {
	if file := getenv("DRAY_CONFIG"); file != "" {
		return file, filepath.Join(filepath.Dir(file), "themes")
	}
	dir := getenv("XDG_CONFIG_HOME")
	if dir == "" && getenv("HOME") != "" {
		dir = filepath.Join(getenv("HOME"), ".config")
	}
	if dir == "" {
		return "", ""
	}
	return filepath.Join(dir, "dray", "config.yaml"), filepath.Join(dir, "dray", "themes")
}

// Load reads the settings. Without a file they are the default ones; a named
// file (DRAY_CONFIG) must be there.
func Load(getenv func(string) string) (*Settings, error) {
	file, themes := Path(getenv)
	if file == "" {
		return Default(), nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && getenv("DRAY_CONFIG") == "" {
		s := Default()
		s.File, s.ThemeDir = file, themes
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	s, err := Parse(file, text)
	if err != nil {
		return nil, err
	}
	s.ThemeDir = themes
	for key, name := range map[string]string{"theme": s.Theme, "theme_light": s.ThemeLight} {
		if name == "" && key == "theme_light" {
			continue
		}
		if _, err := Theme(themes, name); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Where(key), err)
		}
	}
	return s, nil
}

// Parse reads settings from text; file is what errors name.
func Parse(file string, text []byte) (*Settings, error) {
	r := reader{file: file, at: map[string]place{}}
	s := Default()
	s.File, s.places = file, r.at
	root, err := r.document(text)
	if err != nil || root == nil {
		return s, err
	}
	if err := r.settings(root, s); err != nil {
		return nil, err
	}
	return s, nil
}

// place is a line and a column.
type place struct{ line, column int }

// Where names the place of a setting, as errors do: "config.yaml:3:7".
func (s *Settings) Where(key string) string {
	p, ok := s.places[key]
	if !ok {
		return s.File
	}
	return fmt.Sprintf("%s:%d:%d", s.File, p.line, p.column)
}

// Line is the line of the file in which a setting stands, or 0.
func (s *Settings) Line(key string) int64 { return int64(s.places[key].line) }

// reader turns nodes into values, and knows where each stood.
type reader struct {
	file string
	at   map[string]place
}

func (r reader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %w", r.file, n.Line, n.Column, fmt.Errorf(format, args...))
}

// document returns the mapping that the text holds, or nil if it is empty.
func (r reader) document(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		if len(bytes.TrimSpace(text)) == 0 || err.Error() == "EOF" {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: it is not YAML: %s", r.file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	root := doc.Content[0]
	if root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, r.errorf(root, "a list of names with values is expected here")
	}
	return root, nil
}

// fields calls set for each name of a mapping; one that is not among known is
// an error with a suggestion.
func (r reader) fields(n *yaml.Node, path string, known []string, set func(name string, v *yaml.Node) error) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return r.errorf(n, "%s takes names with values", strings.TrimSuffix(path, "."))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		if known != nil && !slices.Contains(known, k.Value) {
			return r.errorf(k, "there is no setting %q%s", path+k.Value, Suggest(known, k.Value))
		}
		if seen[k.Value] {
			return r.errorf(k, "%q is set twice", path+k.Value)
		}
		seen[k.Value] = true
		r.at[path+k.Value] = place{k.Line, k.Column}
		if err := set(k.Value, v); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) text(n *yaml.Node, into *string) error {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return r.errorf(n, "one value is expected here")
	}
	*into = n.Value
	return nil
}

func (r reader) bool(n *yaml.Node, into *bool) error {
	switch strings.ToLower(n.Value) {
	case "true", "yes", "on":
		*into = true
	case "false", "no", "off":
		*into = false
	default:
		return r.errorf(n, "it is true or false, not %q", n.Value)
	}
	return nil
}

// texts takes a list, or a single value for a list of one.
func (r reader) texts(n *yaml.Node, into *[]string) error {
	out := []string{}
	switch {
	case n.Tag == "!!null":
	case n.Kind == yaml.ScalarNode:
		out = append(out, n.Value)
	case n.Kind == yaml.SequenceNode:
		for _, v := range n.Content {
			var s string
			if err := r.text(v, &s); err != nil {
				return err
			}
			out = append(out, s)
		}
	default:
		return r.errorf(n, "a list is expected here")
	}
	*into = out
	return nil
}

// items calls add for each entry of a list.
func (r reader) items(n *yaml.Node, what string, add func(i int, v *yaml.Node) error) error {
	if n.Kind != yaml.SequenceNode {
		return r.errorf(n, "%s is a list: each entry begins with a dash", what)
	}
	for i, v := range n.Content {
		if err := add(i, v); err != nil {
			return err
		}
	}
	return nil
}

// webhook checks an address to which events are posted.
func (r reader) webhook(n *yaml.Node, into *string) error {
	u, err := url.Parse(n.Value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return r.errorf(n, "notify.webhook is an address that begins with http:// or https://")
	}
	return r.text(n, into)
}

// Suggest names the word of known that is closest to a wrong one.
func Suggest(known []string, wrong string) string {
	best, least := "", max(2, len(wrong)/2)+1
	for _, k := range known {
		if d := distance(strings.ToLower(wrong), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		if len(known) > 12 {
			return ""
		}
		return "; there are " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("; is %q meant?", best)
}

// distance is how many letters have to be changed, added or taken out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := left
			if a[i] != b[j] {
				cost++
			}
			left = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
