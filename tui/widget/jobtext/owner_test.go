package jobtext_test

import (
	"testing"

	"dray/backend/rayapi"
	"dray/tui/widget/jobtext"
)

func TestProgram(t *testing.T) {
	t.Parallel()
	tests := []struct{ entrypoint, program, args string }{
		{"python sweep.py --lr 3e-2", "python sweep.py", "--lr 3e-2"},
		{"  python -m serve.eval --suite full", "  python -m serve.eval", "--suite full"},
		{"bash run_all.sh gpu8", "bash run_all.sh", "gpu8"},
		{"LR=0.1 python train.py a", "LR=0.1 python train.py", "a"},
		{"sh -c 'echo 1'", "sh -c 'echo 1'", ""},
		{"sleep 9", "sleep 9", ""},
		{"ls --all", "ls", "--all"},
		{"", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.entrypoint, func(t *testing.T) {
			t.Parallel()
			if program, args := jobtext.Program(tt.entrypoint); program != tt.program || args != tt.args {
				t.Errorf("Program(%q) = %q, %q; want %q, %q", tt.entrypoint, program, args, tt.program, tt.args)
			}
		})
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	job := &rayapi.Job{Metadata: map[string]string{"user": "bob", "job_name": "n"}}
	if owner, name := jobtext.Owner(job), jobtext.Name(job); owner != "bob" || name != "n" {
		t.Errorf("owner %q, name %q", owner, name)
	}
	if owner := jobtext.Owner(&rayapi.Job{}); owner != "" {
		t.Errorf("owner %q of a job without metadata", owner)
	}
}
