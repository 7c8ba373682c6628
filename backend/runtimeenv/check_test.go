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
		`{"working_dir": "local:///not/there/yet"}`,
		`{"py_modules": ["gcs://a-1.0-py3-none-any.whl", "gcs://m.zip", "local:///x"]}`,
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
		{"pip", `{"pip": ["requests"]}`, "runtime_env['pip'] is not supported by this server: install the packages"},
		{"pip as a dict", `{"pip": {"packages": ["requests"]}}`, "runtime_env['pip'] is not supported"},
		{"uv", `{"uv": ["requests"]}`, "runtime_env['uv'] is not supported"},
		{"conda", `{"conda": "base"}`, "runtime_env['conda'] is not supported"},
		{"container", `{"container": {"image": "x"}}`, "runtime_env['container'] is not supported"},
		{"image", `{"image_uri": "x"}`, "runtime_env['image_uri'] is not supported"},
		{"env_vars list", `{"env_vars": ["A"]}`, "env_vars'] must be of type Dict[str, str], got <class 'list'>"},
		{"env_vars number", `{"env_vars": {"A": 1}}`, `the value of "A" is of type <class 'int'>`},
		{"env_vars float", `{"env_vars": {"A": 1.5}}`, `<class 'float'>`},
		{"env_vars bool", `{"env_vars": {"A": true}}`, `<class 'bool'>`},
		{"env_vars dict", `{"env_vars": {"A": {}}}`, `<class 'dict'>`},
		{"env_vars null value", `{"env_vars": {"A": null}}`, `<class 'NoneType'>`},
		{"env_vars name with =", `{"env_vars": {"A=B": "x"}}`, `the name "A=B"`},
		{"env_vars name with NUL", `{"env_vars": {"A\u0000": "x"}}`, `the name "A\x00"`},
		{"env_vars empty name", `{"env_vars": {"": "x"}}`, `the name ""`},
		{"env_vars value with NUL", `{"env_vars": {"A": "s3cret\u0000"}}`, `the value of "A" contains a NUL`},
		{"env_vars too long", `{"env_vars": {"A": "` + long + `"}}`, `"A" has 120003 bytes`},
		{"env_vars too much", `{"env_vars": {` + many.String() + `"Z": ""}}`, "more than 1500000 bytes"},
		{"excludes text", `{"excludes": "*.o"}`, "excludes'] must be of type List[str], got <class 'str'>"},
		{"excludes number", `{"excludes": ["a", 1]}`, "must be a list of strings, got <class 'int'> at position 1"},
		{"working_dir number", `{"working_dir": 3}`, "`working_dir` must be a string, got <class 'int'>"},
		{"py_modules text", `{"py_modules": "x"}`, "`py_modules` must be a list of strings, got <class 'str'>"},
		{"py_modules null", `{"py_modules": [null]}`, "<class 'NoneType'> at position 0"},
		{"https", `{"working_dir": "https://x/y.zip"}`, "runtime_env['working_dir']: https:// addresses are not supported"},
		{"s3", `{"py_modules": ["S3://x/y.zip"]}`, "local:///path"},
		{"xz", `{"working_dir": "gcs://_ray_pkg_1.tar.xz"}`, "xz archives are not supported here: pack it as .zip"},
		{"escaping name", `{"working_dir": "gcs://../../etc/x.zip"}`, "not a package name"},
		{"a refusal goes before a failure", `{"working_dir": "/nope", "py_modules": ["https://x/y.zip"]}`, "https:// addresses"},
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
