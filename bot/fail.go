package bot

import (
	"fmt"
	"slices"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// failure is a message that could not be answered.
type failure struct {
	err      error
	took     time.Duration
	attempts []Attempt
	chat     *chat // whose conversation may be at fault; nil if none is
}

// setback is what there is to tell of a failure.
type setback struct {
	incident *Incident // also where it is not recorded
	fault    *troubleshoot.Fault
	entry    *troubleshoot.Entry
	done     []string // keys of what was done about it
	again    bool     // the person knows of it, and the question is kept
}

// fail finds out why a message could not be answered.
func (d *dispatcher) fail(t task, x failure) response {
	f := troubleshoot.FaultOf(x.err)
	e := d.entryFor(f)
	i := &Incident{
		Entry: e.ID, Provider: f.Provider, Status: f.Status, At: time.Now(), Took: x.took, Attempts: x.attempts,
		Chat: tokenOf(d.conversation(t.Message)), Group: t.Chat.Group,
	}
	a := response{outcome: OutcomeFailed, took: x.took, setback: &setback{incident: i, fault: f, entry: e}}
	attrs := []any{"chat", d.hash(t.Chat.ID), "entry", e.ID, "provider", f.Provider, "took", x.took,
		"attempts", len(x.attempts), "fault", f.Error()}
	if t.way == toRetry && passes(f, e) {
		d.o.Logger.Info("not answered yet", attrs...)
		a.setback.again = true
		return a
	}
	i.Ref = d.newRef()
	attrs = append(attrs, "ref", i.Ref)
	if e.ID == troubleshoot.UnknownEntry && f.Cause != nil {
		attrs = append(attrs, "cause", d.redact(f.Cause.Error()))
	}
	d.o.Logger.Warn("not answered", attrs...)
	a.incident, a.setback.done = i, x.done(t, e)
	return a
}

// tell tells the person of a failure, as much as is right at this moment, and
// keeps the question if waiting can cure it. It returns what it says, if anything.
func (d *dispatcher) tell(c *chat, t *task, a response, s *speech) *reply {
	x, now := a.setback, time.Now()
	d.outages.saw(x.incident, t.tag)
	waits := passes(x.fault, x.entry)
	if waits {
		d.shelf.failed()
	}
	if x.again {
		if t.back = now.Before(t.until) && d.shelf.back(*t, now); t.back {
			return nil
		}
		a.quiet = true
		return d.stored(c, *t, a, s)
	}
	told := d.warn(x.incident)
	how := d.manners.failure(x.incident.Chat, t.person, t.Chat.Group, x.entry, now)
	if slices.Contains(x.done, historyDropped) {
		how = toneFull
	}
	if !waits || !d.keepQuestion(*t, now) {
		a.text = d.explanation(*t, x, how, told)
		a.quiet = a.text == ""
		return d.stored(c, *t, a, s)
	}
	t.until = now.Add(keepFor)
	x.done = append(x.done, keptKeyFor(*t))
	return d.promise(*t, a, d.explanation(*t, x, how, told))
}

// entryFor returns the catalogue's entry for a fault.
func (r *Relay) entryFor(f *troubleshoot.Fault) *troubleshoot.Entry {
	if e := r.catalogue().Diagnose(f).Entry; e != nil {
		return e
	}
	e, _ := r.catalogue().Entry(troubleshoot.UnknownEntry)
	return e
}

// entryOf names the catalogue's entry for a fault.
func (r *Relay) entryOf(f *troubleshoot.Fault) string { return r.entryFor(f).ID }

// explanation is what the person hears of a failure; empty for nothing.
func (r *Relay) explanation(t task, x *setback, how tone, told bool) string {
	telling := troubleshoot.Telling{
		Audience: audience(t), Locale: t.tag, Ref: x.incident.Ref, Wait: x.fault.RetryAfter, Told: told, Done: x.done,
	}
	switch how {
	case toneNone:
		return ""
	case toneShort:
		telling.Audience = troubleshoot.AudienceRepeat
		return r.catalogue().Explain(x.entry.ID, telling)
	}
	text := r.catalogue().Explain(x.entry.ID, telling)
	if !t.Chat.Group && r.looksUp(t) {
		text += "\n" + r.catalogue().Say(t.tag, "details", "ref", x.incident.Ref)
	}
	return text
}

// historyDropped is the text that says that the conversation was forgotten, which
// nobody would guess.
const historyDropped = "history_dropped"

// done names what was done about the failure, for the person to hear: only what
// is true. A group is spared the lesser news.
func (x failure) done(t task, e *troubleshoot.Entry) (keys []string) {
	if len(x.attempts) > 1 && e.Retryable && !t.Chat.Group {
		keys = append(keys, "retried")
	}
	if x.chat != nil && e.ID == entryPolicy && x.chat.memory.refuse() {
		keys = append(keys, historyDropped)
	}
	return keys
}

// rescue returns the incident of a message that was answered after something went
// wrong, or nil if nothing did; in part, if partial.
func (r *Relay) rescue(t task, took time.Duration, tries []Attempt, partial bool) *Incident {
	for _, a := range tries {
		if a.Entry == "" {
			continue
		}
		i := &Incident{
			Ref: r.newRef(), Entry: a.Entry, Provider: a.Provider, Status: a.Status, At: time.Now(), Took: took, Rescued: !partial,
			Attempts: tries, Chat: tokenOf(r.conversation(t.Message)), Group: t.Chat.Group,
		}
		r.o.Logger.Info("rescued", "partial", partial, "chat", r.hash(t.Chat.ID), "entry", i.Entry, "ref", i.Ref, "provider", a.Provider,
			"took", took, "attempts", len(tries))
		return i
	}
	return nil
}

// answered notes what an answer tells: what works, and what failed on the way.
func (d *dispatcher) answered(t task, i *Incident) {
	if !t.Chat.Group {
		d.manners.well(tokenOf(d.conversation(t.Message)))
	}
	d.giveUp(d.shelf.worked(t))
	if i != nil {
		d.outages.saw(i, t.tag)
		d.besides(d.remind)
	}
}

// explain tells the person about a limit of the bot's own. It is no incident.
func (r *Relay) explain(t task, entry string) string {
	return r.catalogue().Explain(entry, troubleshoot.Telling{Audience: audience(t), Locale: t.tag})
}

// personal tells the person what is wrong with their message, but does not go on
// about it.
func (d *dispatcher) personal(t task, entry string) response {
	e := d.entryByID(entry)
	how := d.manners.failure(tokenOf(d.conversation(t.Message)), t.person, t.Chat.Group, e, time.Now())
	switch how {
	case toneNone:
		return response{quiet: true}
	case toneShort:
		return response{text: d.catalogue().Explain(entry, troubleshoot.Telling{Audience: troubleshoot.AudienceRepeat, Locale: t.tag})}
	}
	return response{text: d.explain(t, entry)}
}

// panicked is the fault of code that panicked with v.
func panicked(who string, v any) *troubleshoot.Fault {
	return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: troubleshoot.UnknownEntry,
		Cause: fmt.Errorf("%s panicked: %v", who, v)}
}

func audience(t task) troubleshoot.Audience {
	if t.Chat.Group {
		return troubleshoot.AudienceGroup
	}
	return troubleshoot.AudienceUser
}

// redact keeps secrets out of what others than the person wrote, such as an error's
// text.
func (r *Relay) redact(s string) string { return cutBytes(r.o.Redactor.Redact(s), 500) }

// exact keeps the known secrets out of what people and models say.
func (r *Relay) exact(s string) string { return r.o.Redactor.Exact(s) }
