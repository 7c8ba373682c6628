package drafts_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/drafts"
	"dray/backend/jobspec"
)

// A job file that was saved is the same job when it is read from its folder.
func TestSaveFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "job.yaml")
	job := jobspec.Spec{
		Entrypoint: "python train.py", SubmissionID: "once", WorkingDir: filepath.Join(dir, "src"), NumGPUs: 2,
		RuntimeEnv: []byte(`{"py_modules":["` + filepath.Join(dir, "lib") + `","https://h/x.whl","/opt/far/away"],"env_vars":{"HF_TOKEN":"hf_abcdefghijkl","LR":"0.1"}}`),
	}
	left, err := drafts.SaveFile(path, job, false)
	if err != nil || len(left) != 1 {
		t.Fatalf("left out %v, %v", left, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"working_dir: ./src", "- ./lib", "/opt/far/away", "HF_TOKEN: " + jobspec.FillIn} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%q is not in\n%s", want, data)
		}
	}
	back, err := jobspec.ParseTemplate(path, data)
	if err != nil {
		t.Fatal(err)
	}
	want := job
	want.SubmissionID = ""
	want, _ = want.Masked(jobspec.FillIn)
	if diff := cmp.Diff(want, back.At(dir)); diff != "" {
		t.Errorf("(-saved +read):\n%s", diff)
	}
	if _, err := drafts.SaveFile(path, job, false); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
	job.Entrypoint = "python other.py"
	if _, err := drafts.SaveFile(path, job, true); err != nil {
		t.Errorf("replaced: %v", err)
	}
	if _, err := drafts.SaveFile(dir, job, true); err == nil {
		t.Error("a folder is replaced")
	}
	if _, err := drafts.SaveFile(filepath.Join(dir, "none", "x.yaml"), job, false); err == nil {
		t.Error("there is no such folder, and no error")
	}
	if _, err := drafts.SaveFile(filepath.Join(dir, "empty.yaml"), jobspec.Spec{}, false); err == nil {
		t.Error("an empty job is saved")
	}
}
