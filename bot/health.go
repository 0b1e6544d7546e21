package bot

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/diagbot/diagbot/llm"
)

// Dated is a channel that knows since when it has been logged in; zero while it
// is not.
type Dated interface{ LoggedInSince() time.Time }

// Sources knows how the AI sources are doing. It answers at once, in the order of
// preference.
type Sources interface{ Status() []llm.ProviderStatus }

// mostFailures is how many kinds of failure a report of health lists.
const mostFailures = 5

// health tells how the bot is doing: /diag.
func (r *Relay) health(in call) string {
	tag, now := in.tag, time.Now()
	say := r.catalogue().Say
	sources, keys, well := r.sources(tag)
	lines := []string{say(tag, "health_failing"), r.loggedIn(tag, now)}
	out := r.loggedOut(tag)
	if well && len(out) == 0 {
		lines[0] = say(tag, "health_ok")
	}
	lines = append(lines, out...)
	if r.switches.isPaused() {
		lines = append(lines, say(tag, "health_paused"))
	}
	if sources != "" {
		lines = append(lines, say(tag, "health_sources", "list", sources))
	}
	lines = append(lines, keys...)
	lines = append(lines, r.lately(in, now)...)
	return strings.Join(append(lines, say(tag, "health_more")), "\n")
}

// loggedIn says that WeChat works, for this is said through it, and since when.
func (r *Relay) loggedIn(tag string, now time.Time) string {
	if c, ok := r.o.Channel.(Dated); ok {
		if since := c.LoggedInSince(); !since.IsZero() && since.Before(now) {
			return r.catalogue().Say(tag, "health_wechat_since", "age", r.age(tag, now.Sub(since)))
		}
	}
	return r.catalogue().Say(tag, "health_wechat")
}

// loggedOut names the other accounts of the process that are logged out.
func (r *Relay) loggedOut(tag string) (lines []string) {
	if r.o.Logins == nil {
		return nil
	}
	for _, a := range r.o.Logins.Accounts() {
		if !a.In && !a.Elsewhere {
			lines = append(lines, r.catalogue().Say(tag, "login_line_out", "account", a.Name))
		}
	}
	return lines
}

// age writes a long time in its two largest units: 3 d 4 h.
func (r *Relay) age(tag string, d time.Duration) string {
	unit := func(key string, n time.Duration) string {
		return r.catalogue().Say(tag, key, "n", strconv.FormatInt(int64(n), 10))
	}
	days, hours, minutes := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60
	switch {
	case days > 0:
		return unit("age_days", days) + " " + unit("age_hours", hours)
	case hours > 0:
		return unit("age_hours", hours) + " " + unit("age_minutes", minutes)
	}
	return unit("age_minutes", minutes)
}

// sources lists the AI sources, as far as they are known, with their keys where
// there is more to say of them, and reports whether all do well.
func (r *Relay) sources(tag string) (list string, keys []string, well bool) {
	if r.o.Sources == nil {
		return "", nil, true
	}
	var names []string
	well, inUse := true, false
	for _, s := range r.o.Sources.Status() {
		well = well && s.Trouble == ""
		names = append(names, r.source(tag, s, &inUse))
		keys = append(keys, r.keyStates(tag, s)...)
	}
	return strings.Join(names, clauseComma(tag)), keys, well
}

// keyStates says how each key of an AI source does, where it has several or one
// that is kept out.
func (r *Relay) keyStates(tag string, s llm.ProviderStatus) (lines []string) {
	for _, k := range s.Keys {
		if len(s.Keys) == 1 && (k.Entry == "" || k.Name == "") {
			return nil
		}
		name := r.catalogue().Say(tag, "health_key", "provider", s.Provider, "name", orElse(k.Name, "-"))
		line := r.catalogue().Say(tag, "source_ok", "name", name)
		if k.Entry != "" {
			line = r.catalogue().Say(tag, "source_failing", "name", name, "code", r.code(k.Entry)) + r.until(tag, k.Until)
		}
		lines = append(lines, line)
	}
	return lines
}

// lately says what became of the messages of the last 24 hours.
func (r *Relay) lately(in call, now time.Time) []string {
	tag := in.tag
	sum, err := r.sums(in.work, now)
	if err != nil {
		return []string{r.queue(tag, Tally{}), r.unread(tag, err)}
	}
	lines := []string{r.counts(tag, sum)}
	if n := r.shelved.Load(); n != nil && n.count() > 0 { // they are in no count yet
		lines = append(lines, r.catalogue().Say(tag, "health_kept", "n", strconv.Itoa(n.count())))
	}
	lines = append(lines, r.queue(tag, sum))
	seen, err := r.seen(in.work, now)
	if err != nil {
		return append(lines, r.unread(tag, err))
	}
	return append(lines, r.failures(tag, now, seen)...)
}

// counts says what became of questions. What was rescued failed at first.
func (r *Relay) counts(tag string, sum Tally) string {
	return r.catalogue().Say(tag, "health_counts", "answered", strconv.Itoa(sum.Answered),
		"failed", strconv.Itoa(sum.Failed), "rescued", strconv.Itoa(sum.Rescued))
}

// queue says how many messages wait besides the one that asks, and how long
// answers took.
func (r *Relay) queue(tag string, sum Tally) string {
	n := strconv.FormatInt(max(r.open.Load()-1, 0), 10)
	if sum.Answered == 0 {
		return r.catalogue().Say(tag, "health_queue_only", "n", n)
	}
	return r.catalogue().Say(tag, "health_queue", "n", n, "took", r.took(tag, sum.Median))
}

// failures lists the kinds of failure that were seen, the latest first.
func (r *Relay) failures(tag string, now time.Time, seen map[string]EntryCount) []string {
	if len(seen) == 0 {
		return nil
	}
	kinds := slices.SortedFunc(maps.Values(seen), func(a, b EntryCount) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Entry, b.Entry))
	})
	lines := []string{r.catalogue().Say(tag, "last_failures")}
	for _, k := range kinds[:min(len(kinds), mostFailures)] {
		lines = append(lines, r.catalogue().Say(tag, "failure_line", "code", r.code(k.Entry), "title", r.catalogue().Title(k.Entry, tag),
			"times", r.times(tag, "times", k.Count), "ago", r.catalogue().Age(tag, now.Sub(k.Last))))
	}
	return lines
}
