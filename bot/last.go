package bot

import (
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
)

const (
	usualLast = 5 // incidents that /diag last tells of
	mostLast  = 20
)

// last tells of the latest incidents: /diag last [n] [full]. In full it tells every
// attempt, and what kind of chat each was in; whose it was is not kept.
func (r *Relay) last(in call) string {
	n, full := usualLast, false
	for _, word := range strings.Fields(fold(in.args)) {
		switch k, err := strconv.Atoi(word); {
		case err == nil && k > 0:
			n = k
		case word == "full" || word == "全部":
			full = true
		}
	}
	found, err := r.incidents(in.work, IncidentFilter{Most: min(n, mostLast)})
	switch {
	case err != nil:
		return r.unread(in.tag, err)
	case len(found) == 0:
		return r.catalogue().Say(in.tag, "last_none")
	}
	lines := []string{r.catalogue().Say(in.tag, "last_failures")}
	for k, i := range found {
		lines = append(lines, strconv.Itoa(k+1)+". "+r.headline(in.tag, i))
		if full {
			lines = append(lines, r.inFull(in.tag, i)...)
			continue
		}
		lines = append(lines, r.outline(in.tag, i)...)
	}
	return strings.Join(lines, "\n")
}

// inFull tells everything that is kept of an incident.
func (r *Relay) inFull(tag string, i Incident) (lines []string) {
	kind := "chat_private"
	if i.Group {
		kind = "chat_group"
	}
	lines = []string{r.catalogue().Say(tag, kind)}
	for k, a := range i.Attempts {
		lines = append(lines, "- "+r.attempt(tag, a, k+1 < len(i.Attempts)))
		if a.Entry != "" {
			lines = append(lines, r.words(tag, a)...)
		}
	}
	return lines
}

// headline is an incident in one line.
func (r *Relay) headline(tag string, i Incident) string {
	return r.clock(i.At) + " " + i.Ref + " " + r.code(i.Entry) + " " + r.catalogue().Title(i.Entry, tag)
}

// clock writes a time of today as such, and an earlier one with its day.
func (r *Relay) clock(at time.Time) string {
	at, now := at.In(r.o.Location), time.Now().In(r.o.Location)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04")
	}
	return at.Format("01-02 15:04")
}

// code is what people see of an entry.
func (r *Relay) code(entry string) string {
	if e, ok := r.catalogue().Entry(entry); ok {
		return e.Code
	}
	return entry
}

// outline says how an incident went on, and what the provider said unless asking
// again was enough.
func (r *Relay) outline(tag string, i Incident) (lines []string) {
	if len(i.Attempts) == 0 {
		if i.Provider != "" {
			lines = append(lines, i.Provider)
		}
		return lines
	}
	say, first := r.catalogue().Say, i.Attempts[0]
	retries := r.times(tag, "retries", i.retries())
	switch other := i.successor(); {
	case other != "":
		lines = append(lines, say(tag, "story_taken_over", "provider", first.Provider, "model", first.Model, "retries", retries, "other", other))
	case i.Rescued:
		return append(lines, say(tag, "story_rescued", "provider", first.Provider, "retries", retries, "took", r.took(tag, i.Took)))
	default:
		lines = append(lines, say(tag, "story_failed", "provider", first.Provider, "model", first.Model, "retries", retries))
	}
	return append(lines, r.words(tag, i.culprit())...)
}

// words are the provider's own, and its name for the request.
func (r *Relay) words(tag string, a Attempt) (lines []string) {
	said := a.Words
	if a.Code != "" {
		said = strings.TrimSpace(said + " (" + a.Code + ")")
	}
	if said != "" {
		lines = append(lines, r.catalogue().Say(tag, "provider_said", "text", said))
	}
	if a.RequestID != "" {
		lines = append(lines, r.catalogue().Say(tag, "request_id", "id", a.RequestID))
	}
	return lines
}

// times counts in words: one, or many.
func (r *Relay) times(tag, key string, n int) string {
	if n == 1 {
		return r.catalogue().Say(tag, key+"_one")
	}
	return r.catalogue().Say(tag, key, "n", strconv.Itoa(n))
}

// took writes how long something took: 12 ms, 4.1 s, 21 s, 2 min.
func (r *Relay) took(tag string, d time.Duration) string {
	switch {
	case d < time.Second:
		return r.catalogue().Say(tag, "took_ms", "n", strconv.FormatInt(d.Milliseconds(), 10))
	case d < 10*time.Second:
		s := strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0")
		return r.catalogue().Say(tag, "took_seconds", "n", s)
	case d < 90*time.Second:
		return r.catalogue().Say(tag, "took_seconds", "n", strconv.Itoa(int(d.Round(time.Second).Seconds())))
	}
	return r.catalogue().Age(tag, d)
}

// story tells an incident attempt by attempt; it is empty when none is known.
func (r *Relay) story(tag string, i Incident) string {
	if len(i.Attempts) == 0 {
		return ""
	}
	lines := []string{r.catalogue().Say(tag, "story", "time", r.clock(i.At))}
	for k, a := range i.Attempts {
		lines = append(lines, strconv.Itoa(k+1)+". "+r.attempt(tag, a, k+1 < len(i.Attempts)))
		if a.Entry != "" {
			lines = append(lines, r.words(tag, a)...)
		}
	}
	return strings.Join(lines, "\n")
}

// attempt is an attempt in one line. What was decided after it is told if it was
// done: if there is another attempt.
func (r *Relay) attempt(tag string, a Attempt, more bool) string {
	say := r.catalogue().Say
	parts := []string{a.Provider, a.Model}
	if a.Key != "" {
		parts = append(parts, say(tag, "story_key", "name", a.Key))
	}
	if a.Entry == "" {
		parts = append(parts, say(tag, "story_answered"))
	} else {
		parts = append(parts, r.code(a.Entry)+" "+a.Entry)
	}
	parts = append(parts, r.took(tag, a.Took))
	if next := r.next(tag, a); more && next != "" {
		parts = append(parts, next)
	}
	return strings.Join(parts, clauseComma(tag))
}

// next says what was done after an attempt.
func (r *Relay) next(tag string, a Attempt) string {
	key, ok := map[llm.Action]string{
		llm.ActionRetry: "did_retry", llm.ActionWait: "did_wait", llm.ActionTrim: "did_trim", llm.ActionRepair: "did_repair",
		llm.ActionNextKey: "did_key", llm.ActionNextModel: "did_model", llm.ActionNextProvider: "did_provider",
	}[a.Next]
	if !ok {
		return ""
	}
	return r.catalogue().Say(tag, key, "wait", r.took(tag, a.Wait))
}

// clauseComma separates the clauses of a line in a language.
func clauseComma(tag string) string {
	if strings.HasPrefix(tag, "zh") {
		return "，"
	}
	return comma(tag)
}
