package ilink

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// link is the use of credentials from one beginning to one end.
type link struct {
	*Channel
	*login
	ear      bot.Ear
	how      how
	since    time.Time
	disowned atomic.Bool // another process has the account now

	cursor  string
	moved   bool          // and not kept as it is
	hold    time.Duration // how long a poll may take
	greeted bool          // the relay knows of this login
	shown   bool          // and the operator
	pleaded bool          // WeChat was asked to go on, and no poll succeeded since
	revived time.Time     // when it was last asked so after an end
	misses  int           // polls that failed in a row
	lived   bool          // a poll succeeded
}

// how is how a link begins.
type how int

const (
	scanned how = iota // somebody has just scanned
	resumed            // an earlier process was logged in
	probing            // the session was over; it may work again, or not
)

// live uses credentials until ctx ends or the session is over, which it says. If it
// was over before, that is tried in silence and with one request. It reports
// whether the session did work.
func (c *Channel) live(ctx context.Context, ear bot.Ear, l *login, begin how) bool {
	k := &link{Channel: c, login: l, ear: ear, how: begin, since: time.Now(), hold: c.opt.pauses.poll}
	k.restoreCursor(ctx)
	if begin != probing {
		c.link.Store(k)
		c.courier.wake()
		k.begin(ctx)
		if !k.greet(ctx) || !k.hear(ctx) {
			k.leave(ctx)
			return true
		}
	}
	f := k.listen(ctx)
	if f == nil {
		k.leave(ctx)
		return true
	}
	c.link.Store(nil)
	if begin == probing && !k.lived {
		c.log.Info("the old WeChat session is still over")
		return false
	}
	c.log.Error("the WeChat session is over", "error", f)
	c.show(Login{State: LoginLost, Fault: f})
	return true
}

// leave notes why ctx ended. Replies can still be sent.
func (k *link) leave(ctx context.Context) {
	k.disowned.Store(errors.Is(context.Cause(ctx), bot.ErrNotOwner))
}

func (k *link) restoreCursor(ctx context.Context) {
	var at cursor
	if _, err := k.recall(ctx, nameCursor, &at); err != nil {
		k.log.Warn("the place in the stream of messages cannot be read; beginning with what is new", "error", err)
	}
	if at.Bot == k.Bot && len(at.Text) <= maxCursor {
		k.cursor = at.Text
	}
}

// begin tells WeChat that the bot listens. Nothing depends on it.
func (k *link) begin(ctx context.Context) {
	f := k.notify(ctx, "msg/notifystart", sideTime)
	if f == nil {
		k.confirm()
	}
	k.pleaded = f == nil || f.Ret == retOver
}

func (k *link) notify(ctx context.Context, endpoint string, limit time.Duration) *troubleshoot.Fault {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	in := struct {
		Base baseInfo `json:"base_info"`
	}{k.client.base()}
	_, f := k.client.post(ctx, k.login, troubleshoot.PhaseLogin, endpoint, in, &outcome{})
	if f != nil {
		k.log.Debug("not told to WeChat", "what", endpoint, "error", f, "cause", cause(f))
	}
	return f
}

// confirm says once that the login works.
func (k *link) confirm() {
	if !k.shown {
		k.shown = true
		k.log.Info("logged in to WeChat", "hot", k.how != scanned)
		k.show(Login{State: LoginConfirmed, Hot: k.how != scanned})
	}
}

// greet tells the relay of the login, until it can take messages.
func (k *link) greet(ctx context.Context) bool {
	k.greeted = k.insist(ctx, "the relay cannot take messages", func() error {
		return k.ear.LoggedIn(context.WithoutCancel(ctx), "")
	})
	return k.greeted
}

// insist repeats what must succeed until it does or ctx ends. It is tried at
// least once.
func (k *link) insist(ctx context.Context, problem string, try func() error) bool {
	retry := k.newBackoff()
	for n := 0; ; n++ {
		err := try()
		if err == nil {
			return true
		}
		wait := retry.NextBackOff()
		if n == 0 {
			k.log.Warn(problem+"; trying again", "error", err, "wait", wait)
		}
		if pause(ctx, wait); ctx.Err() != nil {
			return false
		}
	}
}

// hear has the messages heard that were fetched, and keeps them in the vault as
// long as they are not. No poll is made meanwhile. It reports false when ctx
// ended first; they stay where they are for the next Run.
func (k *link) hear(ctx context.Context) bool {
	if len(k.batch) == 0 {
		k.saveCursor(ctx)
		return true
	}
	if !k.greeted && !k.greet(ctx) {
		k.keepBatch(ctx)
		return false
	}
	heard := k.insist(ctx, "messages could not be heard", func() error {
		err := k.ear.Hear(context.WithoutCancel(ctx), k.batch)
		if err != nil {
			k.keepBatch(ctx)
		}
		return err
	})
	if !heard {
		return false
	}
	if k.batch = nil; k.kept {
		k.kept = false
		k.remove(ctx, nameUnheard)
	}
	k.saveCursor(ctx)
	k.courier.wake()
	return true
}

// saveCursor keeps the place in the stream, once all before it was heard.
func (k *link) saveCursor(ctx context.Context) {
	if !k.moved {
		return
	}
	k.moved = false
	if err := k.store(ctx, nameCursor, cursor{k.Bot, k.cursor}); err != nil {
		k.log.Warn("the place in the stream of messages was not saved", "error", err)
	}
}

// keepBatch keeps what was fetched and not heard, if the vault can.
func (k *link) keepBatch(ctx context.Context) {
	if k.kept {
		return
	}
	if err := k.store(ctx, nameUnheard, k.batch); err != nil {
		k.log.Debug("messages not kept either", "error", err)
		return
	}
	k.kept = true
}
