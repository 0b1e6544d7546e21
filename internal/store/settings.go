package store

import (
	"context"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// Settings returns what is set in a scope, by name.
func (a *Account) Settings(ctx context.Context, scope string) (all map[string]string, err error) {
	err = a.read(ctx, "read settings", func(t *tx) (err error) {
		all, err = t.settings(a.name, scope)
		return err
	})
	return all, err
}

func (t *tx) settings(account, scope string) (map[string]string, error) {
	all := make(map[string]string)
	err := t.each(sqlSettings, []any{account, short(scope)}, func(scan func(...any) error) error {
		var name, value string
		if err := scan(&name, &value); err != nil {
			return err
		}
		all[name] = value
		return nil
	})
	return all, err
}

// Set sets one; an empty value removes it.
func (a *Account) Set(ctx context.Context, scope, name, value string) error {
	return a.write(ctx, "set", func(t *tx) error { return t.set(a.name, Setting{scope, name, value}) })
}

// set sets one of an account, whose name is short.
func (t *tx) set(account string, s Setting) (err error) {
	if s.Value == "" {
		_, err = t.exec(sqlUnset, account, short(s.Scope), short(s.Name))
	} else {
		_, err = t.exec(sqlSet, account, short(s.Scope), short(s.Name), clean(s.Value))
	}
	return err
}

// Spent returns how often conclusions have spent each name on a day.
func (a *Account) Spent(ctx context.Context, day string, names ...string) (counts []int, err error) {
	err = a.read(ctx, "read what is spent", func(t *tx) error {
		counts = make([]int, len(names))
		for i, name := range names {
			if _, err := t.one(sqlSpent, []any{a.name, short(day), short(name)}, &counts[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return counts, err
}

// Audit keeps what an admin did.
func (a *Account) Audit(ctx context.Context, d bot.Deed) error {
	seq := a.number.Add(1)
	if d.At.IsZero() {
		d.At = time.Now()
	}
	return a.write(ctx, "audit", func(t *tx) error {
		_, err := t.exec(sqlAudit, a.name, seq, micros(d.At), clean(d.Who), clean(d.Where), clean(d.Command), clean(d.Result))
		return err
	})
}

// Audits returns at most n deeds, the latest first.
func (a *Account) Audits(ctx context.Context, n int) (all []bot.Deed, err error) {
	err = a.read(ctx, "read audits", func(t *tx) error {
		all = nil
		return t.each(sqlAudits, []any{a.name, max(n, 0)}, func(scan func(...any) error) error {
			var d bot.Deed
			var at int64
			if err := scan(&at, &d.Who, &d.Where, &d.Command, &d.Result); err != nil {
				return err
			}
			d.At = moment(at)
			all = append(all, d)
			return nil
		})
	})
	return all, err
}
