package llm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Complete answers a prompt: it asks the providers, keys and models in order of
// preference, cures what it can, and asks again, with at most MaxAttempts
// requests and within ctx's deadline (2 minutes if it has none). What is known
// to be down or limited is left out from the beginning.
//
// The error is always a *troubleshoot.Fault: the last one met, or, when nothing
// may be asked at present, the one that keeps out what recovers first, with the
// time until then as RetryAfter. The completion holds the attempts in any case.
// Possible entries set here are empty-answer, invalid-response,
// stream-interrupted, gpt-400-unsupported-feature, gpt-404-model-not-found,
// picture-not-supported, picture-not-readable and unknown-error; all else is left
// to Diagnose. When ctx was cancelled,
// errors.Is(err, context.Canceled) holds and no entry is set: the caller knows
// why and may stay silent. When ctx ran out of time, errors.Is(err,
// context.DeadlineExceeded) holds and the phase is "total".
func (c *Client) Complete(ctx context.Context, prompt Prompt) (Completion, error) {
	began := time.Now()
	c.retries.request(began)
	q := quest{c: c, all: c.providers(), prompt: prompt, end: began.Add(defaultDeadline)}
	if end, ok := ctx.Deadline(); ok {
		q.end = end
	}
	if pictured(prompt.Messages) {
		if fault := q.behold(began); fault != nil {
			return Completion{}, fault
		}
	}
	done, fault := q.run(ctx)
	done.Attempts, done.Unseen = q.attempts, q.unseenOlder
	if fault != nil {
		return done, fault
	}
	return done, nil
}

// defaultDeadline is for callers without one.
const defaultDeadline = 2 * time.Minute

// quest is one prompt on its way to an answer.
type quest struct {
	c      *Client
	all    []*provider // as they were when it began
	prompt Prompt
	end    time.Time // the deadline

	route    route
	stay     bool // the next attempt goes the same way
	shuns    shuns
	again    int // how often the same was asked again, unchanged
	trims    int
	waits    int   // for a way to open before the first attempt
	stale    bool  // a dead connection has been excused
	shape    shape // how the model is asked
	repaired bool  // shape is not yet known to work
	failed   shuns // providers whose breakers have heard of this quest
	attempts []Attempt

	gallery     gallery // the pictures that are asked with
	unseenOlder int     // pictures of older turns that are not
	blinks      int     // attempts that were refused because of pictures

	best  Completion // the longest answer that broke off
	fault *troubleshoot.Fault
	plain bool // fault is one that the person can do something about
}

// run is the loop around all attempts.
func (q *quest) run(ctx context.Context) (Completion, *troubleshoot.Fault) {
	for q.advance(ctx) {
		out := q.try(ctx)
		if out.fault == nil {
			return out.Completion, nil
		}
		m := q.judge(ctx, out)
		if m.Action == ActionStop || !sleep(ctx, m.Wait) {
			break
		}
	}
	return q.conclude(ctx)
}

// advance finds the way for the next attempt; false if there is none. Before
// the first attempt it waits, if that is all it takes.
func (q *quest) advance(ctx context.Context) bool {
	for ctx.Err() == nil {
		now := time.Now()
		if q.stay && q.route.p.reenter(&q.route, now) || q.enter(now) {
			return true
		}
		if q.helpsToHide(now) {
			q.hideOlder()
			continue
		}
		if len(q.attempts) > 0 {
			return false
		}
		if q.resort(now) {
			return true
		}
		c := recovery(q.all, q.shuns, now)
		wait := q.pad(c.until.Sub(now), now)
		gap := q.c.pauses.LastResort
		if c.trial && gap > 0 {
			wait = min(wait, gap)
		}
		if c.trial && gap < 0 || q.waits == mostWaits || wait > min(q.c.pauses.Short, q.left(now)) {
			q.fault = c.standing(now)
			return false
		}
		q.waits++
		sleep(ctx, wait)
	}
	return false
}

const (
	mostWaits = 2
	mostTrims = 2
)

// enter takes the best way that is open.
func (q *quest) enter(now time.Time) bool {
	for _, p := range q.all {
		if r, ok := p.enter(q.shuns, now); ok {
			q.route, q.again, q.stale, q.repaired = r, 0, false, false
			q.shape = p.shapeOf(r)
			return true
		}
	}
	return false
}

// resort takes a way that is closed when none is open; see provider.resort.
func (q *quest) resort(now time.Time) bool {
	for _, p := range q.all {
		if r, ok := p.resort(q.shuns, q.c.pauses.LastResort, now); ok {
			q.route, q.shape = r, p.shapeOf(r)
			return true
		}
	}
	return false
}

// left is the time that may be spent waiting: an answer must fit in as well.
func (q *quest) left(now time.Time) time.Duration {
	rest := q.end.Sub(now)
	return rest - min(rest/4, mostRoom)
}

const mostRoom = 5 * time.Second

// pad adds to a wait, so that those who wait together do not come back
// together. It never takes anything away.
func (q *quest) pad(wait time.Duration, now time.Time) time.Duration {
	if wait <= 0 {
		return 0
	}
	room := min(wait/4, mostPad, q.left(now)-wait)
	return wait + leastPad + time.Duration(rand.Int64N(int64(max(room, 0))+1))
}

const (
	leastPad = time.Millisecond // clocks differ in their last digits
	mostPad  = 2 * time.Second
)

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// conclude ends without a whole answer: with what came of one, or the fault
// that tells most.
func (q *quest) conclude(ctx context.Context) (Completion, *troubleshoot.Fault) {
	canceled := errors.Is(ctx.Err(), context.Canceled)
	switch {
	case canceled && (q.fault == nil || !errors.Is(q.fault, context.Canceled)):
		return Completion{}, &troubleshoot.Fault{Source: troubleshoot.SourceAPI, Phase: troubleshoot.PhaseTotal, Cause: canceledBy(ctx)}
	case !canceled && q.best.Text != "":
		q.best.Partial, q.best.FinishReason = true, ""
		return q.best, nil
	case q.fault == nil:
		return Completion{}, &troubleshoot.Fault{
			Source: q.all[0].options.Source, Net: troubleshoot.NetTimeout, Phase: troubleshoot.PhaseTotal,
			Cause: fmt.Errorf("the message's deadline: %w", context.DeadlineExceeded),
		}
	}
	return Completion{}, q.fault
}
