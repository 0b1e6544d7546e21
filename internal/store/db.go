package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// DB is the state of one bot: of all its accounts. It is safe for concurrent use.
type DB struct {
	engine
	options   Options
	where     string // how errors name it
	log       *slog.Logger
	seal      *seal
	retention Retention
	times     times
	lock      *dirLock // nil on PostgreSQL

	mu    sync.Mutex
	owned map[string]*Account // the latest claim of each account

	sweepEvery time.Duration
	ctx        context.Context // ends with Close
	stop       context.CancelFunc
	running    sync.WaitGroup // what Close waits for
	sweeping   sync.Once
}

// Open opens the database, makes it if there is none, and brings its schema up
// to date. What is not a database of diagbot is left alone and refused with
// ErrForeign, what a newer version wrote with ErrNewerSchema.
func Open(ctx context.Context, o Options) (*DB, error) {
	db := &DB{
		options: o, owned: make(map[string]*Account),
		log: o.Logger, retention: o.Retention.withDefaults(),
		times: o.test.lease.withDefaults(), sweepEvery: o.test.sweep,
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.sweepEvery == 0 {
		db.sweepEvery = time.Hour
	}
	var err error
	if db.seal, err = newSeal(o.Key); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if o.URL != "" {
		db.where, db.engine, err = openPostgres(ctx, o)
	} else {
		db.where, db.engine, err = openLite(ctx, o)
		db.lock = newDirLock(o.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", trouble(db.where, err))
	}
	db.ctx, db.stop = context.WithCancel(context.WithoutCancel(ctx))
	return db, nil
}

// Close ends after what is being written was written. Accounts that were not
// released stay this process's until their leases end.
func (db *DB) Close() error {
	db.stop()
	db.running.Wait()
	err := db.engine.close()
	db.lock.free()
	if err != nil {
		return fmt.Errorf("close store: %w", trouble(db.where, err))
	}
	return nil
}
