package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// engine is a database. A job may be run several times before it succeeds.
type engine interface {
	// write runs job in one transaction. When it returns nil the transaction
	// survives the loss of power. Once it has begun it does not end with ctx, so
	// that there is no doubt about how it went.
	write(ctx context.Context, job func(*tx) error) error
	// writeLater is write for a job that need not be done at once: where the engine
	// puts several into one transaction, it may wait a few milliseconds for others.
	writeLater(ctx context.Context, job func(*tx) error) error
	// read runs job, without a transaction.
	read(ctx context.Context, job func(*tx) error) error
	dialect() dialect
	close() error
}

// runner is a connection or a transaction of database/sql, or what stands for
// one.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// tx is what a job may use. It is good for this run of the job only.
type tx struct {
	ctx  context.Context
	run  runner
	held map[*Account]bool // the leases that were looked at in this transaction
}

// exec returns the number of rows that were changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	result, err := t.run.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// each calls row for every row there is; row scans it with the function it is
// given.
func (t *tx) each(query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := t.run.QueryContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the first row, if there is one.
func (t *tx) one(query string, args []any, into ...any) (found bool, err error) {
	err = t.each(query, args, func(scan func(...any) error) error {
		if found {
			return nil
		}
		found = true
		return scan(into...)
	})
	return found, err
}

// holds fails with bot.ErrNotOwner unless a's lease is still its own, and keeps
// it so until the transaction ends.
func (t *tx) holds(a *Account) error {
	if t.held[a] {
		return nil
	}
	var one int
	found, err := t.one(a.sql.holds, []any{a.name, a.node, a.fence}, &one)
	if err != nil {
		return err
	}
	if !found {
		return bot.ErrNotOwner
	}
	t.held[a] = true
	return nil
}

// micros is a time as it is stored.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is a stored time.
func moment(µs int64) time.Time {
	if µs == 0 {
		return time.Time{}
	}
	return time.UnixMicro(µs)
}

// clean makes s fit for a column of text on both engines: PostgreSQL takes
// neither a NUL nor broken UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
