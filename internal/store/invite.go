package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// Setting is one setting of an account; see [Account.Set].
type Setting struct{ Scope, Name, Value string }

// Order sets a setting of an account that another process may own, and keeps in its
// audit who did: what an operator says to a running bot from a shell.
func (db *DB) Order(ctx context.Context, account string, s Setting, d bot.Deed) error {
	// Not among the owner's numbers, which are above 0.
	seq := -1 - rand.Int64N(1<<62)
	if d.At.IsZero() {
		d.At = time.Now()
	}
	account = short(account)
	return wrap("set", db.write(ctx, func(t *tx) error {
		if err := t.set(account, s); err != nil {
			return err
		}
		_, err := t.exec(sqlAudit, account, seq, micros(d.At), clean(d.Who), clean(d.Where), clean(d.Command), clean(d.Result))
		return err
	}))
}

// Keep sets a setting of an account that another process may own, or nobody: for what
// is true whoever owns it, such as what was said outside WeChat about its end. An empty
// value removes it. What belongs to no account is kept with the empty name.
func (db *DB) Keep(ctx context.Context, account string, s Setting) error {
	account = short(account)
	return wrap("set", db.write(ctx, func(t *tx) error { return t.set(account, s) }))
}

// Kept returns what is set in a scope of an account, whoever owns it, by name.
func (db *DB) Kept(ctx context.Context, account, scope string) (all map[string]string, err error) {
	err = db.read(ctx, func(t *tx) (err error) {
		all, err = t.settings(short(account), scope)
		return err
	})
	return all, wrap("read settings", err)
}
