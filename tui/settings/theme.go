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
	if file == "" {
		return errors.New("there is no folder for a config file: HOME and XDG_CONFIG_HOME are not set")
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	line := "theme: " + name
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "theme:") })
	switch {
	case at >= 0:
		lines[at] = line
	case len(text) == 0:
		lines = []string{line}
	default:
		lines = append(lines, line)
	}
	next := []byte(strings.Join(lines, "\n") + "\n")
	if _, err := Parse(file, next); err != nil {
		return err // it was broken before, and is left alone
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
	if _, err := temp.Write(next); err != nil {
		_ = temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
