package store

import (
	"context"
	"time"
)

const (
	sweepFirst = time.Minute // after the first claim, when starting is over
	sweepBatch = 200         // rows, so that nobody waits long for the writer
	sweepPause = 20 * time.Millisecond
)

// startSweeping makes sure that what is too old is removed, for as long as the
// database is open.
func (db *DB) startSweeping() {
	db.sweeping.Do(func() { db.running.Go(db.keepSweeping) })
}

func (db *DB) keepSweeping() {
	wait := min(sweepFirst, db.sweepEvery)
	for db.pause(wait) {
		if err := db.sweep(db.ctx, time.Now()); err != nil && db.ctx.Err() == nil {
			db.log.Warn("remove what is too old", "error", err)
		}
		wait = db.sweepEvery
	}
}

// pause is false when the database is closed.
func (db *DB) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-db.ctx.Done():
		return false
	}
}

// sweep removes what is too old from all accounts, also from those nobody owns:
// nobody misses it, whoever writes at the same time.
func (db *DB) sweep(ctx context.Context, now time.Time) error {
	accounts, err := db.accounts(ctx)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		for _, rule := range db.rules(now) {
			if err := db.sweepRows(ctx, account, rule); err != nil {
				return err
			}
		}
	}
	return db.shrink(ctx)
}

func (db *DB) accounts(ctx context.Context) (all []string, err error) {
	err = db.read(ctx, func(t *tx) error {
		all = nil
		return t.each(sqlAccounts, nil, func(scan func(...any) error) error {
			var account string
			err := scan(&account)
			all = append(all, account)
			return err
		})
	})
	return all, err
}

// rule says what goes; the statement takes an account, a time and a number of
// rows.
type rule struct {
	query  string
	before time.Time
	also   string // to be run for each row that went, with its key
}

func (db *DB) rules(now time.Time) []rule {
	r := db.retention
	return []rule{
		{query: sqlSweepDone, before: now.Add(-r.Done)},
		{query: sqlSweepUndone, before: now.Add(-r.Undone)},
		{query: sqlSweepChats, before: now.Add(-r.Conversations), also: sqlSweepTurns},
		{query: sqlSweepIncidents, before: now.Add(-r.Incidents)},
		{query: sqlSweepAudits, before: now.Add(-r.Audits)},
		{query: sqlSweepSpent, before: now.Add(-r.Spent)},
	}
}

func (db *DB) sweepRows(ctx context.Context, account string, r rule) error {
	for {
		var keys []string
		err := db.write(ctx, func(t *tx) error {
			keys = nil
			err := t.each(r.query, []any{account, micros(r.before), sweepBatch}, func(scan func(...any) error) error {
				var key string
				err := scan(&key)
				keys = append(keys, key)
				return err
			})
			for i := 0; err == nil && r.also != "" && i < len(keys); i++ {
				_, err = t.exec(r.also, account, keys[i])
			}
			return err
		})
		if err != nil || len(keys) < sweepBatch {
			return err
		}
		if !db.pause(sweepPause) {
			return nil
		}
	}
}

// shrink gives room back to the file system when much of the file is empty.
func (db *DB) shrink(ctx context.Context) error {
	s, ok := db.engine.(interface {
		shrink(ctx context.Context) (more bool, err error)
	})
	for ok {
		more, err := s.shrink(ctx)
		if err != nil || !more || !db.pause(sweepPause) {
			return err
		}
	}
	return nil
}
