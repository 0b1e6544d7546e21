package bot

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// prepare makes ready for a login: what admins turned is as they left it, and
// where nobody but the owner is an admin, an invitation to become one is made.
func (d *dispatcher) prepare(login string) error {
	err := d.once(func(ctx context.Context) error { return d.switches.load(ctx, d.store, login) })
	if err == nil {
		err = d.once(func(ctx context.Context) error { return d.forgetCode(ctx, login) })
	}
	if err == nil {
		err = d.once(func(ctx context.Context) error { return d.sequels.load(ctx, d.store, login, time.Now()) })
	}
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if d.o.Invite == nil || slices.Contains(d.invited, login) || len(d.o.Admins) > 0 && d.traits.StableIDs {
		return nil
	}
	return d.once(func(ctx context.Context) error { return d.invite(ctx, login) })
}

// forgetCode ends a code that was made for an earlier login, and what was kept of
// the people who paired in it.
func (d *dispatcher) forgetCode(ctx context.Context, login string) error {
	set, err := d.store.Settings(ctx, scopeBot)
	if err != nil || set[nameLogin] == login {
		return err
	}
	if err := d.store.Set(ctx, ScopePairing, NamePairing, ""); err != nil {
		return err
	}
	if err := d.admins.forget(ctx, login); err != nil {
		return err
	}
	return d.store.Set(ctx, scopeBot, nameLogin, login)
}

// invite makes an offer, once in a login, if nobody has paired in it.
func (d *dispatcher) invite(ctx context.Context, login string) error {
	all, err := d.admins.list(ctx, login)
	if err != nil || len(all) > 0 {
		return err
	}
	code, value := NewOffer(time.Now())
	if err := d.store.Set(ctx, ScopePairing, NamePairing, value); err != nil {
		return err
	}
	d.invited = append(d.invited, login)
	d.o.Invite(code)
	return nil
}
