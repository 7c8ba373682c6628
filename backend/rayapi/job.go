package rayapi

import (
	"encoding/json"
	"time"
)

// Status is a job's state as Ray names it.
type Status string

// The five states of a job. The last three are terminal.
const (
	StatusPending   Status = "PENDING"
	StatusRunning   Status = "RUNNING"
	StatusStopped   Status = "STOPPED"
	StatusSucceeded Status = "SUCCEEDED"
	StatusFailed    Status = "FAILED"
)

// IsTerminal reports whether no further transition can follow s.
func (s Status) IsTerminal() bool {
	return s == StatusStopped || s == StatusSucceeded || s == StatusFailed
}

// JobType tells how a job came to be.
type JobType string

// A SUBMISSION went through the Jobs API; a DRIVER is a process that connected
// to the cluster by itself.
const (
	TypeSubmission JobType = "SUBMISSION"
	TypeDriver     JobType = "DRIVER"
)

// The values of Job.ErrorType (Ray's JobErrorType, since 2.50).
const (
	ErrRuntimeEnvSetup     = "RUNTIME_ENV_SETUP_FAILURE"
	ErrStartTimeout        = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"
	ErrStartFailure        = "JOB_SUPERVISOR_ACTOR_START_FAILURE"
	ErrUnschedulable       = "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE"
	ErrSupervisorDied      = "JOB_SUPERVISOR_ACTOR_DIED"
	ErrUnknownFailure      = "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE"
	ErrEntrypointStart     = "JOB_ENTRYPOINT_COMMAND_START_ERROR"
	ErrEntrypointCommand   = "JOB_ENTRYPOINT_COMMAND_ERROR"
	entrypointNotFoundText = "Entrypoint not found."
)

// DriverInfo describes the driver process that a job connected to the cluster.
type DriverInfo struct {
	ID            string `json:"id"`
	NodeIPAddress string `json:"node_ip_address"`
	PID           string `json:"pid"` // a string on the wire
}

// Job is Ray's JobDetails: 15 keys, always all present, in this order.
type Job struct {
	Type                   JobType           `json:"type"`
	JobID                  *string           `json:"job_id"`
	SubmissionID           *string           `json:"submission_id"`
	DriverInfo             *DriverInfo       `json:"driver_info"`
	Status                 Status            `json:"status"`
	Entrypoint             string            `json:"entrypoint"`
	Message                *string           `json:"message"`
	ErrorType              *string           `json:"error_type"`
	StartTime              *int64            `json:"start_time"` // ms; a submission's time of submission
	EndTime                *int64            `json:"end_time"`   // ms; 0 for a running DRIVER
	Metadata               map[string]string `json:"metadata"`
	RuntimeEnv             json.RawMessage   `json:"runtime_env"`
	DriverAgentHTTPAddress *string           `json:"driver_agent_http_address"`
	DriverNodeID           *string           `json:"driver_node_id"`
	DriverExitCode         *int              `json:"driver_exit_code"` // -n: killed by signal n
}

// ID returns the id that addresses the job in requests: the submission id, or
// a DRIVER's job id.
func (j Job) ID() string {
	if j.SubmissionID != nil && *j.SubmissionID != "" {
		return *j.SubmissionID
	}
	return deref(j.JobID)
}

// MessageText returns the message, or "" when there is none.
func (j Job) MessageText() string { return deref(j.Message) }

// ErrorTypeText returns the error type, or "" when there is none.
func (j Job) ErrorTypeText() string { return deref(j.ErrorType) }

// Started returns the start time, or the zero time when it is unset.
func (j Job) Started() time.Time { return msTime(j.StartTime) }

// Ended returns the end time, or the zero time when the job has not ended. The
// 0 that a running DRIVER carries counts as unset.
func (j Job) Ended() time.Time { return msTime(j.EndTime) }

// IsGhost reports whether the record is one that Ray's monitor wrote over a
// deleted job (ray-project/ray#65251).
func (j Job) IsGhost() bool {
	return j.Entrypoint == entrypointNotFoundText && j.Status == StatusFailed
}

func msTime(ms *int64) time.Time {
	if ms == nil || *ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(*ms)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// SubmitResponse answers a submit; both keys hold the submission id.
type SubmitResponse struct {
	JobID        string `json:"job_id"`
	SubmissionID string `json:"submission_id"`
}

// StopResponse answers a stop: false when the job had already ended.
type StopResponse struct {
	Stopped bool `json:"stopped"`
}

// DeleteResponse answers a delete.
type DeleteResponse struct {
	Deleted bool `json:"deleted"`
}

// LogsResponse answers GET logs.
type LogsResponse struct {
	Logs string `json:"logs"`
}

// Version answers GET /api/version: exactly these four keys.
type Version struct {
	Version     string `json:"version"`
	RayVersion  string `json:"ray_version"`
	RayCommit   string `json:"ray_commit"`
	SessionName string `json:"session_name"`
}
