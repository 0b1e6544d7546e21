package bot

import (
	"fmt"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// fail concludes a message that could not be answered: it records the incident
// and returns what to tell the person.
func (r *Relay) fail(t task, err error, took time.Duration) string {
	f := troubleshoot.FaultOf(err)
	id := troubleshoot.UnknownEntry
	if e := r.o.Catalogue.Diagnose(f).Entry; e != nil {
		id = e.ID
	}
	ref := r.incidents.add(incident{entry: id, provider: f.Provider, status: f.Status, at: time.Now(), took: took})
	attrs := []any{"chat", r.hash(t.Chat.ID), "entry", id, "ref", ref, "provider", f.Provider, "took", took, "fault", f.Error()}
	if id == troubleshoot.UnknownEntry && f.Cause != nil {
		attrs = append(attrs, "cause", r.redact(f.Cause.Error()))
	}
	r.o.Logger.Warn("not answered", attrs...)
	text := r.o.Catalogue.Explain(id, troubleshoot.Telling{Audience: audience(t), Locale: t.tag, Ref: ref, Wait: f.RetryAfter})
	if t.Sender.Owner && !t.Chat.Group {
		text += "\n" + r.o.Catalogue.Say(t.tag, "details", "ref", ref)
	}
	return text
}

// explain tells the person about a limit of the bot's own. It is no incident.
func (r *Relay) explain(t task, entry string) string {
	return r.o.Catalogue.Explain(entry, troubleshoot.Telling{Audience: audience(t), Locale: t.tag})
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
