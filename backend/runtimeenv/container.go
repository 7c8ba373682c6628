package runtimeenv

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"dray/backend/shellwords"
)

const (
	fieldContainer = "container"
	fieldImageURI  = "image_uri"
)

// containerSpec is a container or image_uri field.
type containerSpec struct {
	Image   string
	Options []string // words for the engine's run command
}

// imageName keeps an option or a second word from being taken for an image.
var imageName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:@+-]*$`) })

// container reads container and image_uri by Ray's rules; nil when neither is
// there.
func (f fields) container() (*containerSpec, error) {
	var field string
	for _, name := range []string{fieldImageURI, fieldContainer} {
		if value, ok := f[name]; ok && !isEmpty(value) {
			field = name
			break
		}
	}
	if field == "" {
		return nil, nil
	}
	for name, value := range f {
		if !isEmpty(value) && !slices.Contains([]string{field, fieldEnvVars, "config"}, name) && !strings.HasPrefix(name, "_") {
			return nil, startError("The '%s' field currently cannot be used together with other fields of runtime_env. "+
				"Specified fields: {'%s'}", field, strings.Join(sortedKeys(f), "', '"))
		}
	}
	spec, err := readContainer(field, f[field])
	if err != nil {
		return nil, err
	}
	if !imageName().MatchString(spec.Image) {
		return nil, startError("runtime_env['%s']: %q is not the name of an image, such as docker.io/rayproject/ray:latest", field, spec.Image)
	}
	return spec, nil
}

func readContainer(field string, raw json.RawMessage) (*containerSpec, error) {
	spec := &containerSpec{}
	if field == fieldImageURI {
		if json.Unmarshal(raw, &spec.Image) != nil {
			return nil, startError("runtime_env['image_uri'] must be of type str, got %s", pyType(raw))
		}
		return spec, nil
	}
	var dict map[string]json.RawMessage
	if json.Unmarshal(raw, &dict) != nil {
		return nil, startError("runtime_env['container'] must be of type dict, got %s", pyType(raw))
	}
	if json.Unmarshal(dict["image"], &spec.Image) != nil {
		return nil, startError("runtime_env['container'] must have the name of an 'image', of type str")
	}
	options, err := fields(dict).texts("run_options", "runtime_env['container']['run_options'] must be of type List[str], got %s")
	if err != nil {
		return nil, startError("%s", err.Error())
	}
	for _, option := range options { // Ray hands them to a shell: one may be several words
		words, err := shellwords.Split(option)
		if err != nil {
			return nil, startError("runtime_env['container']['run_options']: %q: %s", option, err.Error())
		}
		spec.Options = append(spec.Options, words...)
	}
	return spec, nil
}

// Container is the container in which a job's entrypoint runs.
type Container struct {
	Engine  string   // the engine's program
	Args    []string // of its run command, before the variables
	Options []string // the job's own
	Image   string
}

// The variables by which a container's job travels through its engine: not on
// the command line, which every user can read. A variable of the job that
// would change the engine gets hiddenPrefix, and its own name inside.
const (
	varEntrypoint = "DRAY_ENTRYPOINT"
	hiddenPrefix  = "DRAY_VAR_"
)

// steersEngine matches the variables that change what the engine and the shell
// in front of it do.
var steersEngine = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
	return regexp.MustCompile(`^(PATH|HOME|USER|LOGNAME|SHELL|ENV|BASH_ENV|IFS|TE?MP|TMPDIR|NOTIFY_SOCKET|GLIBC_TUNABLES|GO[A-Z]+|[A-Za-z0-9_]+_(PROXY|proxy)|` +
		`(LD|XDG|DOCKER|BUILDAH|PODMAN|CONTAINER|CONTAINERS|REGISTRY|STORAGE|SSL_CERT|MALLOC|LISTEN|TINI|DBUS)_[A-Za-z0-9_]*)$`)
})

// hide renames the job's variables that are for the container alone, and adds
// the entrypoint.
func (c *Container) hide(env, vars map[string]string, host map[string]string, entrypoint string) {
	for name := range vars {
		if !steersEngine().MatchString(name) {
			continue
		}
		env[hiddenPrefix+name] = env[name]
		delete(env, name)
		if value, ok := host[name]; ok {
			env[name] = value
		}
	}
	if _, asked := vars[varPythonPath]; !asked {
		delete(env, varPythonPath)
	}
	env[varEntrypoint] = entrypoint
}

// Command is the shell text that runs the entrypoint of a job in its
// container; environ is what Environ returned, with what was added to it.
//
// The first process of the container is a shell that does nothing but wait:
// the kernel keeps signals from a first process that does not handle them, and
// the entrypoint must get the one that stops the job.
func (c *Container) Command(vars map[string]string, environ []string) string {
	words := slices.Concat([]string{"exec", c.Engine, "run"}, c.Args)
	var names []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		_, asked := vars[name]
		if asked && !steersEngine().MatchString(name) || strings.HasPrefix(name, "RAY_") || strings.HasPrefix(name, hiddenPrefix) ||
			slices.Contains([]string{varUnbuffered, "CUDA_VISIBLE_DEVICES"}, name) {
			names = append(names, name)
		}
	}
	var inside strings.Builder
	for _, name := range names {
		words = append(words, "--env", name)
		if own, ok := strings.CutPrefix(name, hiddenPrefix); ok {
			inside.WriteString("export " + own + `="$` + name + `"; unset ` + name + "; ")
		}
	}
	inside.WriteString(`/bin/sh -c "$1"; exit $?`)
	words = slices.Concat(words, c.Options, []string{"--entrypoint", "/bin/sh", c.Image, "-c", inside.String(), "sh"})
	return shellwords.Join(words) + ` "$` + varEntrypoint + `"`
}
