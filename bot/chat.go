package bot

import (
	"context"
	"time"
)

// serve concludes the messages of one chat in order, until its mailbox closes.
// The answer to a message is said while the next one is worked on, but no more
// than one: what waits to be sent stays bounded.
func (d *dispatcher) serve(c *chat, mailbox <-chan task) {
	unsaid := closedChan()
	told := make(map[string]bool) // who knows that we are stopping
	for t := range mailbox {
		t.tag, t.how = d.language(t)
		text := ""
		if d.work.Err() == nil {
			text = d.guardedAnswer(d.work, c, t)
		}
		d.wait(unsaid)
		if text == "" && !told[t.Sender.ID] {
			told[t.Sender.ID] = true
			text = d.explain(t, entryRestarting)
		}
		if text != "" {
			r := d.reply(t, text)
			d.out.put(r)
			unsaid = r.done
		}
		d.done <- c
	}
}

// wait blocks until the reply before has been said, or time is short.
func (d *dispatcher) wait(unsaid <-chan struct{}) {
	select {
	case <-unsaid:
	case <-d.work.Done():
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
func (d *dispatcher) guardedAnswer(ctx context.Context, c *chat, t task) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = d.fail(t, panicked("answering", v), 0)
		}
	}()
	return d.answer(ctx, c, t)
}

// answer returns what to say to t; empty when the relay stops before it is known.
func (d *dispatcher) answer(ctx context.Context, c *chat, t task) string {
	switch {
	case t.Kind != KindText:
		return d.explain(t, entryNotText)
	case t.text == "":
		return d.shortHelp(t)
	case tooLong(t.text, d.o.MaxMessage):
		return d.explain(t, entryTooLong)
	}
	if cmd, args, ok := d.commands.parse(t.text); ok {
		return d.command(cmd, call{task: t, chat: c, args: args})
	}
	return d.ask(ctx, c, t, time.Now())
}

// tooLong reports whether s has more than n runes, without counting much more.
func tooLong(s string, n int) bool {
	return len(s) > n && len(cutRunes(s, n)) < len(s)
}
