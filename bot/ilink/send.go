package ilink

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Send says one part of a reply; see [bot.Channel]. A part that WeChat refuses, or
// that must wait behind one, is kept and said after the person's next message, in
// order; Send returns nil for it. Its faults carry WeChat's code in Ret, and the
// code "maybe_sent" when the message may have arrived all the same; a part said
// again has the same client_id.
func (c *Channel) Send(ctx context.Context, p bot.Part) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSend, fmt.Errorf("panic: %v", v))
		}
	}()
	text, k, done, f := c.ready(ctx, p)
	if f != nil {
		return f
	}
	defer done()
	if f := k.catchUp(ctx, p.To.ID, true); f != nil {
		return f
	}
	l := letter{ID: p.ID, Text: text, At: time.Now()}
	if c.book.waits(p.To.ID) {
		return c.keep(ctx, p.To.ID, l)
	}
	v := c.book.pass(p.To.ID, k.Bot)
	f = k.say(ctx, p.To.ID, l, v, true)
	switch {
	case f == nil:
		return nil
	case f.Ret == retRefused:
		c.holdBack(p.To.ID, f, v)
		return c.keep(ctx, p.To.ID, l)
	}
	return f
}

// ready checks a part and waits for its turn in its chat, which done gives back.
func (c *Channel) ready(ctx context.Context, p bot.Part) (text string, k *link, done func(), _ *troubleshoot.Fault) {
	text, f := prepare(p.Text)
	if f != nil {
		return "", nil, nil, f
	}
	if !isUser(p.To.ID) {
		return "", nil, nil, unfit("to somebody without an id")
	}
	if k = c.link.Load(); k == nil {
		return "", nil, nil, notLoggedIn()
	}
	done, err := c.book.turn(ctx, p.To.ID)
	if err != nil {
		return "", nil, nil, netFault(troubleshoot.PhaseSend, err)
	}
	return text, k, done, nil
}

// prepare checks a text and makes it fit to send.
func prepare(text string) (string, *troubleshoot.Fault) {
	text = strings.TrimRight(clean(text), "\n ")
	switch {
	case strings.TrimSpace(text) == "":
		return "", unfit("an empty message")
	case len(text) > partBytes || utf8.RuneCountInString(text) > partRunes:
		return "", unfit("a part over the limits of the channel")
	}
	return text, nil
}

// say sends a text with the token of the person's newest message, and once without
// any if that is refused for no reason we know of: a stale one is worse than none.
func (k *link) say(ctx context.Context, user string, l letter, v pass, twice bool) *troubleshoot.Fault {
	item := map[string]any{"type": itemText, "text_item": map[string]string{"text": l.Text}}
	id, f := k.submit(ctx, user, clientID(l.ID), item, v, twice)
	if f == nil {
		k.quotes.add(string(id), l.Text, nil)
		k.tickets.over(user, k.courier)
	}
	return f
}

// clientID names a part to WeChat: the same for the same part.
func clientID(part int64) string { return "diagbot-" + strconv.FormatInt(part, 10) }

// submit sends one item.
func (k *link) submit(ctx context.Context, user, client string, item any, v pass, twice bool) (id ident, f *troubleshoot.Fault) {
	id, f = k.submitOnce(ctx, user, client, item, v.token)
	if f != nil && f.Ret == retRefused && twice && v.left && v.token != "" {
		if again, g := k.submitOnce(ctx, user, client, item, ""); g == nil || g.Ret != retRefused {
			id, f = again, g
		}
	}
	if f == nil {
		k.book.said(user)
	}
	return id, f
}

func (k *link) submitOnce(ctx context.Context, user, client string, item any, token string) (ident, *troubleshoot.Fault) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	in := sendRequest{
		Msg: outgoing{
			To: user, ClientID: client, Type: fromBot, State: stateFinished, Items: [1]any{item}, Token: token,
		},
		Base: k.client.base(),
	}
	var out sendAnswer
	written, f := k.client.post(ctx, k.login, troubleshoot.PhaseSend, "sendmessage", in, &out)
	if f != nil {
		return "", ambiguous(f, written)
	}
	return out.ID, nil
}

// keep keeps a part until the person writes again.
func (c *Channel) keep(ctx context.Context, user string, l letter) error {
	err := c.book.keep(user, l)
	c.book.flush(ctx)
	if err != nil {
		c.log.Warn("a reply WeChat refused is dropped", "reason", err)
		return closed(err)
	}
	c.courier.wake() // they may have written meanwhile
	return nil
}

// holdBack stops sending to somebody until they write, and says so: to the log each
// time, to the operator now and then.
func (c *Channel) holdBack(user string, f *troubleshoot.Fault, v pass) {
	if c.book.refuse(user, v) {
		c.courier.later(user)
	}
	c.log.Warn("WeChat takes no reply for a chat; it is kept until the person writes again", "error", f, "said", f.Message)
	now := time.Now()
	last := c.held.Load()
	if now.Sub(time.Unix(0, last)) >= time.Hour && c.held.CompareAndSwap(last, now.UnixNano()) {
		c.show(Login{State: LoginHeld, Fault: f})
	}
}

// catchUp says what is kept for somebody, as far as WeChat takes it; the turn is
// the caller's. It returns a fault if what follows has no chance either.
func (k *link) catchUp(ctx context.Context, user string, twice bool) *troubleshoot.Fault {
	for changed := false; ; changed = true {
		l, ok := k.book.next(user)
		if !ok {
			if changed {
				k.book.flush(ctx)
			}
			return nil
		}
		v := k.book.pass(user, k.Bot)
		f := k.say(ctx, user, l, v, twice)
		switch {
		case f == nil:
			k.book.done(user, l.ID)
		case f.Ret == retRefused:
			k.holdBack(user, f, v)
		default:
			if f = k.missed(user, l, f); f != nil {
				k.book.flush(ctx)
				return f
			}
		}
	}
}

// missed decides about a kept part that did not get through, though nothing says
// that no other would. It returns nil if the part is done with.
func (k *link) missed(user string, l letter, f *troubleshoot.Fault) *troubleshoot.Fault {
	unsure := f.Code == bot.MaybeSent
	if counts := unsure || f.Ret != 0 && f.Ret != retOver; !counts {
		return f // the network or the login: for as long as it takes
	}
	if k.book.missed(user, l.ID, unsure) {
		plain := *f // about another part than the caller's
		plain.Code = ""
		return &plain
	}
	k.log.Warn("a kept reply is done with", "error", f, "unsure", unsure)
	k.book.done(user, l.ID)
	return nil
}
