package main

import (
	"encoding/json"
	"fmt"
	"os/exec"

	"dray/backend/jobspec"
	"dray/backend/rayapi"
)

// demo says whether this run is one.
type demo int

const (
	noDemo demo = iota
	keptDemo
	passingDemo // nothing of it stays
)

// demoJobs are the jobs of dray demo: real ones, small, of which each shows
// something. The shell is all they need, none lasts longer than ten minutes, and
// they write to the folder dir alone.
func demoJobs(dir string) ([]rayapi.SubmitRequest, error) {
	env, err := json.Marshal(map[string]any{
		"working_dir": "local://" + dir,
		"env_vars":    map[string]string{"DEMO_PASSWORD": "a value that the screen hides"},
	})
	if err != nil {
		return nil, fmt.Errorf("the demo's runtime environment: %w", err)
	}
	jobs := []rayapi.SubmitRequest{
		{SubmissionID: "demo-hello", Entrypoint: `echo "Hello from $(uname -sr), process $$"; sleep 1; echo "The end."`},
		{SubmissionID: "demo-fails", Entrypoint: demoFailure(), Metadata: map[string]string{"team": "demo"}},
		{SubmissionID: "demo-killed", Entrypoint: `echo "This process kills itself, as an out-of-memory kill would."; kill -KILL $$`},
		{
			SubmissionID: "demo-retries",
			Entrypoint:   `echo "Attempt"; if [ -e mark ]; then rm mark; echo "It works the second time."; else : >mark; echo "ERROR it fails the first time" >&2; exit 3; fi`,
			Metadata:     map[string]string{jobspec.MetaRetries: "2"},
		},
		{
			SubmissionID: "demo-long-log",
			Entrypoint: `awk 'BEGIN { for (i = 1; i <= 200000; i++) { level = i % 5000 == 0 ? "ERROR" : i % 1000 == 0 ? "WARN" : "INFO"; ` +
				`printf "%-5s line %d of 200000, its square is %.0f\n", level, i, i * i } }'`,
		},
		{
			SubmissionID: "demo-primes",
			Entrypoint: `n=1; below=0; while [ $n -le 240 ]; do below=$((n * 500)); awk -v from=$((below - 500)) -v to=$below -v n=$n ` +
				`'BEGIN { for (i = from; i < to; i++) { p = i > 1; for (d = 2; d * d <= i; d++) if (i % d == 0) { p = 0; break } found += p } ` +
				`printf "\033[32mINFO\033[0m block %d of 240: %d primes from %d to %d\n", n, found, from, to }'; sleep 1; n=$((n + 1)); done`,
			Metadata: map[string]string{"team": "demo", "job_name": "primes"},
		},
		{
			SubmissionID: "demo-stubborn",
			Entrypoint:   `trap 'echo "SIGTERM came, and is ignored"' TERM; i=0; while [ $i -lt 600 ]; do i=$((i + 1)); echo "second $i"; sleep 1; done`,
		},
		{
			SubmissionID: "demo-waits", Entrypoint: `echo "There are 64 GPUs here."`,
			NumGPUs: demoGPUs,
		},
	}
	for i := range jobs {
		jobs[i].RuntimeEnv = env
	}
	return jobs, nil
}

// demoGPUs is what no machine has, so that the job waits.
const demoGPUs = 64

// demoFailure is a command that fails by itself: with a traceback where there
// is Python.
func demoFailure() string {
	if _, err := exec.LookPath("python3"); err != nil {
		return `echo "This job reads a file that does not exist."; cat ./no-such-file.csv`
	}
	return `python3 -c '
import json

def read(text):
    return json.loads(text)

def main():
    print("INFO this job reads JSON that is broken")
    read("{\"epochs\": }")

main()
'`
}
