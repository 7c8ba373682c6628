package runtimeenv_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
)

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for _, env := range []string{
		``, `null`, `{}`,
		`{"env_vars": null, "working_dir": null, "pip": null, "excludes": null}`,
		`{"env_vars": {}, "pip": [], "conda": {}, "uv": [ ], "image_uri": ""}`,
		`{"env_vars": {"A": "", "a b": "x", "ü": "y"}}`,
		`{"working_dir": ""}`,
		`{"working_dir": "gcs://_ray_pkg_64dc495c54e649c8.zip", "excludes": ["*.o"]}`,
		`{"working_dir": "gcs://_ray_pkg_64dc495c54e649c8.tar.gz"}`,
		`{"working_dir": "https://x/y.tar.xz", "py_modules": ["gcs://_ray_pkg_1.tar.xz"]}`,
		`{"working_dir": "local:///not/there/yet"}`,
		`{"py_modules": ["gcs://a-1.0-py3-none-any.whl", "gcs://m.zip", "local:///x"]}`,
		`{"working_dir": "https://x/y.zip?token=1", "py_modules": ["file:///x/y.tar.gz", "http://x/a-1.0-py3-none-any.whl"]}`,
		`{"pip": ["requests"]}`, `{"pip": "requirements.txt"}`, `{"uv": {"packages": ["a"], "uv_check": true, "uv_version": "==0.4"}}`,
		`{"pip": {"packages": "r.txt", "pip_check": false, "pip_version": null, "pip_install_options": ["--no-index"]}, "_ray_commit": "x"}`,
		`{"conda": "base"}`, `{"conda": "/usr"}`, `{"conda": {"dependencies": ["python=3.11"]}}`, `{"conda": "env.yaml"}`,
		`{"config": {"setup_timeout_seconds": -1, "eager_install": true, "log_files": []}, "worker_process_setup_hook": "m.f"}`,
		`{"config": {"setup_timeout_seconds": 5}, "_ray_commit": "x", "py_executable": "python -v", "mpi": {"a": 1}}`,
	} {
		if err := runtimeenv.Check(json.RawMessage(env)); err != nil {
			t.Errorf("%s: %v", env, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", rayapi.MaxEnvVar)
	var many strings.Builder
	for i := range 16 {
		fmt.Fprintf(&many, `"K%d": "%s",`, i, long[:100000])
	}
	for _, tc := range []struct{ name, env, want string }{
		{"no object", `["x"]`, "runtime_env must be a dict, got <class 'list'>"},
		{"env_vars name with =", `{"env_vars": {"A=B": "x"}}`, `the name "A=B"`},
		{"env_vars name with NUL", `{"env_vars": {"A\u0000": "x"}}`, `the name "A\x00"`},
		{"env_vars empty name", `{"env_vars": {"": "x"}}`, `the name ""`},
		{"env_vars value with NUL", `{"env_vars": {"A": "s3cret\u0000"}}`, `the value of "A" contains a NUL`},
		{"env_vars too long", `{"env_vars": {"A": "` + long + `"}}`, `"A" has 120003 bytes`},
		{"env_vars too much", `{"env_vars": {` + many.String() + `"Z": ""}}`, "more than 1500000 bytes"},
		{"s3", `{"py_modules": ["S3://x/y.zip"]}`, "local:///path"},
		{"escaping name", `{"working_dir": "gcs://../../etc/x.zip"}`, "not a package name"},
		{"a refusal goes before a failure", `{"working_dir": "/nope", "py_modules": ["gs://x/y.zip"]}`, "gs:// addresses"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := runtimeenv.Check(json.RawMessage(tc.env))
			if !errors.Is(err, rayapi.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error is %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error shows a value, or has two lines: %v", err)
			}
		})
	}
}

func TestCheckFindsWhatCannotStart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, env, want string }{
		{"missing path", `{"working_dir": "/nope"}`, "/nope is not a valid path."},
		{"missing relative path", `{"working_dir": "./nope"}`, "nope is not a valid path."},
		{"a folder that is there", `{"working_dir": "/"}`, "/ is not a valid URI. Passing directories or modules to be " +
			"dynamically uploaded is only supported at the job level (i.e., passed to `ray.init`)."},
		{"unknown scheme", `{"working_dir": "git://x/y.zip"}`, "git://x/y.zip is not a valid URI."},
		{"password in an unknown scheme", `{"working_dir": "git://u:s3cret@h/y"}`, "git://<redacted>@h/y is not a valid URI."},
		{"local and relative", `{"working_dir": "local://x"}`, `Invalid "local://" runtime_env URI "local://x": the path must be absolute.`},
		{"local archive", `{"py_modules": ["local:///x.zip"]}`, "must be a directory, not an archive"},
		{"wheel as working_dir", `{"working_dir": "gcs://a.whl"}`, "Only .zip, .tar.gz, .tgz, .tar.xz files are supported for working_dir URIs; got gcs://a.whl."},
		{"no suffix", `{"py_modules": ["gcs://a"]}`, "Only .zip, .whl, .tar.gz, .tgz, .tar.xz files are supported for py_modules URIs; got gcs://a."},
		{"https without a suffix", `{"working_dir": "https://u:s3cret@x/y?sig=s3cret"}`, "Only .zip, .tar.gz, .tgz, .tar.xz files are supported for working_dir URIs; got https://<redacted>@x/y."},
		{"https without a host", `{"working_dir": "https:///y.zip"}`, "https:///y.zip is not a valid URI for working_dir"},
		{"file on another host", `{"py_modules": ["file://h/y.zip"]}`, "write https://host/path/name.zip or file:///path/name.zip"},
		{"pip and uv", `{"pip": ["a"], "uv": ["b"]}`, "The 'pip' field, 'uv' field, and 'conda' field of runtime_env cannot be specified at the same time."},
		{"pip and conda", `{"pip": ["a"], "conda": "base"}`, "cannot be specified at the same time. Specified: pip, conda."},
		{"pip number", `{"pip": 3}`, "runtime_env['pip'] must be of type str or List[str], got <class 'int'>"},
		{"pip list of numbers", `{"pip": [3]}`, "runtime_env['pip'] must be of type str or List[str]"},
		{"pip key", `{"pip": {"packages": ["a"], "x": 1}}`, "runtime_env['pip'] can only have these fields: packages, pip_check, pip_install_options and pip_version, but got: ['packages', 'x']"},
		{"pip without packages", `{"pip": {"pip_check": true}}`, "runtime_env['pip'] must include field 'packages'"},
		{"pip_check", `{"pip": {"packages": [], "pip_check": 1}}`, "runtime_env['pip']['pip_check'] must be of type bool, got <class 'int'>"},
		{"pip_version", `{"pip": {"packages": [], "pip_version": 1}}`, "runtime_env['pip']['pip_version'] must be of type str, got <class 'int'>"},
		{"pip options", `{"pip": {"packages": [], "pip_install_options": "x"}}`, "runtime_env['pip']['pip_install_options'] must be of type list[str], got <class 'str'>"},
		{"uv key", `{"uv": {"packages": ["a"], "pip_check": true}}`, "runtime_env['uv'] can only have these fields: packages, uv_check, uv_version and uv_pip_install_options, but got"},
		{"conda number", `{"conda": 1}`, "runtime_env['conda'] must be of type str or dict, got <class 'int'>"},
		{"conda relative folder", `{"conda": "a/b"}`, "is neither the name of an environment"},
		{"timeout 0", `{"config": {"setup_timeout_seconds": 0}}`, "setup_timeout_seconds must be greater than zero or equals to -1, got: 0"},
		{"timeout text", `{"config": {"setup_timeout_seconds": "1"}}`, "setup_timeout_seconds must be of type int, got: <class 'str'>"},
		{"eager", `{"config": {"eager_install": 1}}`, "eager_install must be a boolean. got <class 'int'>"},
		{"pip without packages", `{"pip": {}}`, "runtime_env['pip'] must include field 'packages', but got {}"},
		{"uv without packages", `{"uv": {"uv_check": true}}`, `runtime_env['uv'] must include field 'packages', but got {"uv_check": true}`},
		{"conda folder", `{"conda": "/nope"}`, "Can't find conda env directory /nope."},
		{"env_vars list", `{"env_vars": ["A"]}`, "env_vars'] must be of type Dict[str, str], got <class 'list'>"},
		{"env_vars number", `{"env_vars": {"A": 1}}`, `the value of "A" is of type <class 'int'>`},
		{"env_vars float", `{"env_vars": {"A": 1.5}}`, `<class 'float'>`},
		{"env_vars bool", `{"env_vars": {"A": true}}`, `<class 'bool'>`},
		{"env_vars dict", `{"env_vars": {"A": {}}}`, `<class 'dict'>`},
		{"env_vars null value", `{"env_vars": {"A": null}}`, `<class 'NoneType'>`},
		{"excludes text", `{"excludes": "*.o"}`, "excludes'] must be of type List[str], got <class 'str'>"},
		{"excludes number", `{"excludes": ["a", 1]}`, "`exclude` must be a string, got <class 'int'>."},
		{"working_dir number", `{"working_dir": 3}`, "`working_dir` must be a string, got <class 'int'>"},
		{"py_modules text", `{"py_modules": "x"}`, "`py_modules` must be a list of strings, got <class 'str'>"},
		{"py_modules null", `{"py_modules": [null]}`, "`py_module` must be a string, got <class 'NoneType'>."},
		{"first of two", `{"working_dir": "/nope", "py_modules": ["/nope2"]}`, "/nope is not a valid path."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := runtimeenv.Check(json.RawMessage(tc.env))
			var start *runtimeenv.StartError
			if !errors.As(err, &start) || errors.Is(err, rayapi.ErrInvalid) || !strings.Contains(start.Reason, tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
		})
	}
}
