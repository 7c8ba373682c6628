//go:build linux

package jobs

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"dray/backend/jobdir"
	"dray/backend/logfile"
	"dray/backend/rayapi"
	"dray/backend/runner"
	"dray/backend/store"
)

// ending is how a job ended.
type ending struct {
	phase     store.Phase
	errorType string
	message   string
	exit      *int
	at        int64 // ms; 0: now
	started   bool  // it had a supervisor, and an entrypoint
	noted     bool  // its folder knows about the end
	final     bool  // another attempt would end in the same way
	next      int   // the number of the attempt that follows; 0: none
	logFlaw   string
}

func stoppedBeforeStart() *ending {
	return &ending{phase: store.Stopped, message: rayapi.MessageStopped}
}

// unstarted is the failure of a job that never had a supervisor.
func unstarted(errorType, message string) *ending {
	return &ending{phase: store.Failed, errorType: errorType, message: message}
}

func startFailure(id, reason string) *ending {
	return unstarted(rayapi.ErrStartFailure, rayapi.MessageStartFailure(id, reason))
}

// setupFailure is the failure to build an environment.
func (m *Manager) setupFailure(j *job, err error) *ending {
	m.cfg.Log.Info("the runtime environment could not be built", "job", j.id, "err", err)
	return unstarted(rayapi.ErrRuntimeEnvSetup, rayapi.MessageEnvFailure(err.Error()))
}

// lost is the failure of a job of which nobody knows how it ended.
func lost(detail string) *ending {
	return &ending{
		phase: store.Failed, errorType: rayapi.ErrSupervisorDied,
		message: rayapi.MessageSupervisorDied(detail), started: true, noted: true,
	}
}

// verdict says how a process that is over ended its job.
func (m *Manager) verdict(j *job, st State) *ending {
	e := verdict(j.dir, st, m.asksOf(j))
	if st.LogIncomplete != "" {
		e.logFlaw = st.LogIncomplete
	} else {
		e.logFlaw = st.Slot.LogIncomplete
	}
	if e.logFlaw != "" {
		e.message += " The log may be incomplete: " + e.logFlaw + "."
	}
	return e
}

func (m *Manager) asksOf(j *job) asks {
	m.mu.Lock()
	defer m.mu.Unlock()
	return asks{stop: j.stopAsked, deadline: j.wishes.deadline, passed: j.passed}
}

// verdict tells from what is on disk how the job in d ended, and how many
// processes outlived its entrypoint.
func verdict(d jobdir.Dir, st State, a asks) *ending {
	e := endingOf(d, st, a)
	if n := st.Slot.Leftovers; n > 0 && e.started {
		e.message = strings.TrimSuffix(e.message, "\n") + fmt.Sprintf("\nProcesses left behind by the entrypoint: %d.", n)
	}
	if st.Slot.OOMKilled && e.phase == store.Failed {
		e.message = strings.TrimSuffix(e.message, "\n") + "\nThe kernel killed a process of the job: it used more memory than entrypoint_memory asked for."
	}
	return e
}

func endingOf(d jobdir.Dir, st State, a asks) *ending {
	exit := st.Slot.Exit
	switch {
	case a.overdue(st.Slot):
		return deadlineEnding(st.Slot, a.deadline)
	case wasStopped(st.Slot, a.stop):
		e := &ending{phase: store.Stopped, message: rayapi.MessageStopped, started: st.Slot.Leader != nil, noted: true}
		if exit != nil { // the entrypoint's end; what it started may have ignored the signal for longer
			e.at = max(exit.At, d.SlotTime().UnixMilli())
		}
		return e
	case exit != nil:
		return exitEnding(d, *exit)
	case st.Over == runner.OverFailed:
		e := unstarted(st.Slot.ErrorType, st.Slot.StartError)
		if e.errorType == "" {
			e.errorType = rayapi.ErrEntrypointStart
		}
		e.noted = true
		return e
	case st.Over == runner.OverReboot:
		return lost("exit code unknown: the machine was restarted while the job ran")
	}
	if st.Detail == "" {
		return lost("exit code unknown: the job's supervisor was lost")
	}
	return lost("exit code unknown: " + st.Detail)
}

// wasStopped tells a stop from a natural end that came before it. A supervisor
// that has seen the stop decides; without one (it may have been killed) the
// times do.
func wasStopped(s jobdir.Slot, asked int64) bool {
	if s.StopSeen {
		return true
	}
	return asked > 0 && (s.Exit == nil || s.Exit.At >= asked)
}

func exitEnding(d jobdir.Dir, exit jobdir.Exit) *ending {
	code := exit.Code
	e := &ending{
		phase: store.Succeeded, message: rayapi.MessageSucceeded, exit: &code, at: exit.At, started: true, noted: true,
	}
	if code != 0 {
		tail, err := logfile.Tail(d.Log(), rayapi.TailLines, rayapi.TailChars)
		if err != nil {
			tail = "" // the message then says that there is no log
		}
		e.phase, e.errorType, e.message = store.Failed, rayapi.ErrEntrypointCommand, rayapi.MessageFailed(code, tail)
	}
	return e
}

// finish records how a job ended, frees what it held, and tells everybody.
func (m *Manager) finish(j *job, e *ending) {
	if !e.noted {
		m.leaveMark(j, e)
	}
	m.mu.Lock()
	m.planRetry(j, e)
	m.change(j, e.phase, func(d *rayapi.Job) { m.applyEnding(d, e) })
	j.logFlaw = e.logFlaw
	m.free(j)
	m.mu.Unlock()
	j.wakers.wake()
	if err := m.cfg.Envs.Release(j.dir.Work()); err != nil {
		m.cfg.Log.Warn("release a job's environment", "job", j.id, "err", err) // the next start does it
	}
	if m.followUp(j, e) != nil {
		return // the next backend finds the end again
	}
	if err := m.save(j); err != nil {
		m.saveLater(j, err)
		return
	}
	m.retire(j)
}

// applyEnding writes an ending into a record.
func (m *Manager) applyEnding(d *rayapi.Job, e *ending) {
	d.Status = statusOf(e.phase)
	message, at := e.message, e.at
	if at == 0 {
		at = m.cfg.Now().UnixMilli()
	}
	at = max(at, *d.StartTime) // the clock may have been set back
	d.Message, d.EndTime, d.DriverExitCode, d.ErrorType = &message, &at, e.exit, nil
	if e.errorType != "" {
		errorType := e.errorType
		d.ErrorType = &errorType
	}
	if e.started {
		m.markStarted(d)
	}
}

// leaveMark writes the end of a job that no supervisor has written: into its
// slot, so that the end is known even if the database is lost, and into its
// log, where a user looks for the cause.
func (m *Manager) leaveMark(j *job, e *ending) {
	slot := jobdir.Slot{Phase: jobdir.PhaseSealed, StopSeen: true}
	if e.phase == store.Failed {
		slot = jobdir.Slot{Phase: jobdir.PhaseFailed, StartError: e.message, ErrorType: e.errorType}
	}
	err := writeSlot(j.dir, slot)
	if e.phase == store.Failed {
		err = errors.Join(err, appendLog(j.dir, e.message))
	}
	if err != nil {
		m.cfg.Log.Warn("note a job's end in its folder", "job", j.id, "err", err)
	}
}

func writeSlot(d jobdir.Dir, slot jobdir.Slot) error {
	w, err := d.OpenSlot()
	if err != nil {
		return err
	}
	return errors.Join(w.Write(slot), w.Close())
}

func appendLog(d jobdir.Dir, message string) error {
	f, err := os.OpenFile(d.Log(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("open the job's log: %w", err)
	}
	_, err = f.WriteString(strings.TrimSuffix(message, "\n") + "\n")
	return errors.Join(err, f.Close())
}
