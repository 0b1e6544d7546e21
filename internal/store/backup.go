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

// Backup writes a copy of the database to a new file, for the owner's eyes only:
// it holds the logins. The database may be in use meanwhile, by this process or
// by another. What is in the way of the file is not overwritten. A PostgreSQL
// database is copied by its own pg_dump.
func Backup(ctx context.Context, o Options, file string) error {
	if err := backup(ctx, o, file); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Backup is as the function of the same name.
func (db *DB) Backup(ctx context.Context, file string) error {
	return Backup(ctx, db.options, file)
}

func backup(ctx context.Context, o Options, file string) error {
	if o.URL != "" {
		return errors.New("this is a PostgreSQL database: use pg_dump, or what your provider offers")
	}
	path, err := litePath(o)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already", file)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".diagbot-backup-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", file, bare(err))
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := f.Close(); err != nil {
		return err
	}
	if err := copyLite(ctx, path, f.Name(), o.test); err != nil {
		return trouble(path+" to "+file, err) // either's disk may be the one that failed
	}
	return publish(f.Name(), file)
}

func copyLite(ctx context.Context, path, to string, o testOptions) (err error) {
	db, err := liteDB(path, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := isOurs(ctx, path, conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO $1", to)
	return err
}

func isOurs(ctx context.Context, path string, conn *sql.Conn) error {
	isNew, err := checkLite(ctx, path, conn)
	if err == nil && isNew {
		err = &Error{Kind: Damaged, text: path + ": an empty database", err: ErrForeign}
	}
	return err
}

// publish gives a file that is complete its name, unless something else has it.
func publish(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(from, to); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", to)
	} else if err != nil { // a file system without links
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(to))
}
