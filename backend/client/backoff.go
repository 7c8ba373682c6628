package client

import (
	"math/rand/v2"
	"time"
)

// backoff says how long to wait before one more try: twice as long each time,
// with jitter, so that many followers do not come back at once.
type backoff struct{ first, most time.Duration }

// after returns the pause after the given number of failures in a row.
func (b backoff) after(failures int) time.Duration {
	d := b.most
	if shift := failures - 1; shift < 16 {
		d = min(b.most, b.first<<max(shift, 0))
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
