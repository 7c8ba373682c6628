//go:build ray

package packages_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/packages"
)

// rayClient asks the real client for the URI and the zip of each folder.
const rayClient = `
import json, sys, zipfile, pathlib, logging
from ray._private.runtime_env import packaging
out = []
for c in json.load(sys.stdin):
    uri = packaging.get_uri_for_directory(c["dir"], c["gitignore"], excludes=c["excludes"])
    z = pathlib.Path(c["dir"] + ".zip")
    packaging.create_package(c["dir"], z, include_gitignore=c["gitignore"], include_parent_dir=c["parent"], excludes=c["excludes"])
    items = {i.filename: "%o %d %x" % (i.external_attr >> 16, i.file_size, i.CRC) for i in zipfile.ZipFile(z).infolist()}
    out.append({"uri": uri, "zip": items})
json.dump(out, sys.stdout)
`

type rayCase struct {
	Dir       string   `json:"dir"`
	Gitignore bool     `json:"gitignore"`
	Excludes  []string `json:"excludes"`
	Parent    bool     `json:"parent"`
}

type rayAnswer struct {
	URI string            `json:"uri"`
	Zip map[string]string `json:"zip"`
}

func askRay(t *testing.T, cases []rayCase) []rayAnswer {
	t.Helper()
	python := os.Getenv("DRAY_RAY_PYTHON")
	if python == "" {
		t.Fatal("DRAY_RAY_PYTHON must name a Python that has Ray installed")
	}
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", rayClient)
	cmd.Stdin = bytes.NewReader(in)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask Ray: %v\n%s", err, errOut.String())
	}
	var answers []rayAnswer
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// TestRayAgrees compares names, entries, modes and contents with those of the
// real client, on the frozen folders and on generated ones.
func TestRayAgrees(t *testing.T) {
	cases := hashCases()
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for i := range 60 {
		c := randomCase(rng, i)
		for path, content := range c.tree {
			switch base := filepath.Base(path); {
			case strings.HasPrefix(content, "-> "):
				seen["links"]++
			case strings.HasSuffix(path, "/"):
				seen["folders"]++
			case base == ".gitignore" || base == ".rayignore":
				seen["ignore files"]++
			case strings.ContainsFunc(base, func(r rune) bool { return r > 127 }):
				seen["unicode names"]++
			}
		}
		cases = append(cases, c)
	}
	for _, kind := range []string{"links", "folders", "ignore files", "unicode names"} {
		if seen[kind] < 20 {
			t.Errorf("the generated trees have %d %s, too few to prove anything", seen[kind], kind)
		}
	}
	base := t.TempDir()
	asked := make([]rayCase, len(cases))
	for i, c := range cases {
		dir := filepath.Join(base, fmt.Sprintf("pkg%d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c.tree.write(t, dir)
		asked[i] = rayCase{Dir: dir, Gitignore: !c.noGitignore, Excludes: slices.Concat([]string{}, c.excludes), Parent: i%2 == 1}
	}
	answers := askRay(t, asked)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			opt := packages.Options{Excludes: c.excludes, IgnoreGitignore: c.noGitignore, LookupEnv: noEnv}
			if asked[i].Parent {
				opt.TopLevel = filepath.Base(asked[i].Dir)
			}
			hash, err := packages.HashDir(asked[i].Dir, opt)
			if err != nil {
				t.Fatal(err)
			}
			if got := packages.URI(packages.NameOfHash(hash)); got != answers[i].URI {
				t.Errorf("URI is %s, Ray's %s; tree %q excludes %q", got, answers[i].URI, c.tree, c.excludes)
			}
			var buf bytes.Buffer
			if err := packages.WriteZip(t.Context(), &buf, asked[i].Dir, opt); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(answers[i].Zip, zipEntries(t, buf.Bytes())); diff != "" {
				t.Errorf("zip (-Ray +ours):\n%s", diff)
			}
			if c.hash != "" && c.hash != hash {
				t.Errorf("the frozen hash %s is not Ray's %s", c.hash, hash)
			}
		})
	}
}

func zipEntries(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		out[f.Name] = fmt.Sprintf("%o %d %x", f.ExternalAttrs>>16, f.UncompressedSize64, f.CRC32)
	}
	return out
}

// randomCase makes a folder and rules out of few names, so that rules and
// paths meet often.
func randomCase(rng *rand.Rand, n int) hashCase {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	name := func() string {
		return pick("a", "b", "build", "src", "x.py", "y.py", "z.txt", ".env", "ä ö", "日本", "e\u0301", "\u00e9", "🚀", "log-1", "log-b", "[x]", "#c", "!d")
	}
	rule := func() string {
		var parts []string
		for range 1 + rng.IntN(3) {
			parts = append(parts, pick(name(), name(), "*", "**", "*.py", "?", "log-[0-9]", "log-[!0-9]", "[a-c]", "[", `\#c`, "b*", "*r*"))
		}
		return pick("", "", "", "!", "/", " ", "#") + strings.Join(parts, "/") + pick("", "", "", "/", " ", "/**")
	}
	rules := func() []string {
		var out []string
		for range rng.IntN(5) {
			out = append(out, rule())
		}
		return out
	}
	tr := tree{}
	folders := []string{""}
	for range 4 + rng.IntN(20) {
		parent := folders[rng.IntN(len(folders))]
		path := parent + name()
		if taken(tr, path) {
			continue
		}
		switch k := rng.IntN(10); {
		case k < 4:
			folders = append(folders, path+"/")
			tr[path+"/"] = ""
		case k < 5:
			tr[path] = "-> " + pick("a", "nowhere", "../src", "x.py", "日本", "build")
		default:
			tr[path] = fmt.Sprint(rng.Uint64())
		}
	}
	for _, f := range folders {
		for _, file := range []string{".gitignore", ".rayignore"} {
			if rng.IntN(4) == 0 {
				tr[f+file] = strings.Join(rules(), pick("\n", "\n", "\r\n", "\r"))
			}
		}
	}
	return hashCase{name: fmt.Sprintf("generated %d", n), tree: tr, excludes: rules(), noGitignore: rng.IntN(4) == 0}
}

func taken(tr tree, path string) bool {
	_, file := tr[path]
	_, folder := tr[path+"/"]
	return file || folder
}
