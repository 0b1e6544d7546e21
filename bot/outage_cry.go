package bot

import (
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Outage is running trouble with an AI source that admins are told of, for whoever
// tells of it elsewhere. It is told again while it lasts, twice a minute if urgent,
// and once when it is over; how often to pass it on is the listener's to decide.
type Outage struct {
	Entry, Provider, Ref string
	Since                time.Time
	Urgent               bool // somebody has to do something about it
	Over                 bool
	Words                func(locale string) string // what there is to say, without the entry's title
}

// cries returns copies of the outages that are to be told elsewhere now, and counts
// on it being done.
func (o *outages) cries(entry func(id string) *troubleshoot.Entry, now time.Time) (all []outage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range o.all {
		e := entry(x.entry)
		again := x.cried.IsZero() || e != nil && e.Notify == "immediate" && now.Sub(x.cried) >= tellEvery
		if x.worked.IsZero() && again && x.matters(e, now) {
			x.cried = now
			all = append(all, x.copy())
			x.kept = true
		}
	}
	sortOutages(all)
	return all
}

// matters reports whether admins have to know of an outage.
func (x *outage) matters(e *troubleshoot.Entry, now time.Time) bool {
	switch {
	case e == nil:
		return false
	case e.Notify == "digest":
		return now.Sub(x.since) >= lastingAfter && x.failures >= lastingTimes
	}
	return e.Notify == "immediate" || e.Notify == "once"
}

// cry tells of the outages outside the chats. That they are over is told also while
// admins want quiet, lest what heard of them waits for it.
func (d *dispatcher) cry(all []outage, over bool) {
	if d.o.Outage == nil {
		return
	}
	for _, x := range all {
		if m := d.markOf(&x, x.told); m != nil && !x.kept && !over {
			d.set(d.work, *m) // a later process is to tell that it is over
		}
		e := d.entryByID(x.entry)
		words := func(tag string) string { return d.running(tag, &x) }
		if over {
			words = func(tag string) string { return d.span(tag, &x) }
		}
		d.o.Outage(Outage{Entry: x.entry, Provider: x.provider, Ref: x.ref, Since: x.since,
			Urgent: e != nil && e.Notify == "immediate", Over: over, Words: words})
	}
}
