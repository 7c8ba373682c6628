package logstore

import (
	"errors"
	"sync"
	"time"

	"dray/backend/rayapi"
)

// askEvery is how often the server is asked whether the job has ended, and the
// longest time between two looks at the file.
const askEvery = time.Second

// runFile reads a log file of this machine by ranges, until the job has ended.
func (s *Session) runFile() {
	path, err := s.File(s.ctx, s.ID)
	if err != nil {
		s.tell(func(n *News) { n.Link, n.Err = Broken, err })
		<-s.ctx.Done()
		return
	}
	s.store.setPath(path)
	w := newWatcher(path)
	defer w.close()
	var counting sync.WaitGroup
	defer counting.Wait()
	idle := make(chan struct{}, 1) // holds a token while nobody counts
	idle <- struct{}{}
	asked := time.Time{}
	for first := true; s.ctx.Err() == nil; first = false {
		began := time.Now() //nolint:forbidigo // a duration is measured, which a fixed clock would stop
		// The job is asked before the file: what a log that was final then held,
		// the look that follows must see.
		// The first look asks nobody: the screen is to be there at once.
		end, why := Live, error(nil)
		if first {
			end = Opening
		} else if began.Sub(asked) >= askEvery {
			end, why = s.jobEnd()
			asked = began
		}
		if end == Broken { // the record is gone, and what it wrote with it
			s.tell(func(n *News) { n.Link, n.Err = end, why })
			break
		}
		if !s.grow(end, first) {
			break
		}
		select {
		case <-idle:
			counting.Go(func() {
				s.count()
				idle <- struct{}{}
			})
		default:
		}
		if end.Final() {
			break
		}
		if first {
			continue
		}
		w.wait(s.ctx, askEvery-time.Since(asked))
		if left := Frame - time.Since(began); left > 0 {
			s.sleep(left)
		}
	}
	<-s.ctx.Done()
}

// grow takes in what was appended to the file and tells of it. It reports false
// when the file cannot be read.
func (s *Session) grow(end Link, first bool) bool {
	g, err := s.store.Grow()
	if err != nil {
		s.tell(func(n *News) { n.Link, n.Err = Broken, err })
		return false
	}
	if g.New > 0 && !first {
		s.store.stampAt(s.store.Extent().Size-g.New, s.Now())
	}
	s.mu.Lock()
	same := g == Grown{} && s.news.Link == end
	s.mu.Unlock()
	if same {
		return true
	}
	s.tell(func(n *News) {
		n.Link, n.Err = end, nil
		if g.Anew {
			n.Gaps, n.Gap = n.Gaps+1, Gap{Anew: true, At: g.Cut}
		}
	})
	return true
}

// count counts lines until all are counted.
func (s *Session) count() {
	for s.ctx.Err() == nil && !s.store.Extent().Exact() {
		// A log that was cut meanwhile is counted anew; any other error shows
		// when the log is read.
		if err := s.store.Count(s.ctx, s.Poke); err != nil && !errors.Is(err, ErrCut) {
			return
		}
	}
}

// jobEnd asks whether the job has ended. A server that does not answer says
// nothing about that.
func (s *Session) jobEnd() (Link, error) {
	job, err := s.Jobs.Get(s.ctx, s.ID)
	switch {
	case errors.Is(err, rayapi.ErrNotFound):
		return Broken, err
	case err == nil && job.Status.IsTerminal():
		return Complete, nil
	}
	return Live, nil
}

// setPath says which file to read.
func (s *Store) setPath(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.path = path
}
