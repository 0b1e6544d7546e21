package bot

import (
	"errors"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// settle decides, after a part was sent or was not, what becomes of it, of its
// reply and of the account.
func (o *outbox) settle(res sendResult) {
	l := res.lane
	r := l.queue[0]
	r.gone, r.noted = false, res.noted
	if errors.Is(res.err, ErrNotOwner) {
		return
	}
	v := judge(res.err)
	if v != delivered {
		o.note(r, v, res)
	}
	switch v {
	case delivered:
		o.resume(res.started)
		r.next()
	case unsure:
		o.repeat(r, res.started)
	case refused:
		r.sent = len(r.parts)
	case again:
		o.retry(r, res.started)
	case throttled:
		o.pause(res.started, o.backoff.throttledFirst, o.backoff.throttledMost)
	case offline:
		o.wait(r, res.started)
	}
	o.next(l)
}

// next moves a lane on: a finished reply leaves it, an empty lane goes.
func (o *outbox) next(l *lane) {
	r := l.queue[0]
	id := r.chat.ID
	for r != nil && (r.sent >= len(r.parts) || o.expired(r)) {
		o.conclude(r)
		l.queue[0], l.queue = nil, l.queue[1:]
		r = nil
		if len(l.queue) > 0 {
			r = l.queue[0]
		}
	}
	if r == nil {
		delete(o.lanes, id)
		return
	}
	o.ready = append(o.ready, l)
}

// expired reports whether the channel would refuse r by now.
func (o *outbox) expired(r *reply) bool {
	why := ""
	switch {
	case !r.until.IsZero() && time.Now().After(r.until):
		why = "window closed"
	case r.login != *o.relay.login.Load():
		why = "logged in anew"
	default:
		return false
	}
	o.log.Warn("reply dropped", "chat", o.hash(r.chat.ID), "why", why, "parts", len(r.parts)-r.sent)
	r.sent = len(r.parts)
	return true
}

// next moves r on to its next part.
func (r *reply) next() { r.sent, r.tries, r.unsure = r.sent+1, 0, false }

// repeat sends a part that may have arrived once more: to read it twice is less
// bad than not at all.
func (o *outbox) repeat(r *reply, started time.Time) {
	if r.unsure {
		r.next()
		return
	}
	r.unsure = true
	o.pause(started, o.backoff.offlineFirst, o.backoff.offlineMost)
}

// retry gives a refused part a few more chances, a little later each time.
func (o *outbox) retry(r *reply, started time.Time) {
	if r.tries++; r.tries >= maxTries {
		r.sent = len(r.parts)
		return
	}
	o.pause(started, o.backoff.offlineFirst, o.backoff.offlineMost)
}

// wait keeps replies until the network or the login is back, unless the login is
// gone for good; those whose readers have given up waiting are dropped.
func (o *outbox) wait(r *reply, started time.Time) {
	select {
	case <-o.lost:
		r.sent, r.noted = len(r.parts), o.relay.durable // the next login may reach its chat
		return
	default:
	}
	o.drop(r)
	for _, l := range o.ready {
		for _, r := range l.queue {
			o.drop(r)
		}
	}
	o.pause(started, o.backoff.offlineFirst, o.backoff.offlineMost)
}

// drop gives r up if it has waited too long.
func (o *outbox) drop(r *reply) {
	if !o.relay.traits.StableIDs && time.Since(r.since) > maxOffline {
		o.log.Warn("reply dropped", "chat", o.hash(r.chat.ID), "why", "offline", "parts", len(r.parts)-r.sent)
		r.sent = len(r.parts)
	}
}

// resume ends the series of pauses, once a part got through that was sent after
// the last of them.
func (o *outbox) resume(started time.Time) {
	if !started.Before(o.pausedUntil) {
		o.pauses = 0
	}
}

// pause stops the whole account, longer each time in a row. Parts that were on
// their way when the pause began say nothing new.
func (o *outbox) pause(started time.Time, first, most time.Duration) {
	if started.Before(o.pausedUntil) {
		return
	}
	d := first << min(o.pauses, 20)
	if d > most || d <= 0 {
		d = most
	}
	o.pauses++
	o.pausedUntil = time.Now().Add(d)
	o.log.Warn("sending paused", "for", d, "pauses", o.pauses)
}

// note logs a failed send: never what it said.
func (o *outbox) note(r *reply, v verdict, res sendResult) {
	o.log.Warn("send failed", "chat", o.hash(r.chat.ID), "part", r.sent+1, "parts", len(r.parts),
		"verdict", v.String(), "fault", troubleshoot.FaultOf(res.err), "took", res.took)
}

// String names a verdict in logs.
func (v verdict) String() string {
	return [...]string{"delivered", "unsure", "refused", "again", "throttled", "offline"}[v]
}
