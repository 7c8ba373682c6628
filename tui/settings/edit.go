package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"dray/backend/contexts"
)

// load returns the lines of the settings' file; none when there is no file.
func load(file string) ([]string, error) {
	if file == "" {
		return nil, errors.New("there is no folder for a config file: HOME and XDG_CONFIG_HOME are not set")
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

// save writes the lines, unless they are no settings: then the file was broken
// before, and is left alone.
func save(file string, lines []string) error {
	next := []byte(strings.Join(lines, "\n") + "\n")
	if _, err := Parse(file, next); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	// The file may be a link into a folder of dotfiles, which must stay one.
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".config-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(next)
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

// errByHand is for files that are written in a way that a few changed lines
// cannot keep.
func errByHand(file string) error {
	return fmt.Errorf("%s is written in a way that cannot be changed without losing some of it: change it by hand", file)
}

// edit changes the clusters of a file: change gets the lines and where each
// cluster stands, and want says what the clusters have to be afterwards. What
// is not about clusters stays as it is, comments too.
func edit(file string, change func(e *editing) error, want func([]contexts.Cluster) []contexts.Cluster) error {
	lines, err := load(file)
	if err != nil {
		return err
	}
	before, err := Parse(file, []byte(strings.Join(lines, "\n")))
	if err != nil {
		return err
	}
	e := &editing{file: file, lines: lines}
	if err := e.locate(); err != nil {
		return err
	}
	if err := change(e); err != nil {
		return err
	}
	after, err := Parse(file, []byte(strings.Join(e.lines, "\n")))
	if err != nil {
		return errByHand(file)
	}
	wanted := *before
	wanted.Clusters = want(slices.Clone(before.Clusters))
	wanted.places, after.places = nil, nil
	if len(wanted.Clusters)+len(after.Clusters) > 0 && !reflect.DeepEqual(&wanted, after) {
		return errByHand(file)
	}
	return save(file, e.lines)
}

// editing is a file that is being changed.
type editing struct {
	file   string
	lines  []string
	key    *yaml.Node // "clusters", or nil
	values *yaml.Node // what it holds
}

// locate finds the clusters.
func (e *editing) locate() error {
	root, err := reader{file: e.file}.document([]byte(strings.Join(e.lines, "\n")))
	if err != nil || root == nil {
		return err
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "clusters" {
			e.key, e.values = root.Content[i], root.Content[i+1]
		}
	}
	if e.key != nil && root.Style&yaml.FlowStyle != 0 {
		return errByHand(e.file)
	}
	return nil
}

// block finds a cluster that is written as lines of its own: its first line,
// that after its last, and the blanks before what it holds.
func (e *editing) block(name string) (key, value *yaml.Node, from, to int, err error) {
	if e.values == nil || e.values.Kind != yaml.MappingNode || e.values.Style&yaml.FlowStyle != 0 {
		return nil, nil, 0, 0, errByHand(e.file)
	}
	for i := 0; i+1 < len(e.values.Content); i += 2 {
		if e.values.Content[i].Value == name {
			key, value = e.values.Content[i], e.values.Content[i+1]
		}
	}
	if key == nil {
		return nil, nil, 0, 0, fmt.Errorf("%s names no cluster %q", e.file, name)
	}
	return key, value, key.Line - 1, e.end(key), nil
}

// end is the line after the last one that belongs to a key.
func (e *editing) end(key *yaml.Node) int {
	to := key.Line
	for i := key.Line; i < len(e.lines); i++ {
		text := strings.TrimLeft(e.lines[i], " ")
		if text == "" {
			continue
		}
		if len(e.lines[i])-len(text) < key.Column {
			break
		}
		to = i + 1
	}
	return to
}

// indent is how far the entries below a node are moved in.
func indent(values *yaml.Node, otherwise int) string {
	if values != nil && values.Kind == yaml.MappingNode && len(values.Content) > 0 {
		return strings.Repeat(" ", values.Content[0].Column-1)
	}
	return strings.Repeat(" ", otherwise)
}

// AddCluster writes a cluster into the settings' file, after the others, and
// leaves the rest of the file as it is.
func AddCluster(file string, c contexts.Cluster) error {
	text, err := clusterLines(c)
	if err != nil {
		return err
	}
	add := func(e *editing) error {
		switch {
		case e.key == nil:
			e.lines = append(append(e.lines, "clusters:"), moved(text, "  ")...)
			return nil
		case e.values.Kind == yaml.MappingNode && e.values.Style&yaml.FlowStyle == 0 && len(e.values.Content) > 0:
			at := e.end(e.key)
			e.lines = slices.Insert(e.lines, at, moved(text, indent(e.values, 2))...)
			return nil
		case e.values.Tag == "!!null" || len(e.values.Content) == 0: // "clusters:" alone, or "clusters: {}"
			e.lines[e.key.Line-1] = "clusters:"
			e.lines = slices.Insert(e.lines, e.key.Line, moved(text, "  ")...)
			return nil
		}
		return errByHand(e.file)
	}
	if dir, err := filepath.Abs(filepath.Dir(file)); err == nil {
		c.Dir = dir
	}
	return edit(file, add, func(have []contexts.Cluster) []contexts.Cluster { return append(have, c) })
}

func moved(lines []string, by string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = by + l
	}
	return out
}

// RemoveCluster takes a cluster out of the settings' file.
func RemoveCluster(file, name string) error {
	remove := func(e *editing) error {
		_, _, from, to, err := e.block(name)
		if err != nil {
			return err
		}
		if len(e.values.Content) == 2 {
			from, to = e.key.Line-1, e.end(e.key)
		}
		e.lines = slices.Delete(e.lines, from, to)
		return nil
	}
	return edit(file, remove, func(have []contexts.Cluster) []contexts.Cluster {
		have = slices.DeleteFunc(have, func(c contexts.Cluster) bool { return c.Name == name })
		if len(have) == 0 {
			return nil
		}
		return have
	})
}

// SetReadOnly changes whether a cluster is for reading only.
func SetReadOnly(file, name string, on bool) error {
	set := func(e *editing) error {
		key, value, _, _, err := e.block(name)
		if err != nil {
			return err
		}
		if value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 {
			return errByHand(e.file)
		}
		for i := 0; i+1 < len(value.Content); i += 2 {
			if k, v := value.Content[i], value.Content[i+1]; k.Value == "read_only" {
				line := e.lines[v.Line-1]
				e.lines[v.Line-1] = line[:v.Column-1] + fmt.Sprint(on) + line[v.Column-1+len(v.Value):]
				return nil
			}
		}
		e.lines = slices.Insert(e.lines, key.Line, fmt.Sprintf("%sread_only: %t", indent(value, key.Column+1), on))
		return nil
	}
	return edit(file, set, func(have []contexts.Cluster) []contexts.Cluster {
		for i := range have {
			if have[i].Name == name {
				have[i].ReadOnly = on
			}
		}
		return have
	})
}

// clusterLines writes a cluster as YAML.
func clusterLines(c contexts.Cluster) ([]string, error) {
	fields := []struct {
		name  string
		value any
		set   bool
	}{
		{"address", c.Address, true},
		{"headers", c.Headers, len(c.Headers) > 0},
		{"header_command", c.HeaderCommand, len(c.HeaderCommand) > 0},
		{"header_timeout", c.HeaderTimeout.String(), c.HeaderTimeout > 0},
		{"token_file", c.TokenFile, c.TokenFile != ""},
		{"token_env", c.TokenEnv, c.TokenEnv != ""},
		{"ca_file", c.CAFile, c.CAFile != ""},
		{"cert_file", c.CertFile, c.CertFile != ""},
		{"key_file", c.KeyFile, c.KeyFile != ""},
		{"insecure_skip_verify", true, c.SkipVerify},
		{"read_only", true, c.ReadOnly},
		{"protected", true, c.Protected},
		{"colour", c.Colour, c.Colour != ""},
	}
	lines := []string{c.Name + ":"}
	for _, f := range fields {
		if !f.set {
			continue
		}
		text, err := yaml.Marshal(map[string]any{f.name: f.value})
		if err != nil {
			return nil, err
		}
		lines = append(lines, moved(strings.Split(strings.TrimSpace(string(text)), "\n"), "  ")...)
	}
	return lines, nil
}
