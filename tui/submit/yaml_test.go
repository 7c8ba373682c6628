package submit

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/jobspec"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/submit/renv"
)

// anyRequest draws a request that a form can hold.
func anyRequest(t *rapid.T) rayapi.SubmitRequest {
	text := rapid.StringMatching(`[a-zA-Z0-9é][ -~é]{0,10}`)
	name := rapid.StringMatching(`[A-Z_]{0,4}X`)
	texts := func(label string) map[string]string {
		m := rapid.MapOfN(name, text, 0, 3).Draw(t, label)
		if len(m) == 0 {
			return nil
		}
		return m
	}
	var env renv.Value
	add := func(name string, value any) { env = append(env, renv.Key{Name: name, Raw: renv.Marshal(value)}) }
	if rapid.Bool().Draw(t, "dir") {
		add("working_dir", rapid.SampledFrom([]string{"gcs://_ray_pkg_51c2e0aa90bb17d3.zip", "https://host/a b.zip?sig=1", "local:///srv/it's here"}).Draw(t, "working_dir"))
	}
	if list := rapid.SliceOfN(rapid.SampledFrom([]string{"*.ckpt", "data/", "!keep", "#x", "a b", "it's"}), 0, 3).Draw(t, "excludes"); len(list) > 0 {
		add("excludes", list)
	}
	if list := rapid.SliceOfN(rapid.SampledFrom([]string{"gcs://_ray_pkg_9be1c0ffee0ddba1.zip", "https://host/x-1.0-py3-none-any.whl", "s3://b/m.tar.gz"}), 0, 3).Draw(t, "modules"); len(list) > 0 {
		add("py_modules", list)
	}
	if rapid.Bool().Draw(t, "hook") {
		add("worker_process_setup_hook", "my_package.setup")
	}
	if vars := texts("vars"); vars != nil {
		env = append(env, renv.Key{Name: "env_vars", Raw: renv.Marshal(vars)})
	}
	if rapid.IntRange(0, 3).Draw(t, "with conda") == 0 {
		add("conda", map[string]any{"name": "x", "dependencies": []any{"python=3.11", map[string]any{"pip": []string{"torch"}}}})
	} else if list := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,8}(==1\.[0-9])?`), 0, 3).Draw(t, "pip"); len(list) > 0 {
		env = append(env, renv.Key{Name: rapid.SampledFrom([]string{"pip", "uv"}).Draw(t, "installer"), Raw: renv.Marshal(list)})
	}
	if n := rapid.IntRange(0, 900).Draw(t, "timeout"); n > 0 {
		env = append(env, renv.Key{Name: "config", Raw: renv.Marshal(map[string]any{"setup_timeout_seconds": n})})
	}
	if rapid.Bool().Draw(t, "extra") {
		env = append(env, renv.Key{Name: "zeta", Raw: json.RawMessage(`[1,{"b":null}]`)})
	}
	r := rayapi.SubmitRequest{
		Entrypoint: "python " + text.Draw(t, "entrypoint"),
		RuntimeEnv: env.JSON(), Metadata: texts("metadata"),
		NumCPUs: float64(rapid.IntRange(0, 8).Draw(t, "cpus")) / 4, NumGPUs: float64(rapid.IntRange(0, 8).Draw(t, "gpus")),
		Memory: rapid.Int64Range(0, 1<<40).Draw(t, "memory"),
	}
	if n := rapid.IntRange(0, 3).Draw(t, "tpu"); n > 0 {
		r.Resources = map[string]float64{"TPU": float64(n)}
		r.LabelSelector = map[string]string{"zone": "in(a, b)"}
	}
	return r
}

func TestModel_ThroughYAML(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	env.Drafts, env.Cwd = nil, ""
	rapid.Check(t, func(rt *rapid.T) {
		want := anyRequest(rt)
		m := New(env).Resize(screen.Size{W: 80, H: 21}).(Model)
		defer m.Close()
		m, _ = m.setSpec(jobspec.FromRequest(want))
		if len(m.problems) > 0 {
			rt.Fatalf("problems %v of %+v", m.problems, want)
		}
		if diff := cmp.Diff(want, m.request); diff != "" {
			rt.Fatalf("form (-want +got):\n%s", diff)
		}
		spec, err := jobspec.Parse("job.yaml", m.spec().YAML())
		if err != nil {
			rt.Fatalf("%v\n%s", err, m.spec().YAML())
		}
		m, _ = m.setSpec(spec)
		if diff := cmp.Diff(want, m.request); diff != "" {
			rt.Fatalf("through YAML (-want +got):\n%s\n%s", diff, spec.YAML())
		}
		back, _, err := jobspec.FromCommand(oneLine(newShown(m.request, m.dir, &screen.Env{Target: screen.Target{Address: "http://h:1"}}, secret).ray()))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, back.Request()); diff != "" {
			rt.Fatalf("through the command line (-want +got):\n%s", diff)
		}
	})
}
