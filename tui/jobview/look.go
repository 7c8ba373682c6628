package jobview

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/loglevel"
	"dray/tui/screen"
)

const getTimeout = 20 * time.Second

// gotMsg is what a look at the job has brought.
type gotMsg struct {
	job rayapi.Job
	err error
}

func (m Model) look() (screen.Screen, tea.Cmd) {
	if m.busy {
		return m, nil
	}
	m.busy = true
	return m, get(m.env, m.job.ID())
}

func get(env *screen.Env, id string) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, getTimeout)
		defer cancel()
		job, err := env.Jobs.Get(ctx, id)
		return gotMsg{job, err}
	}
}

// got keeps the old record when the new one could not be had, and says so. A
// failure that was not there before has a reason to be found.
func (m Model) got(msg gotMsg) (Model, tea.Cmd) {
	m.busy = false
	m.err = msg.err
	m.gone = errors.Is(msg.err, rayapi.ErrNotFound)
	if msg.err != nil {
		return m.laidOut(), nil
	}
	failed := m.job.Status != msg.job.Status && msg.job.Status == rayapi.StatusFailed
	m.job = msg.job
	if failed {
		return m.laidOut(), readAbout(m.env, m.job)
	}
	return m.laidOut(), nil
}

// about is what this machine knows of the job, which its server does not tell.
type about struct {
	entry  *ledger.Entry // the request; nil when another machine sent it
	parent *ledger.Entry // the request of which it is a rerun
	// lineage are the ids of which it is a rerun, the nearest first.
	lineage []string
	// before are the submissions of the same command from this machine, which
	// the server may have forgotten.
	before []ledger.Entry
	card   *loglevel.Card
}

type aboutMsg about

// maxTail is how much of the end of a log is searched for a traceback.
const maxTail = 256 << 10

// readAbout reads the ledger and, of a job that has failed, the end of the log.
func readAbout(env *screen.Env, job rayapi.Job) tea.Cmd {
	return func() tea.Msg {
		var a about
		a.entry = recorded(env, job.ID())
		if id := ledger.ParentOf(job, a.entry); id != "" {
			a.parent = recorded(env, id)
			a.lineage = ledger.Ancestors(job.ID(), func(of string) string {
				if of == job.ID() {
					return id
				}
				return env.Ledger.Parent(env.Target.LedgerKey, of)
			})
		}
		if env.Ledger != nil && job.Entrypoint != "" {
			// What cannot be read is left out: the server's own runs are there.
			a.before, _ = env.Ledger.SameEntrypoint(env.Target.LedgerKey, job.Entrypoint, maxHistory)
		}
		if job.Status == rayapi.StatusFailed {
			a.card = traceback(env, job)
		}
		return aboutMsg(a)
	}
}

func recorded(env *screen.Env, id string) *ledger.Entry {
	if env.Ledger == nil {
		return nil
	}
	e, err := env.Ledger.Get(env.Target.LedgerKey, id)
	if err != nil {
		return nil // not from here, or damaged: the page goes without
	}
	return &e
}

// traceback finds the most telling one in the end of the log, or else in the
// message, into which servers copy that end.
func traceback(env *screen.Env, job rayapi.Job) *loglevel.Card {
	if env.LogFile != nil {
		if card, ok := loglevel.Best(logEnd(env, job.ID())); ok {
			return &card
		}
	}
	if card, ok := loglevel.Best([]byte(job.MessageText())); ok {
		return &card
	}
	return nil
}

// logEnd reads the end of a local log; what cannot be read is empty.
func logEnd(env *screen.Env, id string) []byte {
	path, err := env.LogFile(env.Ctx, id)
	if err != nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxTail {
		if _, err := f.Seek(-maxTail, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxTail))
	if err != nil {
		return nil
	}
	return text
}

// supply is what the cluster has, asked for while the job waits.
type supply struct {
	busy  bool
	known []client.Resource
	asked int // the answer of the list after which it was asked for
}

type suppliedMsg struct {
	known []client.Resource
	err   error
}

// supplyEvery is after how many answers of the list the cluster is asked again.
const supplyEvery = 5

// askSupply asks for the cluster's resources while the job waits for some. Ray
// refreshes them every few seconds, and a head has better things to do.
func (m Model) askSupply() (Model, tea.Cmd) {
	due := m.supply.asked == 0 || m.list.Answer >= m.supply.asked+supplyEvery
	if m.job.Status != rayapi.StatusPending || m.supply.busy || !due || m.list.Link.Down() {
		return m, nil
	}
	m.supply.busy = true
	env := m.env
	return m, func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, getTimeout)
		defer cancel()
		known, err := env.Jobs.Resources(ctx)
		return suppliedMsg{known, err}
	}
}

func (m Model) supplied(msg suppliedMsg) Model {
	m.supply.busy, m.supply.asked = false, max(1, m.list.Answer)
	if msg.err == nil {
		m.supply.known = msg.known
	}
	return m.laidOut()
}
