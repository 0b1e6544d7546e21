package bot

import (
	"context"
	"time"
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

// response is what to say to a message, and what to remember of it when it is said.
type response struct {
	text string // empty: the relay stops before there is one
	turn *turn  // nil: nothing
}

// conclude answers t. The answer is said while the next message is worked on, but
// no more than one: what waits to be sent stays bounded.
func (d *dispatcher) conclude(c *chat, t task, s *speech) {
	defer t.end(nil)
	t.tag, t.how = d.language(t)
	var a response
	if t.work.Err() == nil {
		a = d.guardedAnswer(t.work, c, t)
	}
	select {
	case <-s.unsaid:
	case <-t.work.Done():
	}
	if !t.decide(answered) {
		d.o.Logger.Info("taken back", "chat", d.hash(c.id))
		return
	}
	if a.text == "" && !s.told[t.Sender.ID] {
		s.told[t.Sender.ID] = true
		a.text = d.explain(t, entryRestarting)
	}
	if a.turn != nil {
		c.memory.add(*a.turn, time.Now())
	}
	if a.text != "" {
		t.reply = d.reply(t, a.text)
		d.out.put(t.reply)
		s.unsaid = t.reply.done
	}
}

func closedChan() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// reply lays text out for the chat it goes to: the asker's name in front in a
// group, cut into the channel's parts.
func (r *Relay) reply(t task, text string) *reply {
	switch {
	case t.Chat.Group:
		text = mention(t.Sender.Name) + text
	default:
		text = r.o.PrivateReplyPrefix + text
	}
	out := &reply{chat: t.Chat, heard: t.heard, parts: split(text, r.limits, r.o.Catalogue.Say(t.tag, "cut_notice"))}
	out.id = r.ids.take(len(out.parts))
	if r.traits.ReplyWindow > 0 {
		out.until = t.heard.Add(r.traits.ReplyWindow)
	}
	return out
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
// says nothing about it.
func (r *Relay) language(t task) (tag, how string) {
	text := t.text
	if _, _, ok := r.commands.parse(text); ok && isASCII(fold(text)) || t.Kind != KindText {
		text = ""
	}
	return r.languages.choose(t.Sender.ID, text)
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
			a = response{text: d.fail(t, failure{err: panicked("answering", v)})}
		}
	}()
	return d.answer(ctx, c, t)
}

// answer returns what to say to t.
func (d *dispatcher) answer(ctx context.Context, c *chat, t task) response {
	switch {
	case t.Kind != KindText:
		return response{text: d.explain(t, entryNotText)}
	case t.text == "":
		return response{text: d.shortHelp(t)}
	case tooLong(t.text, d.o.MaxMessage):
		return response{text: d.explain(t, entryTooLong)}
	}
	if cmd, args, ok := d.commands.parse(t.text); ok {
		return response{text: d.command(cmd, call{task: t, chat: c, args: args, out: d.out})}
	}
	return d.ask(ctx, c, t, time.Now())
}

// tooLong reports whether s has more than n runes, without counting much more.
func tooLong(s string, n int) bool {
	return len(s) > n && len(cutRunes(s, n)) < len(s)
}
