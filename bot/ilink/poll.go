package ilink

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Bounds of a poll.
const (
	maxCursor = 256 << 10 // bytes
	maxHold   = 2 * time.Minute
)

// listen polls until ctx ends (nil) or the session is over.
func (k *link) listen(ctx context.Context) *troubleshoot.Fault {
	retry := k.newBackoff()
	for ctx.Err() == nil {
		began := time.Now()
		n, f := k.poll(ctx)
		if !k.hear(ctx) || ctx.Err() != nil {
			return nil
		}
		if f == nil {
			k.well(ctx, retry)
			if n == 0 && time.Since(began) < k.opt.pauses.breath {
				pause(ctx, k.opt.pauses.breath)
			}
			continue
		}
		if f.Ret == retOver {
			if k.pleaded || k.how == probing && !k.lived || time.Since(k.revived) < k.opt.pauses.revive {
				return f
			}
			k.revive(ctx)
			continue
		}
		k.endure(ctx, f, time.Since(began), retry)
	}
	return nil
}

// revive asks WeChat to go on with a session that it says is over. The next poll
// tells.
func (k *link) revive(ctx context.Context) {
	k.log.Info("WeChat says that the session is over; asking it to go on")
	k.revived, k.pleaded = time.Now(), true
	k.notify(ctx, "msg/notifystart", sideTime)
}

// well notes that a poll succeeded, and where the next one begins.
func (k *link) well(ctx context.Context, retry *backoff.ExponentialBackOff) {
	if k.misses >= troubling {
		k.log.Info("WeChat can be reached again")
		if k.shown {
			k.show(Login{State: LoginBack})
		}
	}
	k.misses, k.lived, k.pleaded = 0, true, false
	retry.Reset()
	if k.Channel.link.Load() == nil { // a probe found the session alive
		k.Channel.link.Store(k)
	}
	if !k.greeted {
		k.greet(ctx)
	}
	k.confirm()
}

// troubling is how many polls must fail in a row before somebody is told.
const troubling = 3

// endure waits after a poll that failed. That a poll which was held ends with a
// time-out, ours or a gateway's, is ordinary.
func (k *link) endure(ctx context.Context, f *troubleshoot.Fault, took time.Duration, retry *backoff.ExponentialBackOff) {
	timeout := f.Net == troubleshoot.NetTimeout || f.Status == 504 || f.Status == 524
	if timeout && took >= k.opt.pauses.long {
		k.log.Debug("a poll ended without an answer", "error", f)
		return
	}
	wait := retry.NextBackOff()
	switch k.misses++; {
	case k.misses == troubling:
		k.log.Warn("WeChat cannot be reached", "error", f, "cause", cause(f), "wait", wait)
		k.show(Login{State: LoginWaiting, Fault: f, Wait: wait})
	default:
		k.log.Debug("a poll failed", "error", f, "cause", cause(f), "wait", wait)
	}
	pause(ctx, wait)
}

// poll waits for messages and puts them where hear finds them. With a fault there
// may be some, too. It returns how many came.
func (k *link) poll(ctx context.Context) (int, *troubleshoot.Fault) {
	in := struct {
		Cursor string   `json:"get_updates_buf"`
		Base   baseInfo `json:"base_info"`
	}{k.cursor, k.client.base()}
	r, f := k.client.prepare(k.login, troubleshoot.PhaseSync, "getupdates", in)
	if f != nil {
		return 0, f
	}
	stay, end := k.staying(ctx)
	defer end()
	r.limit, r.stay = largeAnswer, stay
	// What an answer that has begun brings is read to its end: it would be lost.
	polling, cancel := context.WithTimeout(context.WithoutCancel(ctx), k.hold+k.opt.pauses.grace)
	defer cancel()
	body, f := k.client.do(polling, r)
	if f != nil && len(body) == 0 {
		return 0, f
	}
	u, messages, err := readUpdates(body)
	switch {
	case u.code() != 0:
		f = refusal(troubleshoot.PhaseSync, u, k.Token)
	case err != nil && f == nil:
		f = malformed(troubleshoot.PhaseSync, err)
	}
	k.take(ctx, u, messages, f == nil)
	return len(messages), f
}

// brisk is how lately somebody must have wrote for another message to be likely while
// a poll lingers. Without one the wait is for nothing.
const brisk = 30 * time.Second

// staying returns the context of a poll, which outlives ctx a little unless the
// account is another process's now. The function returned ends it.
func (k *link) staying(ctx context.Context) (context.Context, func()) {
	wrote := k.wrote
	stay, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if time.Since(wrote) < brisk && !errors.Is(context.Cause(ctx), bot.ErrNotOwner) {
			pause(stay, max(k.opt.Linger, 0))
		}
		cancel()
	})
	return stay, func() { stop(); cancel() }
}

// take makes messages of an answer ready to be heard, and keeps what replies to
// them need.
func (k *link) take(ctx context.Context, u updates, messages []json.RawMessage, whole bool) {
	if hold := time.Duration(u.Timeout) * time.Millisecond; hold > 0 {
		k.hold = min(max(hold, time.Second), maxHold)
	}
	for _, raw := range messages {
		k.arrive(raw)
	}
	if len(messages) > 0 {
		k.wrote = time.Now()
	}
	k.book.flush(ctx)
	if text := string(u.Cursor); whole && text != "" && len(text) <= maxCursor && text != k.cursor {
		k.cursor, k.moved = text, true
	}
}
