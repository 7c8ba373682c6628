package paint

import "time"

const (
	// frame is the least time between two frames that nobody waits for.
	frame = time.Second / 60
	// soon is the least time between the echo of a key and what comes of it.
	soon = frame / 4
	// backlog is how much output, in time at the rate, may be under way when
	// a frame is sent that somebody waits for.
	backlog = 100 * time.Millisecond
)

// now is for measuring, not for showing.
func now() time.Time { return time.Now() } //nolint:forbidigo // see above

// pace spreads the frames so that they do not queue up in the link.
type pace struct {
	rate   int       // bytes a second
	clear  time.Time // when all that was written has left, at this rate
	urgent bool      // the last pause was cut short
	asked  bool      // the frame shows what a key did; what comes of that follows
}

// pause returns how long to wait after a frame of n bytes, written from start
// to end, and how much of it not even a key may cut.
func (p *pace) pause(start, end time.Time, n int) (rest, least time.Duration) {
	if p.clear.Before(start) {
		p.clear = start
	}
	p.clear = p.clear.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
	queued := p.clear.Sub(end)
	if p.urgent {
		least = frame
	}
	least = max(least, queued-backlog)
	rest = frame
	if p.asked {
		rest = soon
	}
	return max(rest, least, queued, end.Sub(start)), least
}

// wait pauses, and returns false if stop is closed meanwhile.
func (p *pace) wait(start, end time.Time, n int, urgent, stop <-chan struct{}) bool {
	rest, least := p.pause(start, end, n)
	p.urgent = false
	timer := time.NewTimer(least)
	defer timer.Stop()
	select {
	case <-stop:
		return false
	case <-timer.C:
	}
	timer.Reset(rest - least)
	select {
	case <-stop:
		return false
	case <-urgent:
		p.urgent = true
	case <-timer.C:
	}
	return true
}
