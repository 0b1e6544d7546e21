package troubleshoot

import (
	"strconv"
	"strings"
	"time"
)

// Audience is who is told.
type Audience string

// The audiences.
const (
	AudienceUser   Audience = "user"   // the person who asked, in private
	AudienceRepeat Audience = "repeat" // who asked and was told the same a moment ago: no more than its title
	AudienceGroup  Audience = "group"  // everybody in a group: one line
	AudiencePublic Audience = "public" // whoever looks a code up: no details
	AudienceAdmin  Audience = "admin"  // an admin who looks a code up: everything
)

// Telling says whom to tell, and how.
type Telling struct {
	Audience Audience      // empty means AudienceUser
	Locale   string        // any tag MatchLocale knows
	Ref      string        // the incident's reference; empty if there is none
	Wait     time.Duration // the pause asked for; told if it is over 0 and at most 5 minutes
	Query    string        // the code looked up: what else is under it is listed
	Told     bool          // an admin has been told of it
	Done     []string      // keys of ui texts that say what was done, put after the entry's own text; true ones only
}

// maxToldWait is the longest pause people are told to the second.
const maxToldWait = 5 * time.Minute

// Explain tells an audience about an entry, in plain text and one language. An
// unknown id is explained as UnknownEntry; a language the entry is not complete in
// gives way to the next of its chain, as a whole. The result is never empty.
func (c *Catalogue) Explain(id string, t Telling) string {
	e, ok := c.byID[id]
	if !ok {
		e = c.unknown
	}
	l, text := c.textFor(e, t.Locale)
	if text == nil {
		return e.Code + " " + e.ID
	}
	p := teller{c: c, l: l, e: e, text: text, t: t}
	switch t.Audience {
	case AudienceRepeat:
		p.repeat()
	case AudienceGroup:
		p.group()
	case AudiencePublic:
		p.public()
	case AudienceAdmin:
		p.admin()
	default:
		p.user()
	}
	return p.b.String()
}

// textFor finds the first language of the chain that has the whole entry.
func (c *Catalogue) textFor(e *Entry, tag string) (*locale, *Text) {
	l := c.localeFor(tag)
	if l == nil {
		return nil, nil
	}
	for _, n := range l.chain {
		if t, ok := n.texts().Entries[e.ID]; ok && t.complete() {
			return n, t
		}
	}
	return l, nil
}

// teller writes one explanation.
type teller struct {
	c    *Catalogue
	l    *locale
	e    *Entry
	text *Text
	t    Telling
	b    strings.Builder
}

// say returns a text of the interface in the explanation's own language.
func (p *teller) say(key string, args ...string) string {
	if text, ok := p.l.texts().UI[key]; ok {
		return fill(text, args)
	}
	return p.c.Say(p.l.head.Tag, key, args...)
}

func (p *teller) line(parts ...string) {
	if p.b.Len() > 0 {
		p.b.WriteByte('\n')
	}
	for _, s := range parts {
		p.b.WriteString(s)
	}
}

// told is the user's text, with the pause in it when one is known, and what was
// done.
func (p *teller) told() string {
	text := p.text.User
	if p.toldInstead() {
		text = p.say("told_user")
	} else if w := p.t.Wait; w > 0 && w <= maxToldWait && p.text.UserWait != "" {
		text = fill(p.text.UserWait, []string{"wait", p.duration(w)})
	}
	return p.withDone(text)
}

// toldInstead reports whether what is said once an admin has been told takes the
// place of the entry's own text, which asks the reader to tell them.
func (p *teller) toldInstead() bool {
	return p.t.Told && p.e.ID != UnknownEntry && (p.e.Generic() || p.e.Notify == "immediate")
}

// withDone adds what was done to a text.
func (p *teller) withDone(text string) string {
	if p.t.Told && !p.toldInstead() {
		text += p.join() + p.say("told_admin")
	}
	for _, key := range p.t.Done {
		text += p.join() + p.say(key)
	}
	return text
}

// join is what stands between two sentences of a line.
func (p *teller) join() string {
	if join := p.say("join"); join != "join" {
		return join
	}
	return " "
}

// duration rounds up: nobody should be told to come back too early.
func (p *teller) duration(d time.Duration) string {
	return p.c.Duration(p.l.head.Tag, d)
}

// Duration writes a length of time in a language, rounded up to a unit people
// use: 20 seconds, 3 minutes, 2 hours, 4 days.
func (c *Catalogue) Duration(tag string, d time.Duration) string {
	unit, n := inUnits(d)
	return c.Units(tag, "dur_"+unit, n)
}

// Age is Duration as short as the lists for admins want it: 20 sec, 3 min, 2 h, 4 d.
func (c *Catalogue) Age(tag string, d time.Duration) string {
	unit, n := inUnits(d)
	return c.Say(tag, "age_"+unit, "n", strconv.FormatInt(n, 10))
}

// inUnits rounds a length of time up to a unit people use.
func inUnits(d time.Duration) (unit string, n int64) {
	length, unit := time.Second, "seconds"
	switch {
	case d > 48*time.Hour:
		length, unit = 24*time.Hour, "days"
	case d > 90*time.Minute:
		length, unit = time.Hour, "hours"
	case d > 90*time.Second:
		length, unit = time.Minute, "minutes"
	}
	return unit, int64(max(1, (d+length-1)/length))
}

// Units writes a number of units, whose keys are dur_seconds, dur_minutes, dur_hours
// and dur_days.
func (c *Catalogue) Units(tag, key string, n int64) string {
	if n == 1 {
		return c.Say(tag, key+"_one")
	}
	return c.Say(tag, key, "n", strconv.FormatInt(n, 10))
}

func (p *teller) user() {
	p.line(p.told())
	if p.t.Ref != "" {
		p.line(p.say("ref", "code", p.e.Code, "ref", p.t.Ref))
	}
}

// repeat is the title; of a generic entry, which has one for admins, it is the
// line for groups.
func (p *teller) repeat() {
	text := p.text.Title
	if p.e.Generic() {
		text = p.groupLine()
	}
	p.line(text)
	if p.t.Ref != "" {
		p.line(p.say("ref", "code", p.e.Code, "ref", p.t.Ref))
	}
}

func (p *teller) groupLine() string {
	if p.toldInstead() {
		return p.say("told_group")
	}
	return p.text.Group
}

// group is one line; a generic entry hides its code, since a bare 401 or 402 tells
// everyone that a key or a bill is at fault.
func (p *teller) group() {
	p.b.WriteString(p.withDone(p.groupLine()))
	if p.t.Ref == "" {
		return
	}
	p.b.WriteString(p.join())
	if p.e.Generic() {
		p.b.WriteString(p.say("ref_only", "ref", p.t.Ref))
		return
	}
	p.b.WriteString(p.say("ref", "code", p.e.Code, "ref", p.t.Ref))
}

// public leaves a suggestion out that sends people to a website: what is to be
// seen there is for whoever runs the bot.
func (p *teller) public() {
	p.line(p.e.Code, " ", p.text.Title)
	p.line(p.text.User)
	if !strings.Contains(p.text.Suggestion, "://") {
		p.line()
		p.line(p.say("suggestion"))
		p.line(p.text.Suggestion)
	}
	p.also()
}

func (p *teller) admin() {
	p.line(p.e.Code, " ", p.text.Title)
	yes := "word_no"
	if p.e.Retryable {
		yes = "word_yes"
	}
	p.line(p.say("severity_"+p.e.Severity), " · ", p.say("worth_retrying", "yesno", p.say(yes)), " · ", p.e.ID)
	p.line()
	p.list("reasons", p.text.Causes)
	p.line()
	p.line(p.say("suggestion"))
	p.line(p.text.Suggestion)
	p.line()
	p.list("steps", p.text.Admin)
	p.line()
	p.line(p.say("auto"))
	p.remedies()
	if len(p.e.Links) > 0 {
		p.line()
		p.line(p.say("links"))
		for _, link := range p.e.Links {
			p.line(link)
		}
	}
	p.also()
}

// list writes a heading and numbered lines.
func (p *teller) list(heading string, items []string) {
	p.line(p.say(heading))
	for i, item := range items {
		p.line(strconv.Itoa(i+1), ". ", item)
	}
}

func (p *teller) remedies() {
	for i, s := range p.e.Remedy {
		p.line(strconv.Itoa(i+1), ". ", p.say(s.key(), "max", strconv.Itoa(s.Max)))
	}
}

// also lists what else is found under the code that was looked up.
func (p *teller) also() {
	if p.t.Query == "" {
		return
	}
	first := ""
	for _, e := range p.c.Find(p.t.Query) {
		if e == p.e {
			continue
		}
		if first == "" {
			first = e.ID
			p.line()
			p.line(p.say("also_under", "code", p.queried()))
		}
		title := ""
		if t := p.l.texts().Entries[e.ID]; t != nil {
			title = " " + t.Title
		}
		p.line(e.ID, title)
	}
	if first != "" {
		p.line(p.say("more", "id", first))
	}
}

// queried is the code that was looked up, as it is written elsewhere: people copy
// the brackets around a number, or type its digits in full width.
func (p *teller) queried() string {
	if code := clean(p.t.Query); !hasLetters(code) {
		return code
	}
	return cutText(p.t.Query, 40)
}

// Remedy says in a language what the bot does by itself.
func (c *Catalogue) Remedy(s Step, tag string) string {
	return c.Say(tag, s.key(), "max", strconv.Itoa(s.Max))
}

// Title returns an entry's title in the first language of the chain that has it,
// and its code if none has.
func (c *Catalogue) Title(id, tag string) string {
	e, ok := c.byID[id]
	if !ok {
		e = c.unknown
	}
	if _, t := c.textFor(e, tag); t != nil {
		return t.Title
	}
	return e.Code
}

// Text returns an entry's prose in the first language of the chain that has it
// whole, and that language's tag.
func (c *Catalogue) Text(id, tag string) (t Text, in string, ok bool) {
	e, known := c.byID[id]
	if !known {
		return Text{}, "", false
	}
	l, text := c.textFor(e, tag)
	if text == nil {
		return Text{}, "", false
	}
	return *text, l.head.Tag, true
}
