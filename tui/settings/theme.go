package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"dray/theme"
)

// themeEnd ends the name of a theme's file.
const themeEnd = ".yaml"

// ThemeNames lists the built-in themes and those of the user in dir.
func ThemeNames(dir string) []string {
	names := theme.Names()
	if dir == "" {
		return names
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+themeEnd))
	if err != nil {
		return names
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), themeEnd)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Theme returns a theme by name: that of the user in dir, else a built-in one.
func Theme(dir, name string) (theme.Spec, error) {
	if dir != "" && name != "" && filepath.Base(name) == name {
		text, err := os.ReadFile(filepath.Join(dir, name+themeEnd))
		if err == nil {
			return ParseTheme(filepath.Join(dir, name+themeEnd), text)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return theme.Spec{}, fmt.Errorf("read the theme %s: %w", name, err)
		}
	}
	if s, ok := theme.Named(name); ok {
		return s, nil
	}
	return theme.Spec{}, fmt.Errorf("there is no theme %q%s", name, Suggest(ThemeNames(dir), name))
}

// ParseTheme reads a theme of the user's: "base" names a built-in one, whose
// colours hold where the file sets none.
func ParseTheme(file string, text []byte) (theme.Spec, error) {
	r := reader{file: file, at: map[string]place{}}
	spec, _ := theme.Named(theme.Default)
	spec.Name = strings.TrimSuffix(filepath.Base(file), themeEnd)
	root, err := r.document(text)
	if err != nil || root == nil {
		return spec, err
	}
	known := []string{"base", "background", "text", "muted", "accent", "border", "pending", "running", "succeeded", "failed", "stopped", "warning", "match"}
	var colours []func()
	err = r.fields(root, "", known, func(name string, v *yaml.Node) error {
		if name == "base" {
			base, ok := theme.Named(v.Value)
			if !ok {
				return r.errorf(v, "there is no theme %q to build on%s", v.Value, Suggest(theme.Names(), v.Value))
			}
			base.Name = spec.Name
			spec = base
			return nil
		}
		if !isColour(v.Value) {
			return r.errorf(v, "%s is a colour as \"#rrggbb\", in quotes, or a number from 0 to 255, not %q", name, v.Value)
		}
		colours = append(colours, func() { *spec.Fields()[name] = v.Value })
		return nil
	})
	for _, set := range colours {
		set() // after the base, wherever that stood
	}
	return spec, err
}

func isColour(c string) bool {
	if hex, ok := strings.CutPrefix(c, "#"); ok {
		_, err := strconv.ParseUint(hex, 16, 32)
		return err == nil && len(hex) == 6
	}
	n, err := strconv.Atoi(c)
	return err == nil && n >= 0 && n <= 255
}

// SaveTheme writes the theme's name into the settings' file, and leaves the
// rest of it as it is.
func SaveTheme(file, name string) error {
	lines, err := load(file)
	if err != nil {
		return err
	}
	line := "theme: " + name
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "theme:") })
	if at < 0 {
		return save(file, append(lines, line))
	}
	lines[at] = line
	return save(file, lines)
}
