package bot

import (
	"context"
	"strings"
	"time"
	"unicode"
)

// serve concludes the messages of one chat in order, until its mailbox closes.
func (d *dispatcher) serve(c *chat, mailbox <-chan task) {
	s := &speech{unsaid: closedChan(), told: make(map[string]bool)}
	for t := range mailbox {
		d.conclude(c, t, s)
		d.done <- c
	}
}

// speech is what a chat's goroutine knows of its earlier replies.
type speech struct {
	unsaid <-chan struct{} // closed when the last one has been said
	told   map[string]bool // who knows that we are stopping
}

// response is what to say to a message, and what follows from it.
type response struct {
	text     string   // empty: there is nothing to say, or the relay stops before there is
	quiet    bool     // there is nothing to say
	setback  *setback // what to tell in the place of text; nil: nothing failed
	turn     *Turn    // to remember; nil: nothing
	outcome  Outcome
	took     time.Duration
	incident *Incident
	sequel   bool // text is what was left of an earlier answer
	whole    bool // all of the answer is remembered
}

// conclude answers t. The answer is said while the next message is worked on, but
// no more than one: what waits to be sent stays bounded.
func (d *dispatcher) conclude(c *chat, t task, s *speech) {
	defer t.end(nil)
	if t.way == toRetry && !d.shelf.has(t) {
		return // its asker has a newer question since, and it is given up
	}
	defer d.retried(&t)
	if d.dead(t) || t.way == toDrop {
		d.leave(t.seqs()...)
		return
	}
	a := d.response(c, &t)
	select {
	case <-s.unsaid:
	case <-t.work.Done():
	}
	if !t.decide(answered) {
		d.o.Logger.Info("taken back", "chat", d.hash(c.id))
		d.record(a.incident)
		return
	}
	switch {
	case t.way == toResume:
		t.reply = d.resumed(t)
	case a.setback != nil:
		t.reply = d.tell(c, &t, a, s)
	default:
		t.reply = d.stored(c, t, a, s)
	}
	if t.reply != nil {
		d.out.put(t.reply)
		s.unsaid = t.reply.done
	}
}

// response makes up what is said to t; nothing when it has a reply, or the relay
// stops.
func (d *dispatcher) response(c *chat, t *task) (a response) {
	if t.way == toResume {
		return a
	}
	t.tag, t.how = d.language(t.work, *t)
	switch {
	case t.way == toExcuse:
		a.text = d.catalogue().Say(t.tag, "was_away")
	case t.way == toLeave:
		a.text = d.explain(*t, entryRestarting)
	case t.work.Err() == nil:
		a = d.guardedAnswer(t.work, c, *t)
	}
	return a
}

// stored stores what to say to t, with all that follows from it, and returns it as
// a reply; nil if the message is left for the next start.
func (d *dispatcher) stored(c *chat, t task, a response, s *speech) *reply {
	ended := a.text == "" && !a.quiet && t.work.Err() != nil
	if ended && (d.durable || d.disowned()) {
		d.left.Add(1)
		return nil
	}
	if ended && !s.told[t.Sender.ID] {
		s.told[t.Sender.ID] = true
		a.text = d.explain(t, entryRestarting)
	}
	k := Conclusion{Seq: t.seq, Also: t.also, Outcome: a.outcome, Took: a.took, Conversation: d.conversation(t.Message), Incident: a.incident}
	lost := a.turn != nil && c.memory.lost
	if lost {
		a.text += "\n\n" + d.catalogue().Say(t.tag, "memory_lost")
	}
	if a.turn != nil {
		k.Turn, k.Keep = c.memory.add(*a.turn, time.Now())
	}
	a.whole = k.Turn != nil || a.sequel && !c.memory.forgotten(time.Now())
	if k.Forget = c.memory.forget; a.turn != nil {
		k.Day, k.Spent = d.spends(t, time.Now())
	}
	var r *reply
	if a.text != "" {
		var err error
		if r, err = d.whole(t, a); err != nil {
			d.left.Add(1)
			return nil
		}
		k.Reply = r.stored()
	}
	if d.keep(d.saying, func(ctx context.Context) error { return d.store.Conclude(ctx, k) }) != nil {
		d.left.Add(1)
		return nil
	}
	c.memory.forget, c.memory.lost = false, c.memory.lost && !lost
	return r
}

// resumed is the rest of a reply that was stored earlier.
func (d *dispatcher) resumed(t task) *reply {
	r := &reply{seq: t.seq, id: t.stored.ID, chat: t.Chat, login: t.Login, parts: t.stored.Parts, sent: t.stored.Said, since: time.Now()}
	if d.traits.ReplyWindow > 0 {
		r.until = t.heard.Add(d.traits.ReplyWindow)
	}
	return r
}

// dead reports whether the chat of t can no longer be reached: it was of an earlier
// login.
func (d *dispatcher) dead(t task) bool { return t.Login != *d.login.Load() }

// record keeps an incident of which nobody is told.
func (d *dispatcher) record(i *Incident) {
	if i != nil {
		_ = d.keep(d.work, func(ctx context.Context) error { return d.store.Record(ctx, *i) })
	}
}

// recall loads what the store remembers of a chat that has just become active.
func (r *Relay) recall(ctx context.Context, c *chat, t task) error {
	if c.memory.loaded || r.o.MemoryTurns == 0 {
		return nil
	}
	now := time.Now()
	var m Memory
	err := r.keep(ctx, func(ctx context.Context) (err error) {
		m, err = r.store.Recall(ctx, r.conversation(t.Message), r.rememberedSince(now))
		return err
	})
	if err == nil {
		c.memory.load(m, now)
	}
	return err
}

// rememberedSince is when a conversation must have been going on to be remembered.
func (r *Relay) rememberedSince(now time.Time) time.Time {
	if r.o.MemoryExpiry <= 0 {
		return time.Time{}
	}
	return now.Add(time.Microsecond - r.o.MemoryExpiry) // exactly so long is too long
}

func closedChan() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// passed is a reply on its way beside that which is stored: nobody misses it after
// a restart.
func (r *Relay) passed(t task, text string) *reply {
	out := r.reply(t, text)
	out.seq = 0
	return out
}

// reply lays out what is said to t; what is too long is cut off.
func (r *Relay) reply(t task, text string) *reply {
	out, _ := r.laid(t, text, r.catalogue().Say(t.tag, "cut_notice"))
	return out
}

// laid lays text out for the chat it goes to: the asker's name in front in a
// group, cut into the channel's parts. If they do not suffice, the last ends with
// notice, and rest is what is left.
func (r *Relay) laid(t task, text, notice string) (out *reply, rest string) {
	text = r.exact(text)
	switch {
	case t.Chat.Group:
		text = mention(t.Sender.Name) + text
	case !isRecipe(text):
		text = r.o.PrivateReplyPrefix + text
	}
	out = &reply{seq: t.seq, chat: t.Chat, login: t.Login, since: t.heard}
	if out.parts = []string{text}; !isRecipe(text) {
		out.parts, rest = split(strings.ReplaceAll(text, recipeMark, ""), r.limits, notice)
	}
	out.id = r.ids.take(len(out.parts))
	if r.traits.ReplyWindow > 0 {
		out.until = t.heard.Add(r.traits.ReplyWindow)
	}
	return out, rest
}

// maxName bounds a name in front of a text, in runes.
const maxName = 32

// mention is the text that WeChat's own clients write for a mention. It only
// looks like one: the protocol has no way to notify.
func mention(name string) string {
	if name = oneLine(name, maxName); name == "" {
		return ""
	}
	return "@" + name + "\u2005"
}

// language chooses the language to answer t in. A bare command in Latin letters
// says nothing about it, nor do a reference's brackets behind one: （429 · 7K2F）.
func (r *Relay) language(ctx context.Context, t task) (tag, how string) {
	text := t.text
	if _, _, ok := r.commands.parse(text); ok && !hasOtherLetters(text) || !r.readable(t.Message) {
		text = ""
	}
	to := reader{person: t.person, text: text}
	if t.Chat.Group {
		to.group = r.conversation(t.Message).Key
	}
	return r.languages.choose(ctx, to)
}

// hasOtherLetters reports whether there are letters in s besides the Latin ones, be
// they wide or narrow.
func hasOtherLetters(s string) bool {
	return strings.ContainsFunc(fold(s), func(r rune) bool { return r >= 0x80 && unicode.IsLetter(r) })
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// guardedAnswer is answer, and an explanation where that panics.
func (d *dispatcher) guardedAnswer(ctx context.Context, c *chat, t task) (a response) {
	defer func() {
		if v := recover(); v != nil {
			a = d.fail(t, failure{err: panicked("answering", v)})
		}
	}()
	return d.answer(ctx, c, t)
}

// answer returns what to say to t.
func (d *dispatcher) answer(ctx context.Context, c *chat, t task) response {
	switch {
	case !d.readable(t.Message) && !t.Chat.Group:
		return d.personal(t, entryNotText)
	case !d.readable(t.Message):
		return response{text: d.explain(t, entryNotText)}
	case t.text == "" && !d.carries(t.Message):
		return response{text: d.shortHelp(t)}
	case tooLong(t.text, d.o.MaxMessage):
		return d.personal(t, entryTooLong)
	}
	if cmd, args, ok := d.commands.parse(t.text); ok && t.Kind == KindText {
		return response{text: d.command(cmd, call{task: t, chat: c, args: args, out: d.out})}
	}
	if text, ok := d.goesOn(ctx, t); ok {
		return response{text: text, sequel: true}
	}
	if over := d.overLimit(ctx, t, time.Now()); over != nil {
		return *over
	}
	return d.ask(ctx, c, t, time.Now())
}

// tooLong reports whether s has more than n runes, without counting much more.
func tooLong(s string, n int) bool {
	return len(s) > n && len(cutRunes(s, n)) < len(s)
}
