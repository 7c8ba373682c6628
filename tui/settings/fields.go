package settings

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// names are the settings of the file, in the order in which they are told.
func names() []string {
	return []string{"theme", "theme_light", "ascii", "animation", "mouse", "columns", "sort", "views", "keys", "hotkeys", "aliases", "notify", "logs", "clusters"}
}

func (r reader) settings(root *yaml.Node, s *Settings) error {
	return r.fields(root, "", names(), func(name string, v *yaml.Node) error {
		switch name {
		case "theme":
			return r.text(v, &s.Theme)
		case "ascii":
			return r.bool(v, &s.ASCII)
		case "animation":
			return r.bool(v, &s.Animation)
		case "mouse":
			return r.bool(v, &s.Mouse)
		case "theme_light":
			return r.text(v, &s.ThemeLight)
		case "columns":
			return r.texts(v, &s.Columns)
		case "sort":
			return r.text(v, &s.Sort)
		case "views":
			return r.views(v, &s.Views)
		case "keys":
			return r.keys(v, s)
		case "hotkeys":
			return r.hotkeys(v, &s.Hotkeys)
		case "aliases":
			return r.aliases(v, s)
		case "notify":
			return r.notify(v, &s.Notify)
		case "clusters":
			return r.clusters(v, &s.Clusters)
		default:
			return r.logs(v, &s.Logs)
		}
	})
}

// maxViews is how many keys there are for views.
const maxViews = 5

func (r reader) views(n *yaml.Node, into *[]View) error {
	*into = nil
	return r.items(n, "views", func(i int, v *yaml.Node) error {
		if i >= maxViews {
			return r.errorf(v, "there are keys for %d views only", maxViews)
		}
		var view View
		err := r.fields(v, fmt.Sprintf("views.%d.", i+1), []string{"name", "filter", "sort"}, func(name string, v *yaml.Node) error {
			switch name {
			case "name":
				return r.text(v, &view.Name)
			case "filter":
				return r.text(v, &view.Filter)
			default:
				return r.text(v, &view.Sort)
			}
		})
		if err == nil && view.Name == "" {
			err = r.errorf(v, "a view needs a name")
		}
		*into = append(*into, view)
		return err
	})
}

func (r reader) keys(n *yaml.Node, s *Settings) error {
	s.Keys = map[string][]string{}
	return r.fields(n, "keys.", nil, func(name string, v *yaml.Node) error {
		var keys []string
		err := r.texts(v, &keys)
		s.Keys[name] = keys
		return err
	})
}

func (r reader) hotkeys(n *yaml.Node, into *[]Hotkey) error {
	return r.items(n, "hotkeys", func(i int, v *yaml.Node) error {
		var h Hotkey
		path := fmt.Sprintf("hotkeys.%d.", i+1)
		err := r.fields(v, path, []string{"key", "name", "run", "shell", "confirm"}, func(name string, v *yaml.Node) error {
			switch name {
			case "key":
				return r.text(v, &h.Key)
			case "name":
				return r.text(v, &h.Name)
			case "run":
				return r.text(v, &h.Run)
			case "shell":
				return r.text(v, &h.Shell)
			default:
				return r.bool(v, &h.Confirm)
			}
		})
		switch {
		case err != nil:
			return err
		case h.Key == "":
			return r.errorf(v, "a hotkey needs a key")
		case (h.Run == "") == (h.Shell == ""):
			return r.errorf(v, "a hotkey needs one of run and shell")
		}
		if h.Name == "" {
			h.Name = h.Run + h.Shell
		}
		*into = append(*into, h)
		return nil
	})
}

func (r reader) aliases(n *yaml.Node, s *Settings) error {
	s.Aliases = map[string]string{}
	return r.fields(n, "aliases.", nil, func(name string, v *yaml.Node) error {
		var line string
		err := r.text(v, &line)
		s.Aliases[name] = line
		return err
	})
}

func (r reader) notify(n *yaml.Node, into *Notify) error {
	return r.fields(n, "notify.", []string{"watch", "bell", "osc", "title", "command", "webhook"}, func(name string, v *yaml.Node) error {
		switch name {
		case "watch":
			if err := r.text(v, &into.Watch); err != nil {
				return err
			}
			if w := into.Watch; w != "none" && w != "mine" && w != "all" {
				return r.errorf(v, "notify.watch is none, mine or all, not %q", w)
			}
			return nil
		case "bell":
			return r.bool(v, &into.Bell)
		case "osc":
			return r.bool(v, &into.OSC)
		case "title":
			return r.bool(v, &into.Title)
		case "command":
			return r.text(v, &into.Command)
		default:
			return r.webhook(v, &into.Webhook)
		}
	})
}

func (r reader) logs(n *yaml.Node, into *Logs) error {
	return r.fields(n, "logs.", []string{"wrap", "numbers", "times"}, func(name string, v *yaml.Node) error {
		switch name {
		case "wrap":
			return r.bool(v, &into.Wrap)
		case "numbers":
			return r.bool(v, &into.Numbers)
		default:
			return r.bool(v, &into.Times)
		}
	})
}
