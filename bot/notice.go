package bot

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/diagbot/diagbot/troubleshoot"
)

// warn tells the admins of outages that they have to know of, and reports whether
// they know of the one that an incident belongs to.
func (d *dispatcher) warn(i *Incident) bool {
	d.remind()
	return d.outages.isTold(i)
}

// remind tells the admins of the outages that are due. What cannot be said now is
// tried again later.
func (d *dispatcher) remind() {
	now := time.Now()
	d.tellDue(d.dueNow(now), now)
}

// dueOutages are those to be told now: in the chats, and outside them.
type dueOutages struct{ inside, outside []outage }

// dueNow finds the outages that are due, and counts on its caller to tell of them.
func (d *dispatcher) dueNow(now time.Time) (all dueOutages) {
	if !d.switches.quietUntil(now).IsZero() {
		return all
	}
	if d.o.Outage != nil {
		all.outside = d.outages.cries(d.entryByID, now)
	}
	all.inside = d.outages.due(d.entryByID, now)
	return all
}

func (d *dispatcher) tellDue(all dueOutages, now time.Time) {
	d.cry(all.outside, false)
	for _, x := range all.inside {
		kept := d.markOf(&x, now)
		if n := d.tellAdmins(x.tag, kept, func(tag string) string { return d.warning(tag, &x) }); n > 0 {
			d.outages.wasTold(x.key(), now)
			d.o.Logger.Info("admins told", "entry", x.entry, "provider", x.provider, "ref", x.ref, "admins", n)
		}
	}
}

// tellEnded tells whoever knew of outages that they are over.
func (d *dispatcher) tellEnded(ended []outage, now time.Time) {
	d.cry(ended, true)
	for _, x := range ended {
		d.o.Logger.Info("an outage is over", "entry", x.entry, "provider", x.provider, "failures", x.failures, "from", x.since, "to", x.worked)
		if !x.told.IsZero() && d.switches.quietUntil(now).IsZero() {
			d.tellAdmins(x.tag, nil, func(tag string) string { return d.recovery(tag, &x) })
		}
		if x.kept {
			d.set(d.work, mark{scopeOutage, x.name(), ""})
		}
	}
}

func (d *dispatcher) entryByID(id string) *troubleshoot.Entry {
	e, _ := d.catalogue().Entry(id)
	return e
}

// tellAdmins says something to the owner and to all who paired in this login, each
// in their language, or else in that of tag. It returns to how many it is on its
// way; what is to be kept of that is kept once the first has it.
func (d *dispatcher) tellAdmins(tag string, kept *mark, write func(tag string) string) (n int) {
	return len(d.tellEach(tag, kept, func(_ adminChat, tag string) string { return write(tag) }))
}

// tellEach is tellAdmins where they are not all told the same, or some nothing.
func (d *dispatcher) tellEach(tag string, kept *mark, write func(to adminChat, tag string) string) (told []adminChat) {
	for _, to := range d.adminChats() {
		mine := d.tagOf(to.person, tag)
		text := write(to, mine)
		if text == "" {
			continue
		}
		r := d.Relay.aside(to.chat, mine, text)
		r.mark = kept
		if d.out.put(r) {
			told = append(told, to)
		}
	}
	return told
}

// adminChat is where an admin reads.
type adminChat struct {
	chat   Chat
	person string
	proof  proof
}

// adminChats are those that can be written to now, the owner's first.
func (d *dispatcher) adminChats() (all []adminChat) {
	if chat, ok := d.ownerChat(); ok {
		all = append(all, adminChat{chat: chat, person: d.ownerPerson(), proof: proofOwner})
	}
	add := func(id, name, person string, proof proof) {
		to := Chat{ID: id, Name: name}
		if d.reaches(to) && !slices.ContainsFunc(all, func(a adminChat) bool { return a.chat.ID == id }) {
			all = append(all, adminChat{chat: to, person: person, proof: proof})
		}
	}
	ctx, cancel := context.WithTimeout(d.work, readTime)
	defer cancel()
	named, err := d.admins.lastingAdmins(ctx)
	if err != nil {
		d.o.Logger.Warn("admins not read", "cause", d.redact(err.Error()))
	}
	for _, id := range named { // first, as the stronger proof
		add(id, "", id, proofListed)
	}
	paired, err := d.admins.list(ctx, *d.login.Load())
	if err != nil {
		d.o.Logger.Warn("admins not read", "cause", d.redact(err.Error()))
	}
	for _, g := range paired {
		id := g.key
		if !d.traits.StableIDs {
			id = strings.TrimPrefix(id, g.Login+"/")
		}
		add(id, g.Name, g.key, proofPaired)
	}
	return all
}

// tagOf is the language of an admin, as far as it is known.
func (d *dispatcher) tagOf(person, other string) string {
	tag, how := d.languages.choose(d.work, reader{person: person})
	if how == "default" && d.o.Locale == "" && other != "" {
		return other
	}
	return tag
}

// warning is what admins are told of an outage.
func (d *dispatcher) warning(tag string, x *outage) string {
	title := d.titled(tag, x)
	if !x.told.IsZero() {
		title = d.catalogue().Say(tag, "notice_still", "title", title)
	}
	return title + "\n" + d.running(tag, x) + "\n" + d.catalogue().Say(tag, "details", "ref", x.ref)
}

// running says how an outage does, and what the bot does about it.
func (d *dispatcher) running(tag string, x *outage) string {
	say := d.catalogue().Say
	e := d.entryByID(x.entry)
	if e == nil { // the catalogue is another since
		return ""
	}
	key := "notice_line"
	if x.provider == "" {
		key = "notice_line_nameless"
	}
	line := say(tag, key, "severity", say(tag, "severity_"+e.Severity), "provider", x.provider,
		"time", d.clock(x.since), "failures", d.counted(tag, "failures", x.failures), "chats", d.counted(tag, "chats", len(x.chats)))
	return strings.TrimSpace(line + "\n" + d.doing(tag, e, x))
}

// doing says what the bot does about an outage by itself.
func (d *dispatcher) doing(tag string, e *troubleshoot.Entry, x *outage) string {
	say := d.catalogue().Say
	var steps []string
	for _, s := range e.Remedy {
		if s.Do != "none" && s.Do != "alert" {
			steps = append(steps, lowerFirst(d.catalogue().Remedy(s, tag)))
		}
	}
	text := say(tag, "remedy_none")
	if len(steps) > 0 {
		semicolon := "; "
		if comma(tag) != ", " {
			semicolon = "；"
		}
		text = say(tag, "notice_auto", "list", strings.Join(steps, semicolon))
	}
	if x.heir != "" {
		text += say(tag, "join") + say(tag, "notice_successor")
	}
	return text
}

// lowerFirst begins a text inside a sentence.
func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}

// recovery is what admins are told of an outage that is over.
func (d *dispatcher) recovery(tag string, x *outage) string {
	return d.catalogue().Say(tag, "notice_recovered", "title", d.titled(tag, x)) + "\n" + d.span(tag, x)
}

// span says from when to when an outage was, and how bad.
func (d *dispatcher) span(tag string, x *outage) string {
	return d.catalogue().Say(tag, "notice_span", "from", d.clock(x.since), "to", d.clock(x.worked),
		"failures", d.counted(tag, "failures", x.failures), "chats", d.counted(tag, "chats", len(x.chats)))
}

// titled is an outage's title with its reference.
func (d *dispatcher) titled(tag string, x *outage) string {
	say := d.catalogue().Say
	return d.catalogue().Title(x.entry, tag) + say(tag, "join") + say(tag, "ref", "code", d.code(x.entry), "ref", x.ref)
}

// counted writes a number of things.
func (d *dispatcher) counted(tag, key string, n int) string {
	if n == 1 {
		key += "_one"
	}
	return d.catalogue().Say(tag, key, "n", strconv.Itoa(n))
}

// mark is a setting to be kept once something was said.
type mark struct{ scope, name, value string }

// set keeps a setting, however long that takes.
func (r *Relay) set(ctx context.Context, m mark) {
	err := r.keep(ctx, func(ctx context.Context) error { return r.store.Set(ctx, m.scope, m.name, m.value) })
	if err != nil && !errors.Is(err, errStopping) && !errors.Is(err, ErrNotOwner) {
		r.o.Logger.Warn("setting not kept", "scope", m.scope, "cause", r.redact(err.Error()))
	}
}

// review closes the outages that are over and finds those that are due, and tells of
// them aside, unless that is still going on. The dispatcher's.
func (d *dispatcher) review(now time.Time) {
	if !d.reviewing.CompareAndSwap(false, true) {
		return
	}
	ended, due := d.outages.over(now), d.dueNow(now)
	d.besides(func() {
		defer d.reviewing.Store(false)
		d.tellEnded(ended, now)
		d.tellDue(due, now)
		d.digest(now)
	})
}
