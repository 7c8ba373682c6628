package submit

import (
	"strings"

	"dray/backend/rayapi"
)

type wrongInput struct{ name, field, text, want string }

// wrongEnv are inputs of the runtime environment that must not be sent.
func wrongEnv() []wrongInput {
	return []wrongInput{
		{"module that is not there", fieldModules, "./nowhere", "there is no such file or folder"},
		{"module by a path that is not there", fieldModules, "/opt/nowhere/lib.zip", "there is no such file or folder"},
		{"module that is no module", fieldModules, "./notes.txt", "neither a folder nor a module (.py, .whl)"},
		{"second module that is not there", fieldModules, "https://host/x.whl\n./nowhere", "there is no such file or folder"},
		{"module of git", fieldModules, "git://host/x.zip", "Ray cannot fetch git://"},
		{"module without suffix", fieldModules, "https://host/x", "or .whl"},
		{"module with a relative local", fieldModules, "local://x", "local:// needs an absolute path"},
		{"second module", fieldModules, "https://host/x.whl\nftp://host/y.zip", "Ray cannot fetch ftp://"},
		{"module egg", fieldModules, "s3://b/x.egg", "or .whl"},

		{"no package", fieldPip, "", "no package is named"},
		{"requirements file", fieldPip, "requirements.txt", "is a file: import it"},
		{"-r", fieldPip, "-r other.txt", "names another file"},
		{"--requirement", fieldPip, "--requirement=other.txt", "names another file"},
		{"-c", fieldPip, "-c limits.txt", "names another file"},
		{"editable", fieldPip, "-e .", "is an editable install of a local folder"},
		{"local package", fieldPip, "./pkg", "is a local path"},
		{"local parent", fieldPip, "../pkg", "is a local path"},
		{"absolute package", fieldPip, "/src/pkg", "is a local path"},
		{"home package", fieldPip, "~/pkg", "is a local path"},
		{"one equals sign", fieldPip, "torch=2.5", "has one '=': write =="},
		{"no version", fieldPip, "torch==", "ends without a version"},
		{"no version after >=", fieldPip, "torch>=", "ends without a version"},
		{"no version in a list", fieldPip, "torch>=1,<", "ends without a version"},
		{"two words", fieldPip, "torch numpy", "is not a package"},
		{"a comma", fieldPip, "torch, numpy", "is not a package"},
		{"shell", fieldPip, "pip install torch", "is not a package"},
		{"second line", fieldPip, "torch\n-e src", "is an editable install"},
		{"uv no package", fieldUv, "", "no package is named"},
		{"uv file", fieldUv, "requirements.in\nreq.txt", "is a file: import it"},
		{"uv one equals sign", fieldUv, "numpy=2", "has one '='"},
		{"uv local", fieldUv, ".", "is a local path"},

		{"conda nothing", fieldConda, "", "no environment is named"},
		{"conda file", fieldConda, "environment.yml", "which a Ray cluster does not have"},
		{"conda yaml", fieldConda, "a/env.yaml", "is the name of a file"},
		{"conda no dependencies", fieldConda, "name: x", "there are no dependencies"},
		{"conda dependencies text", fieldConda, "dependencies: torch", "line 1: dependencies must be a list, got text"},
		{"conda channels text", fieldConda, "channels: x\ndependencies: [a]", "line 1: channels must be a list"},
		{"conda name list", fieldConda, "dependencies: [a]\nname: [x]", "line 2: name must be text"},
		{"conda broken", fieldConda, "dependencies: [a", "line 1: YAML"},
		{"conda a list", fieldConda, "- a:\n- b", "it must be a mapping"},
		{"conda twice", fieldConda, "dependencies: [a]\ndependencies: [b]", "is there twice"},

		{"timeout zero", fieldTimeout, "0", "must be greater than zero, or -1"},
		{"timeout negative", fieldTimeout, "-5", "must be greater than zero, or -1"},
		{"timeout fraction", fieldTimeout, "1.5", "must be a whole number"},
		{"timeout text", fieldTimeout, "10m", "must be a whole number"},
		{"timeout huge", fieldTimeout, "99999999999999999999", "must be a whole number"},
		{"hook without module", fieldHook, "setup", "must be a function's path"},
		{"hook with a call", fieldHook, "pkg.setup()", "must be a function's path"},
		{"hook by colon", fieldHook, "pkg:setup", "must be a function's path"},
		{"hook by path", fieldHook, "pkg/setup.py", "must be a function's path"},
		{"hook ends in a dot", fieldHook, "pkg.", "must be a function's path"},
		{"hook digit", fieldHook, "1pkg.setup", "must be a function's path"},

		{"text broken", fieldText, "pip: [", "line 1: YAML"},
		{"text a list", fieldText, "- a", "line 1, column 1: it must be a mapping"},
		{"text a word", fieldText, "pip", "it must be a mapping"},
		{"text twice", fieldText, "pip: [a]\npip: [b]", "line 2, column 1: \"pip\" is there twice, also on line 1"},
		{"text merge", fieldText, "a: &x {b: c}\nd:\n  <<: *x", "'<<' is not supported"},
		{"text key", fieldText, "? [a]\n: b", "a key must be text"},
		{"text two colons", fieldText, "a: b: c", "YAML"},
		{"text not a number", fieldText, "a: .nan", "cannot be sent as JSON"},
	}
}

// wrongText are runtime environments that can be read and must not be sent:
// field is where the reason stands.
func wrongText() []wrongInput {
	return []wrongInput{
		{"pip and conda", fieldExtra, "pip: [a]\nconda: base", "pip and conda cannot be set together"},
		{"pip and uv", fieldExtra, "pip: [a]\nuv: [b]", "pip and uv cannot be set together"},
		{"uv, conda", fieldExtra, "uv: [b]\nconda: base", "uv and conda cannot be set together"},
		{"pip a number", fieldExtra, "pip: 5", "pip must be a list of packages, got a number"},
		{"pip a file", fieldExtra, "pip: requirements.txt", "pip is the name of a file"},
		{"pip unknown key", fieldPip, "pip: {packages: [a], check: true}", "pip can only have packages, pip_check, pip_version and pip_install_options, got check"},
		{"pip_check text", fieldPip, "pip: {packages: [a], pip_check: \"no\"}", "pip.pip_check must be true or false, got text"},
		{"pip_version number", fieldPip, "pip: {packages: [a], pip_version: 24.0}", "pip.pip_version must be text, got a number"},
		{"pip options text", fieldPip, "pip: {packages: [a], pip_install_options: -U}", "pip.pip_install_options must be a list of texts"},
		{"pip without packages", fieldExtra, "pip: {pip_check: true}", "pip has no packages"},
		{"pip packages file", fieldExtra, "pip: {packages: r.txt}", "pip.packages is the name of a file"},
		{"pip entry a number", fieldExtra, "pip: [1]", "pip, entry 1 must be text, got a number"},
		{"uv unknown key", fieldUv, "uv: {packages: [a], pip_check: true}", "uv can only have packages, uv_check"},
		{"uv text", fieldExtra, "uv: a", "uv is the name of a file"},
		{"conda a list", fieldExtra, "conda: [a]", "conda must be the name of an environment or an object, got a list"},
		{"env_vars a list", fieldExtra, "env_vars: [A=1]", "env_vars must be an object of texts, got a list"},
		{"env_vars text", fieldExtra, "env_vars: A=1", "env_vars must be an object of texts, got text"},
		{"env_vars number", fieldEnv, "env_vars: {A: 1}", `A must be text, got a number: write "1" in quotes`},
		{"env_vars bool", fieldEnv, "env_vars: {A: true}", `A must be text, got true or false: write "true" in quotes`},
		{"env_vars list", fieldEnv, "env_vars: {PATH: [a, b]}", "PATH must be text, got a list"},
		{"env_vars null", fieldEnv, "env_vars: {A: null}", "A must be text, got nothing"},
		{"env_vars blank name", fieldEnv, "env_vars: {\"A B\": x}", `the name "A B" contains a blank`},
		{"excludes text", fieldExtra, "excludes: data", "excludes must be a list of texts, got text"},
		{"excludes entry", fieldExtra, "excludes: [1]", "excludes, entry 1 must be text"},
		{"modules text", fieldExtra, "py_modules: lib", "py_modules must be a list of texts, got text"},
		{"working_dir number", fieldExtra, "working_dir: 5", "working_dir must be text, got a number"},
		{"config text", fieldExtra, "config: x", "config must be an object, got text"},
		{"config timeout", fieldTimeout, "config: {setup_timeout_seconds: 0}", "must be greater than zero"},
		{"config timeout text", fieldExtra, "config: {setup_timeout_seconds: \"5\"}", "must be a whole number"},
		{"config eager", fieldExtra, "config: {eager_install: 1}", "eager_install must be true or false, got a number"},
		{"config logs", fieldTimeout, "config: {log_files: x}", "log_files must be a list of texts"},
		{"image and pip", fieldImage, "image_uri: x\npip: [a]", "image_uri goes with config and env_vars only: take out pip"},
		{"image number", fieldExtra, "image_uri: 5", "image_uri must be text, got a number"},
		{"container text", fieldExtra, "container: x", "container must be an object with an image"},
		{"container empty", fieldExtra, "container: {run_options: []}", "container has no image"},
		{"container and pip", fieldExtra, "container: {image: x}\npip: [a]", "container goes with config and env_vars only"},
		{"hook a list", fieldExtra, "worker_process_setup_hook: [a]", "the setup hook must be text"},
		{"nsight number", fieldExtra, "nsight: 1", "nsight must be text or an object, got a number"},
		{"py_executable list", fieldExtra, "py_executable: [python]", "py_executable must be text, got a list"},
		{"java_jars text", fieldExtra, "java_jars: x", "java_jars must be a list of texts"},
		{"hidden value", fieldExtra, "foo: {key: <redacted>}", "the server hides a part of foo.key"},
		{"no name", fieldExtra, "\"\": x", "a key has no name"},
	}
}

// wrongMore are inputs of the other fields.
func wrongMore() []wrongInput {
	return []wrongInput{
		{"long name", fieldName, strings.Repeat("x", rayapi.MaxMetadataBytes), "4096 bytes, at most 4088"},
		{"half JSON in metadata", fieldMetadata, `{"a": "b"`, "JSON ends early at column 9"},
		{"list in metadata", fieldMetadata, `{"a": ["b"]}`, "the value of a must be text, got a list"},
		{"null in metadata", fieldMetadata, `{"a": null}`, "the value of a must be text, got nothing"},
		{"text after JSON", fieldMetadata, `{"a": "b"} c`, "there is text after the end of the object at column 12"},
		{"nameless metadata", fieldMetadata, `{"": "b"}`, "a key has no name"},
		{"resource text", fieldResources, `{"TPU": "1"}`, "TPU must be a number, got text"},
		{"resource true", fieldResources, `{"TPU": true}`, "TPU must be a number, got true or false"},
		{"negative resource in JSON", fieldResources, `{"TPU": -1}`, "TPU: -1 is negative"},
		{"CPU in JSON", fieldResources, `{"CPU": 1}`, "CPU has a field of its own"},
		{"variables in JSON", fieldEnv, `{"A": 1}`, "A must be text, got a number"},
		{"label without value", fieldLabels, "zone", "has no '='"},
		{"label twice", fieldLabels, "zone=a\nzone=b", "zone is there twice"},
		{"label blank", fieldLabels, "my zone=a", `"my zone" is no label`},
		{"label slash", fieldLabels, "a b/zone=a", "before the slash must be a DNS name"},
		{"label end", fieldLabels, "zone-=a", `"zone-" is no label`},
		{"label long", fieldLabels, strings.Repeat("z", 64) + "=a", "is no label"},
		{"label prefix long", fieldLabels, strings.Repeat("z", 254) + "/zone=a", "before the slash must be a DNS name"},
		{"label value blank", fieldLabels, "zone=a b", `"a b" is no value of a label`},
		{"label in empty", fieldLabels, "zone=in()", "is no value of a label"},
		{"label in open", fieldLabels, "zone=in(a", "is no value of a label"},
		{"label double no", fieldLabels, "zone=!!a", "is no value of a label"},
		{"label number", fieldLabels, `{"zone": 1}`, "the value of zone must be text, got a number"},
		{"label list", fieldLabels, `{"zone": ["a"]}`, "the value of zone must be text, got a list"},
		{"label equals", fieldLabels, "zone==a", `"=a" is no value of a label`},
		{"second label", fieldLabels, "zone=a\n-x=b", `"-x" is no label`},
	}
}
