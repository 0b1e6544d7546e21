package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// claim takes the lease as soon as it is free.
func (a *Account) claim(ctx context.Context) error {
	level := slog.LevelWarn // of the first failure
	for {
		taken, err := a.take(ctx)
		switch {
		case taken:
			return nil
		case err != nil && ctx.Err() == nil && !a.db.dialect().ttl:
			return err
		case err != nil:
			a.db.log.Log(ctx, level, "claim account", "account", a.name, "error", err)
			level = slog.LevelDebug
		default:
			level = slog.LevelWarn
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-a.ctx.Done():
			return errClosed
		case <-time.After(a.db.times.poll):
		}
	}
}

// take tries once.
func (a *Account) take(ctx context.Context) (taken bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.db.times.ttl/4)
	defer cancel()
	from := time.Now()
	err = a.db.write(ctx, func(t *tx) (err error) {
		ttl := int64(0)
		if a.sql.free != "" {
			ttl = a.db.times.ttl.Microseconds()
			if _, err := t.exec(a.sql.free, a.name, a.node); err != nil {
				return err
			}
		}
		taken, err = t.one(a.sql.take, []any{a.name, a.node, ttl}, &a.fence)
		return err
	})
	if taken = taken && err == nil; taken {
		a.extend(from)
	}
	return taken, err
}

// extend notes that the lease lasts from a moment before it was renewed.
func (a *Account) extend(from time.Time) {
	if a.db.dialect().ttl {
		until := from.Add(a.db.times.ttl - a.db.times.margin)
		a.until.Store(&until)
	}
}

// keep renews the lease until the account is not ours any more.
func (a *Account) keep() {
	end := time.AfterFunc(time.Until(*a.until.Load()), func() { a.end(bot.ErrNotOwner) })
	defer end.Stop()
	wait := a.db.times.renew
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-time.After(wait):
		}
		if !a.Owns() {
			a.end(bot.ErrNotOwner)
			return
		}
		wait = a.db.times.renew
		if err := a.renew(); err != nil && a.ctx.Err() == nil {
			a.db.log.Warn("renew lease", "account", a.name, "error", err)
			wait /= 4
		}
		end.Reset(time.Until(*a.until.Load()))
	}
}

func (a *Account) renew() error {
	ctx, cancel := context.WithTimeout(a.ctx, a.db.times.renew)
	defer cancel()
	from := time.Now()
	err := a.db.write(ctx, func(t *tx) error {
		n, err := t.exec(a.sql.renew, a.name, a.node, a.fence, a.db.times.ttl.Microseconds())
		if err == nil && n == 0 {
			err = bot.ErrNotOwner
		}
		return err
	})
	if errors.Is(err, bot.ErrNotOwner) {
		a.told.Store(true)
		a.end(bot.ErrNotOwner)
		return err
	}
	if err == nil {
		a.extend(from)
	}
	return err
}
