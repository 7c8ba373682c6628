package tuitest

import (
	"encoding/json"
	"fmt"
	"time"

	"dray/backend/rayapi"
)

// Job returns a job that was submitted ago before Now and, if it has ended,
// took as long as said.
func Job(id string, status rayapi.Status, entrypoint string, ago, took time.Duration) rayapi.Job {
	start := Now().Add(-ago).UnixMilli()
	j := rayapi.Job{
		Type: rayapi.TypeSubmission, SubmissionID: &id, Status: status, Entrypoint: entrypoint,
		StartTime: &start, Metadata: map[string]string{}, RuntimeEnv: json.RawMessage(`{}`),
	}
	if status.IsTerminal() {
		end := start + took.Milliseconds()
		j.EndTime = &end
	}
	message := map[rayapi.Status]string{
		rayapi.StatusPending:   rayapi.MessagePending(false, false),
		rayapi.StatusRunning:   rayapi.MessageRunning,
		rayapi.StatusSucceeded: rayapi.MessageSucceeded,
		rayapi.StatusStopped:   rayapi.MessageStopped,
	}[status]
	if status == rayapi.StatusSucceeded {
		j.DriverExitCode = new(int)
	}
	j.Message = &message
	return j
}

// Failed returns a job that ended with code and left tail in its log.
func Failed(id, entrypoint string, ago, took time.Duration, code int, tail string) rayapi.Job {
	j := Job(id, rayapi.StatusFailed, entrypoint, ago, took)
	message, kind := rayapi.MessageFailed(code, tail), rayapi.ErrEntrypointCommand
	j.Message, j.ErrorType, j.DriverExitCode = &message, &kind, &code
	return j
}

// Driver returns a job that connected to the cluster without a submit.
func Driver(id string, status rayapi.Status, ago, took time.Duration) rayapi.Job {
	j := Job("", status, "unknown", ago, took)
	j.Type, j.SubmissionID, j.JobID, j.Message, j.DriverExitCode = rayapi.TypeDriver, nil, &id, nil, nil
	if j.EndTime == nil {
		j.EndTime = new(int64)
	}
	return j
}

// Jobs20 are twenty jobs of every kind, in no useful order, as a server lists
// them.
func Jobs20() []rayapi.Job {
	const (
		s, m, h, d = time.Second, time.Minute, time.Hour, 24 * time.Hour
		ok         = rayapi.StatusSucceeded
	)
	oom := Failed("sweep-lr-0.03", "python sweep.py --lr 3e-2 --seed 11", 35*m+58*s, 2*m+11*s, 1,
		"Traceback (most recent call last):\n  File \"sweep.py\", line 88, in main\n    loss = step(batch)\n"+
			"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB (GPU 0; 79.15 GiB total capacity; 76.9 GiB already allocated)\n")
	oom.Metadata = map[string]string{"team": "vision", "sweep": "lr-grid", "job_name": "sweep-lr-0.03"}
	oom.RuntimeEnv = json.RawMessage(`{"working_dir":"gcs://_ray_pkg_8fa1c0de.zip","pip":["torch==2.5.1","timm==1.0.11"],` +
		`"env_vars":{"HF_TOKEN":"hunter2","WANDB_MODE":"offline"},"config":{"setup_timeout_seconds":600}}`)
	ray := "0a000000"
	node := "a1b2c3d4e5f60718293a4b5c6d7e8f90"
	oom.JobID, oom.DriverNodeID = &ray, &node
	oom.DriverInfo = &rayapi.DriverInfo{ID: ray, NodeIPAddress: "10.4.0.17", PID: "48122"}
	ghost := Failed("raysubmit_Gh05tGh05tGh05tG", "Entrypoint not found.", 5*d, 3*s, 1, "")
	died := rayapi.ErrSupervisorDied
	ghost.DriverExitCode, ghost.ErrorType = nil, &died
	jobs := []rayapi.Job{
		Job("raysubmit_Lk20sdf8QaP1x9Vb", ok, "python etl.py --day 2026-11-22", 2*h+19*m, 7*m+55*s),
		oom,
		Job("raysubmit_tt0Lq8mWz2Rb55Ke", rayapi.StatusPending, "python etl.py --day 2026-11-23 --shards 64 --retry 3", m+2*s, 0),
		Failed("raysubmit_pA41xxQe0sHHq2Zz", "python train.py --cfg cfg/resnet50.yaml", 79*m, 41*s, 137, "Killed\n"),
		Job("raysubmit_Xe7cvjyGJCpk3wQa", rayapi.StatusRunning, "python train.py --cfg cfg/resnet50.yaml --epochs 90", 14*m+3*s, 0),
		Job("nightly-2026-11-22", ok, "python nightly.py", 12*h+17*m, h+44*m),
		Job("raysubmit_9mQ2bbVdPlWx1y7T", rayapi.StatusRunning, "python -m serve.eval --suite full", 3*h+m, 0),
		Job("raysubmit_Zz81mmKq4rEe3Wq8", rayapi.StatusStopped, "bash run_all.sh gpu8", 117*m, 9*m+40*s),
		Job("sweep-lr-0.003", rayapi.StatusRunning, "python sweep.py --lr 3e-3 --seed 11", 36*m+20*s, 0),
		ghost,
	}
	for i := range 9 {
		id := fmt.Sprintf("raysubmit_%c%d%dddFfgGhhJjk%c", 'A'+i, i, i, 'P'+i)
		jobs = append(jobs, Job(id, ok, fmt.Sprintf("python sweep.py --lr 1e-%d --seed 7", i+1), time.Duration(i+1)*26*h, time.Duration(i+1)*4*m+3*s))
	}
	return append(jobs, Driver("02000000", ok, 30*h, 5*h+10*m))
}
