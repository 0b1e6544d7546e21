package llm

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// try makes one attempt on the way that was found.
func (q *quest) try(ctx context.Context) outcome {
	r, over := q.route, false
	defer func() {
		if !over { // a panic must not keep what only one request at a time may try
			r.p.release(r)
		}
	}()
	sent := q.c.meter.fit(r.target(), q.prompt.Messages)
	out := r.attempt(ctx, q.shape, sent.messages)
	out.sent, out.Trimmed, out.Shortened = sent, sent.trimmed, sent.shortened
	if over = true; out.fault != nil {
		return out
	}
	r.p.learn(r, q.shape, q.repaired)
	if pictured(sent.messages) {
		r.p.tookPictures(r)
	}
	q.c.meter.reported(r.target(), sent, out.Usage.Prompt)
	q.note(ctx, out, nil, remedy{})
	return out
}

// judge finds out what a fault means, decides what to do, and prepares it. The
// remedy's wait is padded.
func (q *quest) judge(ctx context.Context, out outcome) remedy {
	now := time.Now()
	entry := q.c.catalogue.Load().Diagnose(out.fault).Entry
	out.fault, entry = q.reread(ctx, out, entry, now)
	s, fixed := q.state(ctx, out, entry, now)
	m := decide(out.fault, entry, s)
	if (m.Action == ActionRetry && !s.Stale || m.Action == ActionWait) && !q.c.retries.retry(now) {
		s.Spare = false // somebody else has just taken the last one
		m = decide(out.fault, entry, s)
	}
	q.route.p.keepOut(q.route, m, entry.ID, out.fault, now)
	m.Wait = q.pad(m.Wait, now)
	q.remember(out, entry)
	q.note(ctx, out, entry, m)
	q.follow(m, s, fixed)
	return m
}

// state looks at everything a decision depends on, after the provider's breaker
// has heard of the fault.
func (q *quest) state(ctx context.Context, out outcome, entry *troubleshoot.Entry, now time.Time) (s state, fixed fix) {
	f, r := out.fault, q.route
	line := ruleFor(f, entry)
	s = state{
		Left: q.left(now), Attempts: q.c.attempts + q.blinks - len(q.attempts) - 1, Again: q.again,
		Spare: q.c.retries.spare(now), Stale: out.stale && !q.stale, Pauses: q.c.pauses,
	}
	if ctx.Err() != nil {
		s.Attempts = 0
	}
	fixed = q.fix(out, entry, now)
	if line.cure == ActionTrim && q.trims < mostTrims && s.Attempts > 0 {
		byBytes := entry.ID == entryTooLarge && pictured(out.sent.messages) // says nothing of words
		s.Trim = fixed.pictures || !byBytes && q.c.meter.refused(r.target(), out.sent, f.ContextLimit)
	}
	s.Repair = line.cure == ActionRepair && (fixed.pictures || fixed.shape != q.shape)
	if rest := r.p.report(r, q.opinion(ctx, line, out, s), entry.ID, f, now); rest > 0 {
		q.c.logger.LogAttrs(ctx, slog.LevelWarn, "resting", slog.String("provider", r.p.options.Name),
			slog.String("entry", entry.ID), slog.Duration("for", rest))
	}
	shunned := q.shuns
	if !q.gallery.newest && q.gallery.older > 0 { // those can be left out
		shunned = shunned.withoutSight()
	}
	r.p.survey(r, line.cool, shunned, &s, now)
	s.Provider = slices.ContainsFunc(q.all, func(p *provider) bool {
		return p != r.p && p.reachable(shunned, now)
	})
	return s, fixed
}

// fix is how to ask again without what was refused.
type fix struct {
	shape    shape
	pictures bool // without the older turns' pictures
}

// fix looks for a way to ask again.
func (q *quest) fix(out outcome, entry *troubleshoot.Entry, now time.Time) fix {
	f := fix{shape: q.shape}
	switch entry.ID {
	case entryUnseen:
		f.pictures = q.gallery.older > 0 && !q.gallery.newest && !q.seen(now)
	case entryUnreadable, entryTooLarge:
		f.pictures = q.gallery.older > 0
	default:
		repaired, ok := q.shape.repair(out.fault, &q.route.p.options)
		if f.pictures = q.gallery.older > 0 && !ok && q.minds(out.fault, entry); ok {
			f.shape = repaired
		}
	}
	return f
}

// minds reports whether pictures may be what a service minds without saying so.
// Some hang up when a request is too large for them.
func (q *quest) minds(f *troubleshoot.Fault, entry *troubleshoot.Entry) bool {
	switch ruleFor(f, entry).cure {
	case ActionRepair:
		return true
	case ActionTrim:
		return f.ContextLimit == 0 // otherwise it is known how much to leave out
	}
	return f.Net == troubleshoot.NetReset && f.Status == 0 && q.again > 0
}

// seen reports whether another model can be asked now about the pictures.
func (q *quest) seen(now time.Time) bool {
	shunned := append(slices.Clone(q.shuns), shun{p: q.route.p, m: q.route.model(), sight: true})
	return slices.ContainsFunc(q.all, func(p *provider) bool { return p.reachable(shunned, now) })
}

// opinion is what an attempt says of its provider.
type opinion uint8

const (
	noOpinion opinion = iota
	alive             // it answered, if only to refuse
	failing
)

// opinion tells what an attempt says of its provider. One quest counts once:
// somebody whose question breaks a provider is no outage.
func (q *quest) opinion(ctx context.Context, line rule, out outcome, s state) opinion {
	switch {
	case s.Stale, ctx.Err() != nil && out.Took < leastPatience:
		return noOpinion
	case !line.fails && out.fault.Status != 0:
		return alive
	case !line.fails, q.failed.provider(q.route.p) && !q.route.probe:
		return noOpinion
	}
	q.failed = append(q.failed, shun{p: q.route.p})
	return failing
}

// leastPatience is how long a provider must have had before a deadline that
// passes counts against it.
const leastPatience = 10 * time.Second

// remember keeps what may still be of use if no attempt succeeds: the fault that
// tells most, and the longest beginning of an answer.
func (q *quest) remember(out outcome, entry *troubleshoot.Entry) {
	line := ruleFor(out.fault, entry)
	unseen := entry.ID == entryUnseen // says less than what kept somebody from looking
	if plain := line.cure == ActionTrim; q.fault == nil || plain || !q.plain && !unseen {
		q.fault, q.plain = out.fault, plain
	}
	if line.partial && len(out.Text) > len(q.best.Text) {
		q.best = out.Completion
	}
}

// follow prepares the next attempt.
func (q *quest) follow(m remedy, s state, fixed fix) {
	r := q.route
	q.stay = true
	unseen := q.attempts[len(q.attempts)-1].Entry == entryUnseen
	if unseen && q.blinks < mostBlinks {
		q.blinks++
	}
	switch m.Action {
	case ActionRetry, ActionWait:
		if s.Stale {
			q.stale = true
		} else {
			q.again++
			q.without(fixed)
		}
	case ActionTrim:
		q.trims++
		q.without(fixed)
	case ActionRepair:
		q.repaired = q.repaired || fixed.shape != q.shape
		q.shape = fixed.shape
		q.without(fixed)
	case ActionNextKey:
		q.stay = false
		q.shuns = append(q.shuns, r.shunKey(m.Cool))
	case ActionNextModel:
		q.stay = false
		q.shuns = append(q.shuns, shun{p: r.p, m: r.model(), sight: unseen})
	case ActionNextProvider:
		q.stay = false
		if unseen {
			q.shuns = append(q.shuns, shun{p: r.p, m: r.model(), sight: true})
		} else {
			q.shuns = append(q.shuns, shun{p: r.p})
		}
	}
}

// mostBlinks is how many refusals of pictures are no attempts of a message: they
// cost next to nothing, and are learnt.
const mostBlinks = 8

// without leaves out the older turns' pictures, if that is the fix.
func (q *quest) without(f fix) {
	if f.pictures {
		q.hideOlder()
	}
}

// note keeps and logs an attempt; what people said is in neither.
func (q *quest) note(ctx context.Context, out outcome, entry *troubleshoot.Entry, m remedy) {
	r := q.route
	a := Attempt{
		Provider: r.p.options.Name, Model: r.model().name, Key: r.k.Name, Status: 200,
		Next: m.Action, Wait: m.Wait, Took: out.Took, RequestID: out.RequestID, Alert: m.Alert, Fault: out.fault,
	}
	if out.fault != nil {
		a.Status, a.Entry, a.RequestID = out.fault.Status, entry.ID, out.fault.RequestID
	}
	q.attempts = append(q.attempts, a)
	q.c.log(ctx, a, m)
}

// log writes one line for an attempt, and one for what is left alone from now on.
func (c *Client) log(ctx context.Context, a Attempt, m remedy) {
	if c.logger.Enabled(ctx, slog.LevelDebug) {
		attrs := []slog.Attr{
			slog.String("provider", a.Provider), slog.String("model", a.Model), slog.String("key", a.Key),
			slog.String("request_id", a.RequestID), slog.Duration("took", a.Took),
		}
		if a.Fault != nil {
			attrs = append(attrs, slog.String("entry", a.Entry), slog.String("next", string(a.Next)),
				slog.Duration("wait", a.Wait), slog.String("fault", a.Fault.Error()))
		}
		c.logger.LogAttrs(ctx, slog.LevelDebug, "attempt", attrs...)
	}
	if m.Trial && m.For > 0 {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "left out", slog.String("scope", string(m.Cool)), slog.String("provider", a.Provider),
			slog.String("key", a.Key), slog.String("model", a.Model), slog.String("entry", a.Entry), slog.Duration("for", m.For))
	}
}
