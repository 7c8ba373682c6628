package logview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

const (
	// frame is the least time between two messages about new lines.
	frame = time.Second / 30
	// maxAhead is how much log may be taken in before the screen has heard of
	// it. Then nothing is read any more: a terminal that stands still stops the
	// stream, and the server with it.
	maxAhead = 16 << 20
	// The pauses between attempts double from the first to the longest.
	firstRetry, longestRetry = time.Second, 8 * time.Second
)

// link is how the log and the server are joined.
type link int

const (
	linkOpening     link = iota
	linkLive             // open, or taken for open
	linkRetry            // lost; tried again after a pause
	linkComplete         // ended, and all of it is here
	linkUnconfirmed      // ended, and perhaps not all of it is here
	linkBroken           // no log to be had
)

// final reports that nothing more will come.
func (l link) final() bool { return l >= linkComplete }

// news is what the event loop learns about the log.
type news struct {
	lines, size int64
	link        link
	err         error         // of the last attempt, or of the end
	pause       time.Duration // before the next attempt
	gaps        int           // places where bytes are missing
	gapLine     int64         // the line after the newest such place
}

// session reads one log into a store and reports progress. It ends with its
// context; stop ends that. Its three parts run as commands of Bubble Tea: run
// once, next one after the other.
type session struct {
	ctx  context.Context // ends with the program or by stop
	stop context.CancelFunc
	jobs screen.Jobs
	id   string

	store store
	wake  chan struct{} // something is new
	taken chan struct{} // the event loop has heard of it
	gate  *time.Timer   // open when a message may go out

	mu     sync.Mutex
	news   news
	told   int64 // the size at the last message
	offset int64 // in the server's log
	stream screen.LogStream
}

// newSession starts nothing.
func newSession(ctx context.Context, jobs screen.Jobs, id string) *session {
	ctx, cancel := context.WithCancel(ctx)
	return &session{
		ctx: ctx, stop: cancel, jobs: jobs, id: id,
		wake: make(chan struct{}, 1), taken: make(chan struct{}, 1),
		gate: time.NewTimer(0),
	}
}

// newsMsg tells of progress.
type newsMsg struct {
	s *session
	news
}

// run reads the log until the session ends, and frees the store then. It is a
// command and returns no message.
func (s *session) run() tea.Msg {
	defer s.gate.Stop()
	pause := firstRetry
	for s.ctx.Err() == nil {
		before := s.offset
		err := s.read()
		if s.offset > before {
			pause = firstRetry
		}
		end := ended(err)
		if s.ctx.Err() != nil {
			break
		}
		s.tell(func(n *news) { n.link, n.err, n.pause = end, err, pause })
		if end.final() {
			<-s.ctx.Done()
			break
		}
		timer := time.NewTimer(pause)
		select {
		case <-s.ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, longestRetry)
	}
	_ = s.store.close() // nothing in it is needed any more
	return nil
}

// ended says what the end of a stream means.
func ended(err error) link {
	var refused *client.Error
	switch {
	case errors.Is(err, io.EOF):
		return linkComplete
	case errors.Is(err, client.ErrTailUnconfirmed):
		return linkUnconfirmed
	case errors.Is(err, rayapi.ErrNotFound), errors.Is(err, client.ErrUnauthorized), errors.Is(err, client.ErrNotRay), errors.Is(err, errStore):
		return linkBroken
	case errors.As(err, &refused) && refused.Code >= 400 && refused.Code < 500:
		return linkBroken
	}
	return linkRetry
}

// errStore marks an error of the store, which no new attempt mends.
var errStore = errors.New("no room for more of the log")

// read follows the log once, from where the last attempt ended.
func (s *session) read() error {
	stream, err := s.jobs.Follow(s.ctx, s.id, s.offset)
	if err != nil {
		return err
	}
	s.setStream(stream)
	defer func() {
		s.setStream(nil)
		_ = stream.Close() // it has ended or is given up; its end is known
	}()
	s.tell(func(n *news) { n.link, n.err = linkLive, nil })
	for {
		chunk, err := stream.Next(s.ctx)
		if err != nil {
			return err
		}
		if err := s.take(chunk); err != nil {
			return err
		}
	}
}

func (s *session) setStream(stream screen.LogStream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = stream
}

// take keeps a chunk, tells of it, and waits if too much is untold.
func (s *session) take(c client.Chunk) error {
	if c.Gap && !s.store.endsLine() {
		if err := s.store.append([]byte{'\n'}); err != nil {
			return fmt.Errorf("%w: %w; free some and open the log again", errStore, err)
		}
	}
	line, _ := s.store.extent()
	if err := s.store.append([]byte(c.Data)); err != nil {
		return fmt.Errorf("%w: %w; free some and open the log again", errStore, err)
	}
	s.offset = c.Offset + int64(len(c.Data))
	s.tell(func(n *news) {
		n.link = linkLive
		if c.Gap {
			n.gaps++
			n.gapLine = line
		}
	})
	for s.ahead() > maxAhead {
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-s.taken:
		}
	}
	return nil
}

func (s *session) ahead() int64 {
	_, size := s.store.extent()
	s.mu.Lock()
	defer s.mu.Unlock()
	return size - s.told
}

// tell changes the news and wakes next.
func (s *session) tell(change func(*news)) {
	s.mu.Lock()
	change(&s.news)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // awake already
	}
}

// next waits until something is new and returns it as a newsMsg: the first at
// once, then at most one per frame, each with all that has come meanwhile. It
// is a command; the next one is started when its message has arrived.
func (s *session) next() tea.Msg {
	select {
	case <-s.ctx.Done():
		return nil
	case <-s.wake:
	}
	select {
	case <-s.ctx.Done():
		return nil
	case <-s.gate.C:
	}
	s.gate.Reset(frame)
	return newsMsg{s, s.latest()}
}

// conn asks the open stream how its connection is; without one, or when it
// cannot tell, it says live.
func (s *session) conn() client.State {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	if f, ok := stream.(interface{ State() client.State }); ok {
		return f.State()
	}
	return client.State{Phase: client.Live}
}

// poke makes next return although the log has nothing new.
func (s *session) poke() { s.tell(func(*news) {}) }

// latest returns the news, and lets the reader go on.
func (s *session) latest() news {
	lines, size := s.store.extent()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = size
	s.news.lines, s.news.size = lines, size
	select {
	case s.taken <- struct{}{}:
	default: // nobody waits
	}
	return s.news
}
