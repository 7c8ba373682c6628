package settings

import (
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"dray/backend/contexts"
	"dray/theme"
)

// clusterFields are the settings of a cluster, in the order in which they are
// told.
func clusterFields() []string {
	return []string{
		"address", "headers", "header_command", "header_timeout", "token_file", "token_env",
		"ca_file", "cert_file", "key_file", "insecure_skip_verify", "read_only", "protected", "colour",
	}
}

func (r reader) clusters(n *yaml.Node, into *[]contexts.Cluster) error {
	*into = nil
	dir := filepath.Dir(r.file)
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return r.fields(n, "clusters.", nil, func(name string, v *yaml.Node) error {
		at := r.at["clusters."+name]
		place := &yaml.Node{Line: at.line, Column: at.column}
		if err := contexts.CheckName(name); err != nil {
			return r.errorf(place, "%w", err)
		}
		c := contexts.Cluster{Name: name, Dir: dir}
		err := r.fields(v, "clusters."+name+".", clusterFields(), func(field string, v *yaml.Node) error { return r.cluster(field, v, &c) })
		if err != nil {
			return err
		}
		if c.Address == "" {
			return r.errorf(place, "clusters.%s has no address", name)
		}
		if err := c.Check(); err != nil {
			return r.errorf(place, "clusters.%s: %w", name, err)
		}
		*into = append(*into, c)
		return nil
	})
}

func (r reader) cluster(field string, v *yaml.Node, c *contexts.Cluster) error {
	switch field {
	case "address":
		if err := r.text(v, &c.Address); err != nil {
			return err
		}
		return r.checked(v, contexts.CheckAddress(c.Address))
	case "headers":
		return r.headers(v, c)
	case "header_command":
		return r.command(v, &c.HeaderCommand)
	case "header_timeout":
		return r.duration(v, &c.HeaderTimeout)
	case "token_file":
		return r.filled(v, &c.TokenFile)
	case "token_env":
		return r.filled(v, &c.TokenEnv)
	case "ca_file":
		return r.filled(v, &c.CAFile)
	case "cert_file":
		return r.filled(v, &c.CertFile)
	case "key_file":
		return r.filled(v, &c.KeyFile)
	case "insecure_skip_verify":
		return r.bool(v, &c.SkipVerify)
	case "read_only":
		return r.bool(v, &c.ReadOnly)
	case "protected":
		return r.bool(v, &c.Protected)
	default:
		if err := r.filled(v, &c.Colour); err != nil {
			return err
		}
		if !theme.IsColour(c.Colour) {
			return r.errorf(v, `colour is one of %s, "#rrggbb", in quotes, or a number from 0 to 255, not %q`, strings.Join(theme.ColourNames(), ", "), c.Colour)
		}
		return nil
	}
}

// checked puts the place before what is wrong with a value.
func (r reader) checked(n *yaml.Node, err error) error {
	if err == nil {
		return nil
	}
	return r.errorf(n, "%w", err)
}

// filled takes one value that is not empty.
func (r reader) filled(n *yaml.Node, into *string) error {
	if err := r.text(n, into); err != nil {
		return err
	}
	if strings.TrimSpace(*into) == "" {
		return r.errorf(n, "the value is missing")
	}
	return nil
}

func (r reader) headers(n *yaml.Node, c *contexts.Cluster) error {
	c.Headers = map[string]string{}
	return r.fields(n, "clusters."+c.Name+".headers.", nil, func(name string, v *yaml.Node) error {
		var value string
		if err := r.text(v, &value); err != nil {
			return err
		}
		c.Headers[name] = value
		return r.checked(v, contexts.CheckHeader(name, value))
	})
}

// command takes a program and its arguments; a single value is for the shell.
func (r reader) command(n *yaml.Node, into *[]string) error {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		var line string
		err := r.filled(n, &line)
		*into = []string{"/bin/sh", "-c", line}
		return err
	}
	if err := r.texts(n, into); err != nil {
		return err
	}
	if len(*into) == 0 || strings.TrimSpace((*into)[0]) == "" {
		return r.errorf(n, `header_command is a program with its arguments: [pass, show, ray/prod]`)
	}
	return nil
}

// The bounds of header_timeout.
const leastTimeout, mostTimeout = 100 * time.Millisecond, 5 * time.Minute

func (r reader) duration(n *yaml.Node, into *time.Duration) error {
	d, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || d < leastTimeout || d > mostTimeout {
		return r.errorf(n, "header_timeout is a time such as 10s, from %s to %s, not %q", leastTimeout, mostTimeout, n.Value)
	}
	*into = d
	return nil
}
