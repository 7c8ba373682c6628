package submit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// frameEnv has no real folder, so that frames are the same everywhere.
func frameEnv(t *testing.T, far bool) *screen.Env {
	t.Helper()
	env := tuitest.Env(t, newServer(t))
	if far {
		env.Target = screen.Target{Name: "head.ml.corp", Address: "http://head.ml.corp:8265", LedgerKey: "k"}
		env.LookPython = nil
	}
	return env
}

func frame(t *testing.T, env *screen.Env, w, h int, keys ...string) Model {
	t.Helper()
	m := New(env).Resize(screen.Size{W: w, H: h}).(Model)
	t.Cleanup(m.Close)
	if env.LookPython != nil {
		m = update(m, pythonMsg{path: env.LookPython()})
	}
	return known(m, keys...)
}

// known types keys and answers for the disk.
func known(m Model, keys ...string) Model {
	m, _ = typed(m, keys...)
	d := m.dir
	d.pending = false
	if d.upload {
		d.path, d.files, d.bytes = "/home/ana/proj", 214, 1363148
	}
	return update(m, dirMsg{m.dirGen, d})
}

var filled = []string{
	"python train.py --cfg cfg/vit.yaml", "at:submission_id", "vit-b16", "at:env_vars", "WANDB_MODE=offline", "enter", "HF_TOKEN=hf_abcdefgh", "at:metadata", "team=vision", "tab", "4", "tab", "1", "tab", "16GiB",
}

func TestModel_View(t *testing.T) {
	t.Parallel()
	env := []string{"python train.py", "at:excludes", "*.ckpt", "at:installer", "right", "at:pip", "torch==2.5.1", "at:env_vars", "LR=0.1", "enter", "HF_TOKEN=hf_abcdefgh"}
	with := func(keys ...string) []string { return append(append([]string{}, env...), keys...) }
	for _, size := range []screen.Size{{W: 60, H: 12}, {W: 80, H: 21}, {W: 100, H: 27}, {W: 140, H: 37}, {W: 200, H: 57}} {
		for _, tt := range []struct {
			name string
			far  bool
			keys []string
		}{
			{"empty", false, nil},
			{"filled", false, filled},
			{"wrong", false, append(append([]string{}, filled...), "x", "tab", "TPU", "ctrl+s")},
			{"remote", true, []string{"python train.py && echo 'done'", "at:working_dir", ".", "at:env_vars", "HF_TOKEN=abc", "at:entrypoint_num_cpus", "0.5"}},
			{"environment", true, with()},
			{"yaml", true, with("ctrl+x")},
			{"review", true, with("pgdown", "pgdown")},
		} {
			t.Run(fmt.Sprintf("%s %dx%d", tt.name, size.W, size.H+3), func(t *testing.T) {
				t.Parallel()
				m := frame(t, frameEnv(t, tt.far), size.W, size.H, tt.keys...)
				tuitest.Golden(t, m.View())
			})
		}
		for name, st := range map[string]*theme.Styles{
			"16 colours": tuitest.Styles(termenv.ANSI, theme.Unicode()),
			"true color": tuitest.Styles(termenv.TrueColor, theme.Unicode()),
			"ascii":      tuitest.Styles(termenv.Ascii, theme.ASCII()),
		} {
			for state, keys := range map[string][]string{
				"": filled, " wrong": append(append([]string{}, filled...), "x", "tab", "TPU", "ctrl+s"),
				" environment": with(), " yaml": with("ctrl+x"), " review": with("pgdown", "pgdown"),
			} {
				t.Run(fmt.Sprintf("%s%s %dx%d", name, state, size.W, size.H+3), func(t *testing.T) {
					t.Parallel()
					env := frameEnv(t, state != "" && state != " wrong")
					env.Styles = st
					m := frame(t, env, size.W, size.H, keys...)
					m.resources = []client.Resource{{Name: "CPU", Used: 4, Total: 16}, {Name: "GPU", Used: 8, Total: 8}}
					tuitest.Golden(t, m.checked().View())
				})
			}
		}
	}
	t.Run("edit 140x40", func(t *testing.T) {
		t.Parallel()
		env := frameEnv(t, true)
		m := Edit(env, jobOf(rayapi.SubmitRequest{
			SubmissionID: "train", Entrypoint: "python train.py", Metadata: map[string]string{"team": "vision"},
			RuntimeEnv: json.RawMessage(`{"working_dir":"gcs://_ray_pkg_51c2.zip","pip":["torch"],"env_vars":{"B":"2","A":"1"}}`),
		})).Resize(screen.Size{W: 140, H: 37}).(Model)
		t.Cleanup(m.Close)
		tuitest.Golden(t, m.View())
	})
}

func TestModel_ViewFits(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	states := map[string]func(Model) Model{
		"empty":  func(m Model) Model { return m },
		"filled": func(m Model) Model { return known(m, filled...) },
		"wrong":  func(m Model) Model { return known(m, append(append([]string{}, filled...), "x", "ctrl+s")...) },
		"many lines": func(m Model) Model {
			return known(m, "at:env_vars", "paste:"+strings.Repeat("A=日本語 long long long long long long long long\n", 80))
		},
		"failed": func(m Model) Model {
			m.failure = strings.Repeat("the server said something long ", 20)
			return m.laidOut()
		},
		"uploading": func(m Model) Model {
			m.sending = sending{phase: uploading, done: 1 << 20, total: 100 << 20}
			return m.laidOut()
		},
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := tuitest.Env(t, jobs)
			env.Drafts = nil
			base := state(New(env).Resize(screen.Size{W: 80, H: 21}).(Model))
			t.Cleanup(base.Close)
			for w := 60; w <= 300; w += 13 {
				for h := 12; h <= 97; h += 5 {
					m := base.Resize(screen.Size{W: w, H: h}).(Model)
					v := m.View()
					if got := lipgloss.Height(v); got != h {
						t.Fatalf("%dx%d: View has %d lines", w, h, got)
					}
					caret := false
					for _, l := range strings.Split(v, "\n") {
						if n := ansi.StringWidth(l); n > w {
							t.Fatalf("%dx%d: line of %d cells: %q", w, h, n, l)
						}
						caret = caret || strings.Contains(l, "▏")
					}
					if !caret {
						t.Fatalf("%dx%d: the focused field %s is not on screen:\n%s", w, h, m.form.Focused(), v)
					}
				}
			}
		})
	}
	t.Run("no size yet", func(t *testing.T) {
		t.Parallel()
		m := New(tuitest.Env(t, jobs)).(Model)
		t.Cleanup(m.Close)
		if v := m.View(); v != "" {
			t.Errorf("View = %q, want nothing", v)
		}
	})
}

func TestModel_editMasksAllVariables(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	job := jobOf(rayapi.SubmitRequest{
		SubmissionID: "train", Entrypoint: "true", Metadata: map[string]string{"auth_token": "leak-2"},
		RuntimeEnv: json.RawMessage(`{"env_vars":{"LEVEL":"leak-1"}}`),
	})
	m := started(t, Edit(remote(t, jobs), job), 160, 50)
	for _, keys := range [][]string{nil, {"at:env_vars"}, {"tab"}} {
		m, _ = typed(m, keys...)
		if view := ansi.Strip(m.View()); strings.Contains(strings.ReplaceAll(view, "▏", ""), "leak") || !strings.Contains(view, "LEVEL=•") {
			t.Fatalf("at %s a value is shown, or its name is not:\n%s", m.form.Focused(), view)
		}
	}
	m, cmd := typed(m, "ctrl+s")
	if _, _ = finish(t, m, cmd); len(jobs.sent) != 1 || !strings.Contains(string(jobs.sent[0].RuntimeEnv), `"LEVEL":"leak-1"`) || jobs.sent[0].Metadata["auth_token"] != "leak-2" {
		t.Errorf("untouched values were not kept: %+v", jobs.sent)
	}
}

func TestModel_ASCIISignsOnly(t *testing.T) {
	t.Parallel()
	for _, far := range []bool{false, true} {
		env := frameEnv(t, far)
		env.Styles = tuitest.Styles(termenv.Ascii, theme.ASCII())
		m := started(t, New(env), 200, 50)
		for _, keys := range [][]string{nil, {"paste:python x.py\nsecond", "at:env_vars"}, {strings.Repeat("long", 20), "ctrl+s"}} {
			m, _ = typed(m, keys...)
			for _, r := range m.View() {
				if r > 126 {
					t.Fatalf("%q is drawn after %q:\n%s", r, keys, m.View())
				}
			}
		}
	}
}

func TestModel_pythonIsTheOneTyped(t *testing.T) {
	t.Parallel()
	m := started(t, New(frameEnv(t, false)), 100, 40)
	m = update(m, pythonMsg{path: "/opt/python", named: map[string]string{"python": "/opt/python", "python3": "/usr/bin/python3"}})
	if m, _ = typed(m, "python3 x.py"); !strings.Contains(m.View(), "python: /usr/bin/python3") {
		t.Errorf("python3 is said to be another:\n%s", m.View())
	}
	m = update(m, pythonMsg{path: "/usr/bin/python3", named: map[string]string{"python": "", "python3": "/usr/bin/python3"}})
	if m, _ = typed(m, "ctrl+u", "python x.py"); !strings.Contains(m.View(), "no python is found") {
		t.Errorf("a python that is not there is not missed:\n%s", m.View())
	}
}
