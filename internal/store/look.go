package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Look reports what would keep Open from working, and changes nothing: a database
// that is yet to be made is none of it, nor one that waits for its migration.
func Look(ctx context.Context, o Options) error {
	if o.URL != "" {
		return lookPostgres(ctx, o)
	}
	path, err := litePath(o)
	if err != nil || !Made(o) {
		return err
	}
	return trouble(path, unlocked(ctx, func() error { return lookLite(ctx, path, o.test) }))
}

// Made reports whether there is a database already. Of a PostgreSQL it is always
// true, because somebody has made that.
func Made(o Options) bool {
	path, err := litePath(o)
	if o.URL != "" || err != nil {
		return o.URL != ""
	}
	_, err = os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func litePath(o Options) (string, error) { return filepath.Abs(filepath.Join(o.Dir, liteFile)) }

func lookPostgres(ctx context.Context, o Options) (err error) {
	p, err := newPostgres(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trouble(p.where, p.close())) }()
	if err := p.durable(ctx); err != nil {
		return trouble(p.where, err)
	}
	err = known(ctx, p.where, p.db)
	if sqlState(err) == "42P01" { // no such table: nobody has used it yet
		err = nil
	}
	return trouble(p.where, err)
}

func lookLite(ctx context.Context, path string, o testOptions) error {
	if err := prepareFile(path); err != nil { // it is there: this says whether it is a file
		return err
	}
	return onLite(ctx, path, o, func(conn *sql.Conn, isNew bool) error {
		if isNew {
			return nil
		}
		return known(ctx, path, conn)
	})
}

// known refuses a schema that this program does not know.
func known(ctx context.Context, where string, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) error {
	var version int
	if err := db.QueryRowContext(ctx, "SELECT version FROM diagbot_schema").Scan(&version); err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if latest := len(migrations()); version > latest {
		return newerSchema(where, version, latest)
	}
	return nil
}
