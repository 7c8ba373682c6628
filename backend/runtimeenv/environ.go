package runtimeenv

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"dray/backend/rayapi"
)

// Built is what a job's runtime environment became on disk.
type Built struct {
	Dir        string     // working directory; "" when the environment names none
	PythonPath []string   // working_dir first, then py_modules
	Venv       string     // virtual environment of pip or uv; "" for none
	Conda      string     // conda environment; "" for none
	Container  *Container // of the entrypoint; nil for none
}

// Identity is the job whose environment is made.
type Identity struct {
	ID           string
	Metadata     map[string]string // the user's
	Entrypoint   string            // as submitted; needed for a container only
	RuntimeEnv   json.RawMessage   // as submitted
	EnvVars      map[string]string // the real values of env_vars; nil: those in RuntimeEnv
	Built        Built
	HasResources bool // the request asked for resources or labels
}

const (
	varJobConfig    = "RAY_JOB_CONFIG_JSON_ENV_VAR"
	varNiceness     = "RAY_worker_niceness"
	varKeepCUDA     = "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"
	varKeepAscend   = "RAY_EXPERIMENTAL_NOSET_ASCEND_RT_VISIBLE_DEVICES"
	varPythonPath   = "PYTHONPATH"
	varUnbuffered   = "PYTHONUNBUFFERED"
	varAuthMode     = "RAY_AUTH_MODE"
	metadataID      = "job_submission_id"
	metadataName    = "job_name"
	fieldMetadata   = "metadata"
	fieldRuntimeEnv = "runtime_env"
)

// Environ returns the environment, sorted "K=V", of a job's entrypoint: base,
// which is the backend's own, without what is the backend's alone; then Ray's
// variables and the job's env_vars, as Ray's supervisor and workers set them.
func Environ(base []string, in Identity) []string {
	env := inherited(base)
	vars := maps.Clone(in.EnvVars)
	if vars == nil {
		vars, _ = EnvVars(in.RuntimeEnv) // nothing when Check would have refused it
	}
	env[varAuthMode] = "disabled"
	setEnvVars(env, rayVars(vars, in.HasResources), in.Built.PythonPath)
	activate(env, in.Built)
	env[varUnbuffered] = "1"
	env[varJobConfig] = jobConfig(in, vars)
	if in.Built.Container != nil {
		in.Built.Container.hide(env, vars, inherited(base), in.Entrypoint)
	}
	out := make([]string, 0, len(env))
	for _, name := range sortedKeys(env) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// inherited drops what a job must not have: the token and whatever else opens
// our own door, addresses of a Jobs API, which a script's ray.init() cannot
// use, the marks of a job or session that the backend itself was started in.
func inherited(base []string) map[string]string {
	env := make(map[string]string, len(base))
	for _, kv := range base {
		name, value, ok := strings.Cut(kv, "=")
		if ok && name != "" && !isOurs(name) {
			env[name] = value
		}
	}
	return env
}

func isOurs(name string) bool {
	for _, prefix := range []string{"RAY_AUTH_TOKEN", "DRAY_", "LISTEN_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_JOB_HEADERS", "RAY_JOB_ID", "RAY_RAYLET_PID",
		"RAY_OVERRIDE_NODE_ID_FOR_TESTING", "NOTIFY_SOCKET", varAuthMode, varJobConfig,
	}, name)
}

// rayVars adds what Ray puts into the environment of a job's supervisor, and
// so of its entrypoint. Without resources the entrypoint is to see all
// accelerators.
func rayVars(vars map[string]string, resources bool) map[string]string {
	out := maps.Clone(vars)
	if out == nil {
		out = make(map[string]string)
	}
	out[varNiceness] = "0"
	if !resources {
		out[varKeepCUDA], out[varKeepAscend] = "1", "1"
	}
	return out
}

// setEnvVars sets vars in the order of their names, each expanded from what is
// set by then, and PYTHONPATH as the job's folders, then what the job asks
// for, then ours. As in Ray, a PYTHONPATH that the job does not ask for is set
// last, so that no other variable can refer to it.
func setEnvVars(env, vars map[string]string, folders []string) {
	ours := env[varPythonPath]
	_, isAsked := vars[varPythonPath]
	for _, name := range sortedKeys(vars) {
		env[name] = expand(vars[name], env)
		if name == varPythonPath {
			env[name] = joinPath(folders, env[name], ours)
		}
	}
	if !isAsked && len(folders) > 0 {
		env[varPythonPath] = joinPath(folders, ours)
	}
}

// activate puts the programs of a built environment before all others, as its
// activate script does, whatever PATH the job asks for.
func activate(env map[string]string, built Built) {
	dir := built.Venv
	switch {
	case dir != "":
		env["VIRTUAL_ENV"] = dir
	case built.Conda != "":
		dir = built.Conda
		delete(env, "VIRTUAL_ENV")
		env["CONDA_PREFIX"], env["CONDA_DEFAULT_ENV"], env["CONDA_SHLVL"] = dir, dir, "1"
	default:
		return
	}
	delete(env, "PYTHONHOME")
	env["PATH"] = joinPath([]string{dir + "/bin"}, env["PATH"])
}

// joinPath leaves empty parts out: Python takes one for the current folder.
func joinPath(folders []string, more ...string) string {
	parts := slices.DeleteFunc(slices.Concat(folders, more), func(s string) bool { return s == "" })
	return strings.Join(parts, ":")
}

var (
	reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$(?:[A-Za-z0-9_]+|\{[^}]*\})`) })
	leftover  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{[A-Z0-9_]+\}`) })
)

// expand is os.path.expandvars of Python, after which Ray empties what is left
// of the form ${NAME}; $NAME stays.
func expand(value string, env map[string]string) string {
	value = reference().ReplaceAllStringFunc(value, func(ref string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(ref[1:], "{"), "}")
		if v, ok := env[name]; ok {
			return v
		}
		return ref
	})
	return leftover().ReplaceAllString(value, "")
}

// jobConfig returns the JSON from which ray.init() in the entrypoint takes the
// runtime environment and metadata of its own job.
//
// working_dir, py_modules and excludes are left out. Ray starts a cluster of
// its own for such a script and would look for a gcs:// package there, where
// it never was: every task and actor then fails with "Failed to download
// runtime_env file package". A local:// address of the unpacked folder works
// from Ray 2.60 on and is a mistake before, and a plain path is uploaded whole
// at each ray.init(), which a large folder used in place cannot be. Without
// them the workers of that cluster inherit the folder and PYTHONPATH from the
// script, whatever its Ray.
//
// The kernel takes no single variable above 128 KiB. What is too long loses
// env_vars first, which the workers inherit as well, then the user's metadata.
func jobConfig(in Identity, vars map[string]string) string {
	env, _ := parse(in.RuntimeEnv)
	config := make(map[string]any, len(env))
	for name, value := range env {
		if !slices.Contains([]string{fieldWorkingDir, fieldPyModules, fieldExcludes, kindPip, kindUV, kindConda, fieldContainer, fieldImageURI}, name) {
			config[name] = value
		}
	}
	config[fieldEnvVars] = configVars(vars, in.HasResources)
	metadata := map[string]string{metadataID: in.ID, metadataName: in.ID}
	maps.Copy(metadata, in.Metadata)
	text := configText(config, metadata)
	if len(text) > rayapi.MaxEnvVar {
		config[fieldEnvVars] = map[string]string{}
		text = configText(config, metadata)
	}
	if len(text) > rayapi.MaxEnvVar {
		text = configText(config, map[string]string{metadataID: in.ID, metadataName: in.ID})
	}
	if len(text) > rayapi.MaxEnvVar {
		text = configText(map[string]any{}, map[string]string{metadataID: in.ID, metadataName: in.ID})
	}
	return text
}

// configVars is the env_vars of the driver's own runtime environment: where no
// resources were asked for, Ray takes its three variables back, so that tasks
// and actors are treated as usual.
func configVars(vars map[string]string, resources bool) map[string]string {
	out := rayVars(vars, resources)
	if !resources {
		for _, name := range []string{varKeepCUDA, varKeepAscend, varNiceness} {
			delete(out, name)
		}
	}
	return out
}

func configText(env map[string]any, metadata map[string]string) string {
	text, err := json.Marshal(map[string]any{fieldRuntimeEnv: env, fieldMetadata: metadata})
	if err != nil { // maps of strings and of JSON that was parsed before
		return "{}"
	}
	return string(text)
}
