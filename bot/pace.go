package bot

import (
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"
)

// pace says when the account may send its next part: a burst at once, then one
// per interval plus a random quarter of it. The jitter only ever adds, because
// the interval is what keeps WeChat from refusing us.
//
// It belongs to the outbox's goroutine.
type pace struct {
	limiter  *rate.Limiter
	interval time.Duration
	lag      time.Duration // all jitter so far; the limiter's clock runs behind by it
}

// newPace returns a pace without limits when interval is zero.
func newPace(interval time.Duration, burst int) *pace {
	p := &pace{}
	p.set(interval, burst)
	return p
}

func (p *pace) set(interval time.Duration, burst int) {
	p.interval, p.limiter = interval, nil
	if interval > 0 {
		p.limiter = rate.NewLimiter(rate.Every(interval), max(burst, 1))
	}
}

// take returns zero when a part may go out now, and counts it; else how long to
// wait before asking again.
func (p *pace) take(now time.Time) time.Duration {
	if p.limiter == nil {
		return 0
	}
	now = now.Add(-p.lag)
	if p.limiter.AllowN(now, 1) {
		p.lag += rand.N(p.interval/4 + 1)
		return 0
	}
	missing := 1 - p.limiter.TokensAt(now)
	return max(time.Duration(missing*float64(p.interval)), time.Millisecond)
}
