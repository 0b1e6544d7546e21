package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/troubleshoot"
)

// desk is an account of the office, whether or not it is this process's.
type desk struct {
	*office
	account configs.Account
	node    string      // we claim the account as
	failing atomic.Bool // the operator was told of a store that fails, and not of the end of that
	unsure  bool        // whether the store can be reached, as our lease could not be renewed
}

// serveOne answers for an account whenever it is this process's. An account that was
// given up is tried again when an admin asks for that in another account's chat.
func (o *office) serveOne(ctx context.Context, account configs.Account) error {
	d := &desk{office: o, account: account, node: o.node}
	for {
		err := d.serve(ctx)
		if err == nil || !o.doors.again(ctx, account.Name) {
			return err
		}
	}
}

// serve answers until ctx ends (nil) or the account is given up.
func (d *desk) serve(ctx context.Context) error {
	for {
		owned, err := d.claim(ctx)
		if err != nil {
			_ = d.ended(d.account.Name, err)
			return d.storeBad(d.cfg, err)
		}
		if owned == nil {
			return nil // ctx has ended
		}
		err = d.attend(ctx, owned)
		d.release(owned)
		switch {
		case !errors.Is(err, bot.ErrNotOwner):
			return d.ended(d.account.Name, err)
		case ctx.Err() != nil: // whoever stops us need not know
			return nil
		}
		d.unsure = owned.Expired()
		d.lost()
	}
}

// lost tells that the lease is gone: to another process or, where the store could
// not be reached, maybe to nobody. Another process of our name would let itself be
// robbed as it has robbed us, so we take one that nobody else has.
func (d *desk) lost() {
	d.doors.away(d.account.Name)
	d.node = fmt.Sprintf("%s-%08x", d.office.node, rand.Uint32())
	d.logger.Warn("the account is not ours any more", "account", d.account.Name, "store_fails", d.failing.Load())
	key := "serve_not_owner"
	if d.failing.Load() || d.unsure {
		key = "serve_unreached"
	}
	d.print(d.account.Name, d.say(key))
}

const (
	claimPatience = 500 * time.Millisecond // how long claiming takes where nobody else owns the account
	reachPatience = 3 * time.Second        // how long it takes to see that somebody does
)

// claim waits until the account is this process's. It returns nil when ctx ends.
func (d *desk) claim(ctx context.Context) (*store.Account, error) {
	if owned := d.reach(ctx); owned != nil || ctx.Err() != nil {
		return owned, nil
	}
	d.pulse.set(d.account.Name, "waiting")
	note := time.AfterFunc(claimPatience, func() {
		d.doors.away(d.account.Name)
		d.print(d.account.Name, d.say("serve_waiting_turn"))
	})
	defer note.Stop()
	owned, err := d.db.Claim(ctx, d.account.Name, d.node)
	if err != nil && ctx.Err() != nil {
		return nil, nil
	}
	return owned, err
}

// reach waits until a store that failed, or may have, answers again. It returns the
// account if nobody else has it by then.
func (d *desk) reach(ctx context.Context) (owned *store.Account) {
	for (d.failing.Load() || d.unsure) && ctx.Err() == nil {
		d.pulse.set(d.account.Name, "unreached")
		trying, cancel := context.WithTimeout(ctx, reachPatience)
		var err error
		owned, err = d.db.Claim(trying, d.account.Name, d.node)
		cancel()
		var trouble *store.Error
		switch {
		case owned == nil && ctx.Err() != nil:
		case owned == nil && errors.As(err, &trouble):
			d.unreached(trouble)
		default:
			d.reached()
		}
	}
	return owned
}

// unreached tells that the store fails, unless that was told.
func (d *desk) unreached(why *store.Error) {
	if d.failing.Load() {
		return
	}
	f := &troubleshoot.Fault{Source: troubleshoot.SourceBot, Code: "store_failing", Detail: why.Error(), Cause: why}
	d.logger.Error("the store fails", "account", d.account.Name, "fault", f, "cause", why)
	d.trouble(bot.TroubleStore, f)
}

// reached tells that the store works, if it was told that it does not.
func (d *desk) reached() {
	d.unsure = false
	if d.failing.Load() {
		d.trouble(bot.TroubleStore, nil)
	}
}

// attend answers for an account until ctx ends (nil), another process owns it
// (bot.ErrNotOwner), or WeChat refuses it.
func (d *desk) attend(ctx context.Context, owned *store.Account) error {
	owning, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(owned.Context(), func() { stop(bot.ErrNotOwner) })()
	name := d.account.Name
	if err := d.control.join(owning, name, owned); err != nil {
		d.logger.Warn("what admins changed was not read", "account", name, "error", err)
	}
	defer d.control.leave(name)
	if err := d.alarm.recall(owning, name, owned.Settings); err != nil {
		d.logger.Warn("what alerts told was not read", "account", name, "error", err)
	}
	defer d.alarm.leave(name)
	channel, done := d.channel(owned)
	defer done()
	defer d.doors.opens(name, channel)()
	options := relayOptions(d.cfg)
	options.Account, options.Channel, options.Store = name, channel, owned
	options.Completer, options.Sources, options.Prober = d.client, d.client, d.client
	options.Catalogue, options.Logger, options.Trouble = d.catalogue(), d.logger, d.trouble
	options.Redactor, options.Control, options.Draw, options.Invite = d.redactor, d.control, drawn, func(code string) { d.invite(name, code) }
	options.Outage = func(o bot.Outage) { d.alarm.outage(name, o) }
	options.Admins, options.AdminRemarks = d.account.Admins, d.cfg.AdminRemarks
	options.LoginByAdmins = d.cfg.LoginLinks == configs.LoginLinksAdmins
	options.DigestHour = digestHour(d.cfg.DigestHour)
	if len(d.cfg.Accounts) > 1 {
		options.Logins = others{d.office, name}
	}
	relay, err := bot.New(options)
	if err != nil {
		return err
	}
	d.control.serves(name, relay)
	err = relay.Run(owning)
	switch {
	case context.Cause(owning) == bot.ErrNotOwner, errors.Is(err, bot.ErrNotOwner):
		return bot.ErrNotOwner
	case err == nil || errors.Is(err, context.Canceled):
		return nil
	case troubleshoot.FaultOf(err).Source == troubleshoot.SourceWeChat:
		return statusLost // the login view has explained it
	}
	d.print(name, d.say("serve_lost"))
	return err
}

// digestHour is the configured hour as the relay counts: midnight is 24.
func digestHour(configured int) int {
	if configured == 0 {
		return 24
	}
	return max(configured, 0)
}

// trouble tells the operator of something that began, or ended if f is nil, and
// that nobody can be told in a chat.
func (d *desk) trouble(kind string, f *troubleshoot.Fault) {
	name := d.account.Name
	d.failing.Store(f != nil)
	if f == nil {
		d.pulse.set(name, "online")
		d.print(name, d.say("trouble_over"))
		d.alarm.over(name, d.say("trouble_over"), kind)
		return
	}
	d.pulse.set(name, "store")
	d.print(name, "\n"+d.explanation(f)+"\n")
	d.alarm.tell(name, kind, f)
}
