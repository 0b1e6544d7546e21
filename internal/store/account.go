package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/diagbot/diagbot/bot"
)

var _ bot.Store = (*Account)(nil)

// Account is the state of one account, while this process owns it. It is safe
// for concurrent use.
type Account struct {
	db         *DB
	name, node string
	fence      int64
	sql        leaseSQL

	number atomic.Int64 // the last one given to a message or a deed
	doubt  doubt

	ctx   context.Context
	end   context.CancelCauseFunc
	until atomic.Pointer[time.Time] // by our own clock; nil: it does not end by itself
	told  atomic.Bool               // that it is another's, by the database
	once  sync.Once                 // Release
}

// errReleased is the cause of an Account's context after Release and Close.
var errReleased = errors.New("the account was handed back")

// Claim waits until nobody owns an account, and takes it. node names this
// process among all that share the database: a process of the same name takes
// over at once, any other when the lease has ended. It fails when ctx ends.
func (db *DB) Claim(ctx context.Context, account, node string) (*Account, error) {
	if err := db.lock.add(ctx); err != nil {
		return nil, fmt.Errorf("claim account: %w", err)
	}
	a := &Account{db: db, name: short(account), node: short(node), sql: db.dialect().lease()}
	a.ctx, a.end = context.WithCancelCause(db.ctx)
	if err := a.claim(ctx); err != nil {
		a.end(err)
		db.lock.remove()
		return nil, fmt.Errorf("claim account: %w", err)
	}
	// Numbers are never used again: each owner has its own 2^32.
	a.number.Store(a.fence << 32)
	if err := a.sealAll(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("encrypt logins: %w", err), a.Release(ctx))
	}
	if db.dialect().ttl {
		db.running.Go(a.keep)
	}
	db.supersede(a)
	db.startSweeping()
	return a, nil
}

// supersede ends what an account was claimed as before, by this process.
func (db *DB) supersede(a *Account) {
	db.mu.Lock()
	old := db.owned[a.name]
	db.owned[a.name] = a
	db.mu.Unlock()
	if old != nil {
		old.end(bot.ErrNotOwner)
	}
}

// Owns reports whether the account is this process's at this moment, by its own
// clock. A computer that slept or a process that was stopped knows it at once.
func (a *Account) Owns() bool {
	if a.ctx.Err() != nil {
		return false
	}
	until := a.until.Load()
	return until == nil || before(time.Now(), *until)
}

// before compares both clocks: the one that never jumps stands still while a
// computer sleeps.
func before(now, until time.Time) bool {
	return now.Before(until) && now.Round(0).Before(until.Round(0))
}

// Context ends when the account is no longer this process's, with the cause
// bot.ErrNotOwner if another may own it now.
func (a *Account) Context() context.Context { return a.ctx }

// Expired reports whether the lease has ended by our own clock, without a word from
// the database: it could not be reached in time, or this process did not run.
func (a *Account) Expired() bool { return !a.Owns() && a.until.Load() != nil && !a.told.Load() }

// Release hands the account back, for the next process to take at once. Nothing
// can be written afterwards.
func (a *Account) Release(ctx context.Context) (err error) {
	a.once.Do(func() {
		err = a.write(ctx, "release account", func(t *tx) error {
			_, err := t.exec(a.sql.release, a.name, a.node, a.fence)
			return err
		})
		a.end(errReleased)
		a.db.lock.remove()
	})
	if errors.Is(err, bot.ErrNotOwner) {
		return nil // there is nothing to hand back
	}
	return err
}

// write runs job in a transaction in which the account is ours.
func (a *Account) write(ctx context.Context, what string, job func(*tx) error) error {
	return a.writeBy(ctx, a.db.write, what, job)
}

// writeLater is write for a job that need not be done at once.
func (a *Account) writeLater(ctx context.Context, what string, job func(*tx) error) error {
	return a.writeBy(ctx, a.db.writeLater, what, job)
}

func (a *Account) writeBy(ctx context.Context, write func(context.Context, func(*tx) error) error, what string, job func(*tx) error) error {
	err := bot.ErrNotOwner
	switch {
	case a.db.ctx.Err() != nil:
		err = errClosed
	case a.Owns():
		err = write(ctx, func(t *tx) error {
			if err := t.holds(a); err != nil {
				return err
			}
			return job(t)
		})
		a.told.CompareAndSwap(false, errors.Is(err, bot.ErrNotOwner))
	}
	if errors.Is(err, bot.ErrNotOwner) {
		a.end(bot.ErrNotOwner)
	}
	return wrap(what, err)
}

func (a *Account) read(ctx context.Context, what string, job func(*tx) error) error {
	return wrap(what, a.db.read(ctx, job))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
