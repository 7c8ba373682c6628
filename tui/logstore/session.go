package logstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

const (
	// Frame is the least time between two pieces of news.
	Frame = time.Second / 30
	// maxAhead is how much log may be taken in before the screen has heard of
	// it. Then nothing is read any more: a terminal that stands still stops the
	// stream, and the server with it.
	maxAhead = 16 << 20
	// The pauses between attempts double from the first to the longest.
	firstRetry, longestRetry = time.Second, 8 * time.Second
)

// Link is how the log and the server are joined.
type Link int

// The states of a session.
const (
	Opening     Link = iota
	Live             // open, or taken for open
	Retry            // lost; tried again after a pause
	Complete         // ended, and all of it is here
	Unconfirmed      // ended, and perhaps not all of it is here
	Broken           // no log to be had
)

// Final reports that nothing more will come.
func (l Link) Final() bool { return l >= Complete }

// Gap is a place where bytes are missing.
type Gap struct {
	Off  int64 // what is in the store from here on does not follow what is before
	Line int64 // the number of the line there, from 0, or -1 when it is not known
	// Anew says that the log began again, at byte At: it was truncated or
	// replaced. Otherwise the server lost what was before At.
	Anew bool
	At   int64
}

// News is what there is to know about the log.
type News struct {
	Extent
	Link  Link
	Err   error         // of the last attempt, or of the end
	Pause time.Duration // before the next attempt
	Gaps  int
	Gap   Gap // the newest
	// Checking says that the log was kept from an earlier time, and is being
	// compared with the server's from its beginning.
	Checking bool
}

// Jobs is the part of the server that a session needs.
type Jobs interface {
	Follow(ctx context.Context, id string, from int64) (screen.LogStream, error)
	Get(ctx context.Context, id string) (rayapi.Job, error)
}

// Options say which log to read and how.
type Options struct {
	Jobs Jobs
	ID   string
	// File returns the path of the log when it is a file of this machine, which
	// is then read by ranges. Nil: it comes from the server.
	File func(ctx context.Context, id string) (string, error)
	// CacheDir is where logs from servers are kept, or "". Server names the
	// server among others.
	CacheDir, Server string
	Now              func() time.Time
}

// Session reads one log into its store and reports progress. It ends with its
// context, or by Stop. Run is called once, Next again and again.
type Session struct {
	Options
	ctx   context.Context //nolint:containedctx // a session lives as long as it
	stop  context.CancelFunc
	store *Store

	wake  chan struct{} // something is new
	taken chan struct{} // the event loop has heard of it
	gate  *time.Timer   // open when news may go out

	// What follows belongs to Run.
	offset int64 // in the server's log
	kept   int64 // bytes of an earlier time that are not compared yet end here
	quiet  bool  // the stream has paused: what comes now is new

	mu     sync.Mutex
	news   News
	told   int64 // the size at the last news
	stream screen.LogStream
}

// New returns a session that has not started.
func New(ctx context.Context, o Options) *Session {
	ctx, cancel := context.WithCancel(ctx)
	s := &Session{
		Options: o, ctx: ctx, stop: cancel, store: NewSpill(),
		wake: make(chan struct{}, 1), taken: make(chan struct{}, 1),
		gate: time.NewTimer(0),
	}
	if s.Now == nil {
		s.Now = time.Now //nolint:forbidigo // the clock of who gives none
	}
	if o.File != nil {
		s.store = OpenFile("")
	}
	return s
}

// Store holds the log. It is closed when Run returns.
func (s *Session) Store() *Store { return s.store }

// Context ends when the session is stopped.
func (s *Session) Context() context.Context { return s.ctx }

// Stop ends the session. It does not wait.
func (s *Session) Stop() { s.stop() }

// Run reads the log until the session is stopped, and frees the store then.
func (s *Session) Run() {
	defer s.gate.Stop()
	defer s.stop()
	if s.File != nil {
		s.runFile()
	} else {
		s.runStream()
	}
	_ = s.store.Close() // nothing in it is needed any more
}

// tell changes the news and wakes Next.
func (s *Session) tell(change func(*News)) {
	s.mu.Lock()
	change(&s.news)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // awake already
	}
}

// Poke makes Next return although the log has nothing new.
func (s *Session) Poke() { s.tell(func(*News) {}) }

// Next waits until something is new and returns all that is known: the first
// time at once, then at most once per Frame. It reports false when the session
// was stopped.
func (s *Session) Next() (News, bool) {
	select {
	case <-s.ctx.Done():
		return News{}, false
	case <-s.wake:
	}
	select {
	case <-s.ctx.Done():
		return News{}, false
	case <-s.gate.C:
	}
	n := s.Latest()
	if n.Link == Opening && n.Size == 0 { // only a Poke: the first screen shall not wait for it
		s.gate.Reset(0)
	} else {
		s.gate.Reset(Frame)
	}
	return n, true
}

// Latest returns the news, and lets the reader go on.
func (s *Session) Latest() News {
	e := s.store.Extent()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = e.Size
	s.news.Extent = e
	select {
	case s.taken <- struct{}{}:
	default: // nobody waits
	}
	return s.news
}

// Conn asks the open stream how its connection is; without one, or when it
// cannot tell, it says live.
func (s *Session) Conn() client.State {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	if f, ok := stream.(interface{ State() client.State }); ok {
		return f.State()
	}
	return client.State{Phase: client.Live}
}

// sleep waits, or until the session is stopped.
func (s *Session) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
	case <-timer.C:
	}
}

// ErrNoRoom marks an error of keeping the log, which no new attempt mends.
var ErrNoRoom = errors.New("no room for more of the log")
