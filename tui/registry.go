package tui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/clean"
	"dray/tui/clusters"
	"dray/tui/events"
	"dray/tui/joblist"
	"dray/tui/screen"
	"dray/tui/settings"
)

// Scope is a part of the dashboard with keys of its own.
type Scope struct {
	Name     string
	Bindings []screen.Binding
}

// Registry lists every action of every page, with the built-in keys, as the
// help, the palette and the documentation know them.
func Registry() []Scope {
	id, command := "raysubmit_example", "python train.py"
	job := rayapi.Job{Type: rayapi.TypeSubmission, SubmissionID: &id, Entrypoint: command, Status: rayapi.StatusRunning}
	env := &screen.Env{
		Ctx: context.Background(), Styles: theme.New(lipgloss.DefaultRenderer(), theme.ANSI(), theme.Unicode()),
		Now: func() time.Time { return time.Unix(0, 0) }, Settings: settings.Default(),
		Getenv: func(string) string { return "" }, Drafts: &screen.Drafts{}, Cwd: "/",
	}
	env.Pages = pages(env)
	size := screen.Size{W: 140, H: 40}
	all := []Scope{{Name: scopeApp, Bindings: newGlobalKeys(env.Styles.Glyphs, nil).list()}}
	for _, s := range []screen.Screen{
		joblist.New(env), env.Pages.Job(job), env.Pages.Log(job), env.Pages.Submit(), events.New(env, nil), clusters.New(env),
	} {
		s = s.Resize(size)
		all = append(all, Scope{s.Scope(), s.Bindings()})
	}
	return all
}

// CheckKeys says what is wrong with the user's keys: an action that there is
// not, a key that there is not, and two actions of one page on one key.
func CheckKeys(s *settings.Settings) error {
	scopes := Registry()
	known := map[string]bool{}
	var ids []string
	for _, sc := range scopes {
		for _, b := range sc.Bindings {
			known[b.ID], known[sc.Name+"/"+b.ID] = true, true
			ids = append(ids, b.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.Keys)) {
		at := s.Where("keys." + id)
		if !known[id] {
			return fmt.Errorf("%s: there is no action %q%s (dray config keys lists them)", at, clean.Text(id), settings.Suggest(ids, id))
		}
		for _, k := range s.Keys[id] {
			if _, ok := KeyNamed(k); !ok {
				return fmt.Errorf("%s: there is no key %q: it is one like x, ctrl+s, alt+x, f4, enter, space", at, clean.Text(k))
			}
			if k == "ctrl+c" && id != "app.quit" {
				return fmt.Errorf("%s: ctrl+c always quits and can do nothing else", at)
			}
		}
	}
	var wrong []error
	for i, sc := range scopes {
		wrong = append(wrong, clashes(s, sc, scopes[0], i == 0))
	}
	return errors.Join(wrong...)
}

// owner is an action on a key, and where the user has put it there.
type owner struct {
	id, where string
	app       bool
}

// clashes looks for keys that two actions of a page have. A key of a page may
// hide one that works everywhere: that is how the pages are made.
func clashes(s *settings.Settings, sc, app Scope, isApp bool) error {
	g := theme.Unicode()
	taken := map[string]owner{}
	put := func(k string, o owner) error {
		other, ok := taken[k]
		if !ok || other.id == o.id {
			taken[k] = o
			return nil
		}
		if other.app != o.app && o.where == "" && other.where == "" {
			return nil // as built in
		}
		at := o.where
		if at == "" {
			at = other.where
		}
		if at == "" {
			return nil
		}
		return fmt.Errorf("%s: the key %q of %s is that of %s too, in %s; give one of them another key, or none: \"%s: []\"", at, k, o.id, other.id, sc.Name, strings.TrimPrefix(other.id, "hotkey "))
	}
	add := func(name string, bindings []screen.Binding, isApp bool) error {
		for _, b := range bindings {
			now := rebound(s.Keys, g, name, b)
			where := ""
			for _, id := range []string{b.ID, name + "/" + b.ID} {
				if _, ok := s.Keys[id]; ok {
					where = s.Where("keys." + id)
				}
			}
			for _, k := range now.Keys() {
				if err := put(k, owner{b.ID, where, isApp}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if !isApp {
		if err := add(app.Name, app.Bindings, true); err != nil {
			return err
		}
	}
	if err := add(sc.Name, sc.Bindings, isApp); err != nil {
		return err
	}
	for i, h := range s.Hotkeys {
		if _, ok := KeyNamed(h.Key); !ok {
			return fmt.Errorf("%s: there is no key %q", s.Where(fmt.Sprintf("hotkeys.%d.key", i+1)), clean.Text(h.Key))
		}
		if err := put(h.Key, owner{"hotkey " + h.Key, s.Where(fmt.Sprintf("hotkeys.%d.key", i+1)), isApp}); err != nil {
			return err
		}
	}
	return nil
}

// KeysMarkdown is the table of all actions for the documentation.
func KeysMarkdown() string {
	var b strings.Builder
	for _, sc := range Registry() {
		name := sc.Name
		if name == scopeApp {
			name = "Everywhere (App)"
		}
		fmt.Fprintf(&b, "### %s\n\n| keys | what it does | action |\n| --- | --- | --- |\n", name)
		for _, k := range sc.Bindings {
			keys := make([]string, len(k.Keys()))
			for i, name := range k.Keys() {
				if name == " " {
					name = "space"
				}
				keys[i] = "`" + strings.ReplaceAll(name, "|", "\\|") + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | `%s` |\n", strings.Join(keys, " "), strings.ReplaceAll(k.Help().Desc, "|", "\\|"), k.ID)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
