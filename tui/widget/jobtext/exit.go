package jobtext

import (
	"fmt"
	"strconv"

	"dray/backend/rayapi"
)

// Shells report a command that a signal ended as 128 plus the signal.
const shellSignalBase = 128

// ExitShort is the exit code for a narrow column: "0", "137", the name of the
// signal that ended the job, "?" when nobody saw the end, "" when there is
// none.
func ExitShort(job *rayapi.Job) string {
	code := job.DriverExitCode
	switch {
	case code == nil && endUnseen(job):
		return "?"
	case code == nil:
		return ""
	case *code < 0:
		return signalName(-*code)
	default:
		return strconv.Itoa(*code)
	}
}

// Exit says how the job ended, or "" when it has not or there is nothing to
// say.
func Exit(job *rayapi.Job) string {
	code := job.DriverExitCode
	switch {
	case code == nil && endUnseen(job):
		return "not known: nobody saw the end of the process"
	case code == nil:
		return ""
	case *code < 0:
		return fmt.Sprintf("killed by signal %d (SIG%s)", -*code, signalName(-*code))
	case *code == 126:
		return "126 (the shell could not execute the command)"
	case *code == 127:
		return "127 (the shell did not find the command)"
	case *code > shellSignalBase && knownSignal(*code-shellSignalBase):
		return fmt.Sprintf("%d (a shell's word for signal %d, SIG%s)", *code, *code-shellSignalBase, signalName(*code-shellSignalBase))
	default:
		return strconv.Itoa(*code)
	}
}

func endUnseen(job *rayapi.Job) bool {
	return job.Status == rayapi.StatusFailed && job.ErrorTypeText() == rayapi.ErrSupervisorDied && !job.IsGhost()
}

func knownSignal(n int) bool { return signalName(n) != strconv.Itoa(n) }

// signalName names a signal of Linux, where jobs run, whatever system the
// dashboard is on.
func signalName(n int) string {
	switch n {
	case 1:
		return "HUP"
	case 2:
		return "INT"
	case 3:
		return "QUIT"
	case 4:
		return "ILL"
	case 5:
		return "TRAP"
	case 6:
		return "ABRT"
	case 7:
		return "BUS"
	case 8:
		return "FPE"
	case 9:
		return "KILL"
	case 10:
		return "USR1"
	case 11:
		return "SEGV"
	case 12:
		return "USR2"
	case 13:
		return "PIPE"
	case 14:
		return "ALRM"
	case 15:
		return "TERM"
	case 24:
		return "XCPU"
	case 25:
		return "XFSZ"
	}
	return strconv.Itoa(n)
}

// ErrorShort names a job's error type in a few words.
func ErrorShort(job *rayapi.Job) string {
	switch job.ErrorTypeText() {
	case "":
		return ""
	case rayapi.ErrRuntimeEnvSetup:
		return "env setup"
	case rayapi.ErrStartTimeout:
		return "start timeout"
	case rayapi.ErrStartFailure:
		return "not started"
	case rayapi.ErrUnschedulable:
		return "unschedulable"
	case rayapi.ErrSupervisorDied:
		return "lost"
	case rayapi.ErrEntrypointStart:
		return "start error"
	case rayapi.ErrEntrypointCommand:
		return "command"
	default:
		return "unknown"
	}
}
