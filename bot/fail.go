package bot

import (
	"fmt"
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

// fail returns what to say to a message that could not be answered, with the
// incident.
func (r *Relay) fail(t task, x failure) response {
	f := troubleshoot.FaultOf(x.err)
	id, ref := r.entryOf(f), r.newRef()
	attrs := []any{"chat", r.hash(t.Chat.ID), "entry", id, "ref", ref, "provider", f.Provider, "took", x.took,
		"attempts", len(x.attempts), "fault", f.Error()}
	if id == troubleshoot.UnknownEntry && f.Cause != nil {
		attrs = append(attrs, "cause", r.redact(f.Cause.Error()))
	}
	r.o.Logger.Warn("not answered", attrs...)
	text := r.catalogue().Explain(id, troubleshoot.Telling{
		Audience: audience(t), Locale: t.tag, Ref: ref, Wait: f.RetryAfter, Done: x.done(t, id),
	})
	if t.Sender.Owner && !t.Chat.Group {
		text += "\n" + r.catalogue().Say(t.tag, "details", "ref", ref)
	}
	return response{text: text, outcome: OutcomeFailed, took: x.took, incident: &Incident{
		Ref: ref, Entry: id, Provider: f.Provider, Status: f.Status, At: time.Now(), Took: x.took, Attempts: x.attempts,
		Chat: tokenOf(r.conversation(t.Message)), Group: t.Chat.Group,
	}}
}

// entryOf names the catalogue's entry for a fault.
func (r *Relay) entryOf(f *troubleshoot.Fault) string {
	if e := r.catalogue().Diagnose(f).Entry; e != nil {
		return e.ID
	}
	return troubleshoot.UnknownEntry
}

// done names what was done about the failure, for the person to hear: only what
// is true. A group is spared the lesser news.
func (x failure) done(t task, entry string) (keys []string) {
	if len(x.attempts) > 1 && !t.Chat.Group {
		keys = append(keys, "retried")
	}
	if x.chat != nil && entry == entryPolicy && x.chat.memory.refuse() {
		keys = append(keys, "history_dropped")
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

// explain tells the person about a limit of the bot's own. It is no incident.
func (r *Relay) explain(t task, entry string) string {
	return r.catalogue().Explain(entry, troubleshoot.Telling{Audience: audience(t), Locale: t.tag})
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

// redact keeps secrets out of the log where only an error's text tells what
// happened.
func (r *Relay) redact(s string) string {
	var patterns *troubleshoot.Redactor
	return cutBytes(patterns.Redact(s), 500)
}
