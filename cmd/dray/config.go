package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"dray/theme"
	"dray/tui"
	"dray/tui/settings"
)

// look are the flags about how the dashboard looks; they win over the file.
type look struct {
	theme       string
	ascii       bool
	noAnimation bool
	noMouse     bool
}

// addLook adds the flags to the verb that opens the dashboard.
func (a *app) addLook(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.look.theme, "theme", "", "colours: a `name` that dray config themes lists")
	f.BoolVar(&a.look.ascii, "ascii", false, "draw with ASCII signs only")
	f.BoolVar(&a.look.noAnimation, "no-animation", false, "no spinners and flashes")
	f.BoolVar(&a.look.noMouse, "no-mouse", false, "leave the mouse to the terminal")
}

// settings are the user's, checked, with the flags over them.
func (a *app) settings() (*settings.Settings, error) {
	s, err := settings.Load(a.getenv)
	if err == nil {
		err = tui.CheckKeys(s)
	}
	if err != nil {
		return nil, usagef("%w (dray config --help tells of the settings)", err)
	}
	if a.look.theme != "" {
		if _, err := settings.Theme(s.ThemeDir, a.look.theme); err != nil {
			return nil, usagef("--theme: %w", err)
		}
		s.Theme, s.ThemeLight = a.look.theme, ""
	}
	s.ASCII = s.ASCII || a.look.ascii
	s.Animation = s.Animation && !a.look.noAnimation
	s.Mouse = s.Mouse && !a.look.noMouse
	return s, nil
}

func (a *app) configCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Where the settings are, whether they are right, and what can be set",
		Args:  func(_ *cobra.Command, args []string) error { return noArgs("dray config", args) },
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	sub := func(use, short string, run func() error) {
		cmd.AddCommand(&cobra.Command{
			Use: use, Short: short,
			Args: func(c *cobra.Command, args []string) error { return noArgs(c.CommandPath(), args) },
			RunE: func(*cobra.Command, []string) error { return run() },
		})
	}
	sub("path", "Print the file of the settings", a.configPath)
	sub("check", "Check the settings, the keys and the user's themes", a.configCheck)
	sub("keys", "Print every action with its built-in keys, as Markdown", func() error {
		fmt.Fprint(a.stdout, tui.KeysMarkdown())
		return nil
	})
	sub("themes", "List the themes, built in and the user's", a.configThemes)
	return cmd
}

func noArgs(what string, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes nothing more, got %q", what, args[0])
	}
	return nil
}

func (a *app) configPath() error {
	file, _ := settings.Path(a.getenv)
	if file == "" {
		return errors.New("there is no place for settings: HOME, XDG_CONFIG_HOME and DRAY_CONFIG are not set")
	}
	fmt.Fprintln(a.stdout, file)
	return nil
}

func (a *app) configCheck() error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	own, err := filepath.Glob(filepath.Join(s.ThemeDir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range own {
		spec, err := settings.Theme(s.ThemeDir, strings.TrimSuffix(filepath.Base(file), ".yaml"))
		if err != nil {
			return usagef("%w", err)
		}
		fmt.Fprintf(a.stdout, "%s: ok, as theme %s\n", file, spec.Name)
	}
	if _, err := os.Stat(s.File); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(a.stdout, "%s: not there; the built-in settings hold\n", s.File)
		return nil
	}
	fmt.Fprintf(a.stdout, "%s: ok\n", s.File)
	return nil
}

func (a *app) configThemes() error {
	_, dir := settings.Path(a.getenv)
	built := theme.Names()
	for i, name := range settings.ThemeNames(dir) {
		if i < len(built) {
			fmt.Fprintln(a.stdout, name)
			continue
		}
		fmt.Fprintf(a.stdout, "%s\t%s\n", name, filepath.Join(dir, name+".yaml"))
	}
	return nil
}
