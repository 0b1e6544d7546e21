package llm

import (
	"errors"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// cooling is why, and until when, a key, a model or a provider is not asked.
// The zero value is none. It is guarded by its provider's lock.
type cooling struct {
	until   time.Time
	entry   string
	fault   *troubleshoot.Fault
	scope   scope
	trial   bool // when it ends one request tries; see remedy
	trying  bool // that request is under way
	strikes int  // trials in a row that found it no better
}

func (c *cooling) active(now time.Time) bool { return c.trying || now.Before(c.until) }

// enter notes a request that goes once the cooling is over, and reports whether
// it is the one that tries.
func (c *cooling) enter() bool {
	c.trying = c.trial
	return c.trying
}

// start begins a cooling, or prolongs it. A request that began before the
// present one is no trial of it.
func (c *cooling) start(m remedy, entry string, f *troubleshoot.Fault, tried bool, now time.Time) {
	until := now.Add(m.For)
	switch {
	case tried:
		c.strikes++
	case c.active(now) && until.Before(c.until):
		return
	}
	trying := c.trying && !tried
	*c = cooling{until: until, entry: entry, fault: f, scope: m.Cool, trial: m.Trial, trying: trying, strikes: c.strikes}
}

// end forgets what an answer has disproved; one whose request began before the
// cooling disproves nothing.
func (c *cooling) end(tried bool, now time.Time) {
	if tried || !c.active(now) {
		*c = cooling{}
	}
}

// standing is the fault of a prompt that may not even be tried: the one that
// began the cooling, with the time until it ends.
func (c cooling) standing(now time.Time) *troubleshoot.Fault {
	if c.fault == nil { // it has just ended
		return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: entryTimeout, RetryAfter: leastStanding, Cause: errStanding}
	}
	f := *c.fault
	f.Entry, f.Cause = c.entry, errStanding
	f.RetryAfter = max(c.until.Sub(now), leastStanding)
	return &f
}

// leastStanding is told while one request tries whether a cooling is over.
const leastStanding = time.Second

var errStanding = errors.New("not asked: it failed shortly before")
