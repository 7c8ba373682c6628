package submit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/backend/client"
	"dray/backend/drafts"
	"dray/backend/jobspec"
	"dray/backend/packages"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/submit/renv"
	"dray/tui/tuitest"
)

// flight is what a look at a folder brings.
func flight() client.Preflight {
	p := client.Preflight{Scanned: true, URI: "gcs://_ray_pkg_51c2e0aa90bb17d3.zip"}
	p.Size = packages.Size{Files: 214, Bytes: 1363148}
	p.Tree = &packages.Folder{Name: "proj", Files: 214, Bytes: 1363148, Folders: []*packages.Folder{
		{Name: "assets", Files: 12, Bytes: 912148, Folders: []*packages.Folder{{Name: "img", Files: 10, Bytes: 800000}}},
		{Name: "cfg", Files: 40, Bytes: 161148},
		{Name: "notebooks", Files: 9, Bytes: 100000},
	}}
	p.Biggest = []packages.File{{Path: "assets/sample.tar", Bytes: 831488}, {Path: "notebooks/eda.ipynb", Bytes: 94560}, {Path: "cfg/vocab.json", Bytes: 63904}}
	p.Ignored = []packages.Ignored{
		{Rule: "*.ckpt", From: "excludes", Paths: 3, Example: []string{"a.ckpt", "b.ckpt"}},
		{Rule: "wandb/", From: ".gitignore:1", Paths: 41, Example: []string{"wandb/run-1"}},
		{Rule: ".venv", From: "Ray's defaults", Paths: 1, Example: []string{".venv/"}},
	}
	p.Odd, p.Secrets = []string{"latest"}, []string{".env"}
	return p
}

// flown is a form whose working dir and modules were looked at.
func flown(m Model) Model {
	d := m.dir
	d.pending, d.path, d.flight = false, "/home/ana/proj", flight()
	d.files, d.bytes = d.flight.Files, d.flight.Bytes
	m = update(m, dirMsg{m.dirGen, d})
	list := m.mods.list
	for i := range list {
		if list[i].upload {
			list[i].pending, list[i].path, list[i].files, list[i].bytes = false, "/home/ana/proj/lib", 3, 4096
			list[i].flight = client.Preflight{Scanned: true, There: true, URI: "gcs://_ray_pkg_9be1c0ffee0ddba1.zip"}
			list[i].flight.Size = packages.Size{Files: 3, Bytes: 4096}
		}
	}
	return update(m, modulesMsg{m.mods.gen, list})
}

func envKeys() []string {
	return []string{
		"python train.py --lr 1", "at:working_dir", ".", "at:excludes", "*.ckpt", "at:py_modules", "paste:./lib\nhttps://host/tool.whl",
		"at:installer", "right", "at:pip", "torch==2.5.1", "at:env_vars", "LR=0.1", "enter", "HF_TOKEN=hf_abcdefgh",
	}
}

// screens are the states of the form beside those of TestModel_View.
func screens() map[string]func(env *screen.Env, open func(screen.Screen, ...string) Model) Model {
	type opener = func(screen.Screen, ...string) Model
	full := func(env *screen.Env, open opener, keys ...string) Model {
		return flown(open(New(env), append(envKeys(), keys...)...))
	}
	after := func(m Model, keys ...string) Model {
		m, _ = typed(m, keys...)
		return m
	}
	old := rayapi.SubmitRequest{
		SubmissionID: "sweep", Entrypoint: "python sweep.py --lr 1", NumGPUs: 1, Metadata: map[string]string{"team": "vision"},
		RuntimeEnv: json.RawMessage(`{"working_dir":"gcs://_ray_pkg_51c2.zip","pip":["torch"],"env_vars":{"HF_TOKEN":"<redacted>","A":"1"}}`),
	}
	return map[string]func(*screen.Env, opener) Model{
		"upload": func(env *screen.Env, open opener) Model { return full(env, open, "at:excludes") },
		"json":   func(env *screen.Env, open opener) Model { return full(env, open, "ctrl+x", "ctrl+x") },
		"resources": func(env *screen.Env, open opener) Model {
			return full(env, open, "at:entrypoint_num_gpus", "2", "pgdown", "pgdown")
		},
		"preview": func(env *screen.Env, open opener) Model { return after(full(env, open, "at:entrypoint"), "ctrl+g") },
		"unreadable": func(env *screen.Env, open opener) Model {
			return after(full(env, open, "ctrl+x"), "at:text", "ctrl+u", "pip: [", "esc")
		},
		"text wrong": func(env *screen.Env, open opener) Model {
			m := full(env, open, "ctrl+x", "at:text")
			m.form = m.form.SetValue(fieldText, "working_dir: .\npip: [torch]\nenv_vars: {A: [1]}\nconda: base\npipp: [x]\n")
			m, _ = m.edited()
			return flown(m)
		},
		"pasted command": func(env *screen.Env, open opener) Model {
			return flown(open(New(env), "paste:ray job submit --address http://h:1 \\\n --working-dir ./ \\\n --entrypoint-num-cpus 2 --frobnicate \\\n -- python train.py --name 'a b'"))
		},
		"history": func(env *screen.Env, open opener) Model {
			m := update(full(env, open), historyMsg{list: []string{"python train.py --lr 1", "python old.py --epochs 30", "make data && python -m serve.eval"}})
			return after(m, "at:entrypoint", "ctrl+r", "py")
		},
		"recent environments": func(env *screen.Env, open opener) Model {
			v := renv.Value{{Name: "pip", Raw: json.RawMessage(`["torch","timm"]`)}}
			m := update(full(env, open), historyMsg{recent: []recent{{value: v, text: "pip torch, timm", jobs: 6, last: tuitest.Now().Add(-time.Hour)}}})
			return after(m, "at:pip", "ctrl+r")
		},
		"templates": func(env *screen.Env, open opener) Model {
			m := full(env, open)
			return m.chooseTemplate(templatesMsg{list: []drafts.Template{
				{Name: "train", Path: "/home/ana/.config/dray/templates/train.yaml", Spec: jobspec.Spec{Entrypoint: "python train.py"}},
				{Name: "broken", Path: "/t/broken.yaml", Err: errors.New("read template broken: /t/broken.yaml:3:1: foo: there is no such key")},
			}})
		},
		"excludes": func(env *screen.Env, open opener) Model { return after(full(env, open), "at:excludes", "ctrl+l") },
		"variants prompt": func(env *screen.Env, open opener) Model {
			return after(full(env, open), "at:entrypoint", "ctrl+q", "lr=0.1,")
		},
		"edit": func(env *screen.Env, open opener) Model {
			return open(Edit(env, jobOf(old)), "at:entrypoint_num_gpus", "ctrl+u", "2")
		},
		"edit review": func(env *screen.Env, open opener) Model {
			return open(Edit(env, jobOf(old)), "at:entrypoint_num_gpus", "ctrl+u", "2", "pgup")
		},
		"variants": func(env *screen.Env, open opener) Model {
			plain := old
			plain.RuntimeEnv = nil
			return after(open(Edit(env, jobOf(plain))), "at:entrypoint", "ctrl+q", "lr=0.1,0.01,0.001", "enter")
		},
		"uploading": func(env *screen.Env, open opener) Model {
			m := full(env, open)
			m.sending = sending{gen: 1, phase: uploading, what: "/home/ana/proj", part: 1, parts: 2, done: 500000, total: 1363148, rate: 250000}
			return m.previewed()
		},
		"sending": func(env *screen.Env, open opener) Model {
			m := full(env, open)
			m.sending = sending{gen: 1, phase: asking}
			return m.previewed()
		},
		"refused": func(env *screen.Env, open opener) Model {
			m := full(env, open)
			m.sending = sending{gen: 1, phase: asking}
			return update(m, sentMsg{1, result{err: rayapi.ExistsError("vit-b16")}})
		},
		"in doubt": func(env *screen.Env, open opener) Model {
			m := full(env, open)
			m.sending = sending{gen: 1, phase: asking}
			return update(m, sentMsg{1, result{err: &doubtError{ID: "raysubmit_7f3a", Cause: errTimeout}}})
		},
	}
}

// TestModel_Screens draws every screen of the form at all sizes in all looks.
func TestModel_Screens(t *testing.T) {
	t.Parallel()
	for look, st := range map[string]*theme.Styles{
		"mono": tuitest.Styles(termenv.Ascii, theme.Unicode()), "16 colours": tuitest.Styles(termenv.ANSI, theme.Unicode()),
		"true color": tuitest.Styles(termenv.TrueColor, theme.Unicode()), "ascii": tuitest.Styles(termenv.Ascii, theme.ASCII()),
	} {
		for name, draw := range screens() {
			t.Run(name+" "+look, func(t *testing.T) {
				t.Parallel()
				var all strings.Builder
				for _, size := range []screen.Size{{W: 60, H: 12}, {W: 80, H: 21}, {W: 100, H: 27}, {W: 140, H: 37}, {W: 200, H: 57}} {
					env := frameEnv(t, true)
					env.Styles, env.Ledger = st, nil
					m := draw(env, func(s screen.Screen, keys ...string) Model {
						m := s.Resize(size).(Model)
						t.Cleanup(m.Close)
						m.resources = []client.Resource{{Name: "CPU", Used: 4, Total: 16}, {Name: "GPU", Used: 8, Total: 8}}
						m, _ = typed(m.checked(), keys...)
						return m
					})
					view := m.View()
					for i, l := range strings.Split(view, "\n") {
						if w := ansi.StringWidth(l); w > size.W || i >= size.H {
							t.Errorf("line %d has %d cells of %dx%d", i, w, size.W, size.H)
						}
					}
					fmt.Fprintf(&all, "=== %dx%d\n%s\n", size.W, size.H+3, view)
				}
				tuitest.Golden(t, all.String())
			})
		}
	}
}
