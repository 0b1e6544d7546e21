package ilink

import (
	"context"
	"time"
)

// courier says what was kept for people when they write again, and other things
// that nobody waits for. It is one goroutine, while Run runs.
type courier struct {
	*Channel
	woken  chan struct{}
	cooled chan string // people whose refused parts are to be tried again after a while
	offs   chan string // people who need not see any more that we type
}

func newCourier(c *Channel) *courier {
	return &courier{Channel: c, woken: make(chan struct{}, 1), cooled: make(chan string, 256), offs: make(chan string, 64)}
}

// wake says that somebody wrote.
func (c *courier) wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// later has a refused part tried once more after a while. Nothing is lost if there
// are too many: the person's next message has the same effect.
func (c *courier) later(user string) {
	select {
	case c.cooled <- user:
	default:
	}
}

// off takes the sign away that we type.
func (c *courier) off(user string) {
	select {
	case c.offs <- user:
	default:
	}
}

// cooling is somebody whose refused part is tried again at a time.
type cooling struct {
	user string
	at   time.Time
}

func (c *courier) run(ctx context.Context) {
	var queue []cooling // the first is the next
	var retry time.Time // zero: nothing failed
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case user := <-c.offs:
			c.stopTyping(ctx, user)
			continue
		case user := <-c.cooled:
			queue = append(queue, cooling{user, time.Now().Add(c.opt.pauses.cool)})
		case <-c.woken:
			retry = c.round(ctx)
		case <-timer.C:
			for len(queue) > 0 && !time.Now().Before(queue[0].at) {
				c.book.relent(queue[0].user)
				queue = queue[1:]
			}
			retry = c.round(ctx)
		}
		timer.Reset(untilNext(queue, retry))
	}
}

func untilNext(queue []cooling, retry time.Time) time.Duration {
	next := time.Now().Add(time.Hour)
	if len(queue) > 0 && queue[0].at.Before(next) {
		next = queue[0].at
	}
	if !retry.IsZero() && retry.Before(next) {
		next = retry
	}
	return time.Until(next)
}

// round says what may be said by now, and returns when to try again what failed.
func (c *courier) round(ctx context.Context) (retry time.Time) {
	k := c.link.Load()
	if k == nil {
		return time.Now().Add(c.opt.pauses.cool)
	}
	for _, user := range c.book.waiting() {
		done, err := c.book.turn(ctx, user)
		if err != nil {
			return retry
		}
		f := k.catchUp(ctx, user, false)
		done()
		if f != nil {
			c.log.Debug("kept replies not said yet", "error", f, "cause", cause(f))
			return time.Now().Add(c.opt.pauses.cool)
		}
	}
	return retry
}
