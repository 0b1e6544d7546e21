package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"modernc.org/sqlite"
)

const (
	liteFile  = "diagbot.db"
	liteID    = 0x64626f74      // "dbot", in the header of the file, where file(1) sees it
	liteLeast = 3_051_003       // SQLite 3.51.3: before it, resetting the log could destroy the database
	liteBusy  = "5000"          // milliseconds to wait for other programs, such as sqlite3
	liteHaste = 3 * time.Second // after which a lock is another program's, and not its start or end
	readers   = 2               // connections beside the writer's
	readCache = "-500"          // KiB for each
	mainCache = "-1500"         // KiB for the writer
	logLimit  = "16777216"      // bytes that the log keeps of the disk when it is empty
)

// lite is the embedded engine.
type lite struct {
	*group
	readers *sql.DB
	reader  *prepared // over readers
	anchor  *sql.Conn // see openReaders
}

func (l *lite) dialect() dialect {
	return dialect{now: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"}
}

func (l *lite) read(ctx context.Context, job func(*tx) error) error {
	return trouble(l.where, job(&tx{ctx: ctx, run: l.reader}))
}

func (l *lite) close() error {
	l.reader.forget()
	return errors.Join(l.anchor.Close(), l.readers.Close(), l.group.close()) // the last connection empties the log
}

// A file of which this much is empty is made smaller.
const (
	emptyShare = 4   // a quarter of it, and
	emptyPages = 256 // at least as many pages, which are also given back at a time
)

// shrink gives empty pages back to the file system, some at a time.
func (l *lite) shrink(ctx context.Context) (more bool, err error) {
	err = l.write(ctx, func(t *tx) error {
		var pages, empty int
		if _, err := t.one("PRAGMA page_count", nil, &pages); err != nil {
			return err
		}
		if _, err := t.one("PRAGMA freelist_count", nil, &empty); err != nil {
			return err
		}
		if more = empty >= emptyPages && empty > pages/emptyShare; !more {
			return nil
		}
		_, err := t.one(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", emptyPages), nil)
		return err
	})
	return more, err
}

// openLite opens dir/diagbot.db and makes both if need be.
func openLite(ctx context.Context, o Options) (where string, _ engine, err error) {
	path, err := litePath(o)
	if err != nil {
		return o.Dir, nil, err
	}
	if err := prepareFile(path); err != nil {
		return path, nil, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return path, nil, fileTrouble(err)
	}
	err = unlocked(ctx, func() error {
		return onLite(ctx, path, o.test, func(conn *sql.Conn, isNew bool) error { return prepareLite(ctx, path, conn, isNew) })
	})
	if err != nil {
		return path, nil, unopened(path, err)
	}
	l := new(lite)
	if err := unlocked(ctx, func() error { return l.openReaders(ctx, path, o.test) }); err != nil {
		return path, nil, err
	}
	writer, err := liteDB(path, o.test, "cache_size("+mainCache+")", "journal_size_limit("+logLimit+")")
	if err != nil {
		return path, nil, errors.Join(err, l.anchor.Close(), l.readers.Close())
	}
	l.group = newGroup(path, writer)
	l.group.file = file
	return path, l, nil
}

// unlocked does something that fails at once while another program opens or closes
// the file, which busy_timeout does not cover, until it succeeds or took too long.
func unlocked(ctx context.Context, do func() error) error {
	for began := time.Now(); ; {
		err := do()
		if kind, _, _ := describe(err); err == nil || kind != Busy || time.Since(began) > liteHaste {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// openReaders opens the connections for reading. One of them, the anchor, does
// nothing but stay: without it the writer's would be the only one at times, and
// opening it again would read the log anew. After a failed sync the log may hold
// a transaction that was given up, which the system shows and will never put on
// the disk; whatever was appended to that would be lost with it.
func (l *lite) openReaders(ctx context.Context, path string, o testOptions) (err error) {
	if l.readers, err = liteDB(path, o, "cache_size("+readCache+")", "query_only(1)"); err != nil {
		return err
	}
	l.readers.SetMaxOpenConns(readers + 1)
	l.readers.SetMaxIdleConns(readers)
	l.reader = &prepared{db: l.readers}
	if l.anchor, err = l.readers.Conn(ctx); err != nil {
		return errors.Join(err, l.readers.Close())
	}
	var version int
	if err := l.anchor.QueryRowContext(ctx, "SELECT version FROM diagbot_schema").Scan(&version); err != nil {
		return errors.Join(err, l.anchor.Close(), l.readers.Close())
	}
	return nil
}

// prepareFile makes the file, for the owner's eyes only: SQLite would make it
// for all. The log beside it gets the same mode.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fileTrouble(err)
	}
	switch found, err := os.Stat(path); {
	case err == nil && !found.Mode().IsRegular():
		return &Error{Kind: Damaged, text: path + ": not a file", err: ErrForeign}
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fileTrouble(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fileTrouble(err)
	}
	if err := f.Close(); err != nil {
		return fileTrouble(err)
	}
	return syncDir(filepath.Dir(path))
}

// liteDB returns connections to a database, none of which is open yet.
func liteDB(path string, o testOptions, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_txlock": {"immediate"}, "_defensive": {"1"}, "_dqs": {"0"}, "_error_rc": {"1"}}
	query["_pragma"] = append([]string{
		"synchronous(FULL)", // NORMAL loses what was acknowledged when the power fails
		"busy_timeout(" + liteBusy + ")", "trusted_schema(0)", "secure_delete(FAST)", "temp_store(MEMORY)",
	}, pragmas...)
	if runtime.GOOS == "darwin" { // where fsync does not reach the disk
		query["_pragma"] = append(query["_pragma"], "fullfsync(1)", "checkpoint_fullfsync(1)")
	}
	query["_pragma"] = append(query["_pragma"], o.pragmas...)
	if o.vfs != "" {
		query.Set("vfs", o.vfs)
	}
	connector, err := sqlite.NewConnector(fileURI(path) + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// fileURI names a file so that no character of its path means something to
// SQLite.
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath()
}

// onLite checks what the file holds, and does something with the one connection.
func onLite(ctx context.Context, path string, o testOptions, do func(conn *sql.Conn, isNew bool) error) (err error) {
	db, err := liteDB(path, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	isNew, err := checkLite(ctx, path, conn)
	if err != nil {
		return err
	}
	return do(conn, isNew)
}

// prepareLite brings a file that was checked up to date.
func prepareLite(ctx context.Context, path string, conn *sql.Conn, isNew bool) error {
	if isNew {
		for _, pragma := range []string{"auto_vacuum = INCREMENTAL", fmt.Sprint("application_id = ", liteID)} {
			if _, err := conn.ExecContext(ctx, "PRAGMA "+pragma); err != nil { // before the first table
				return err
			}
		}
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	if err := migrate(ctx, path, conn, migrations(), liteDDL); err != nil {
		return err
	}
	// What an earlier process left in the log goes where it belongs, for the same
	// reason as in openReaders. Another program that reads may be in the way.
	_, err := conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// checkLite refuses an old SQLite and a database that is not ours.
func checkLite(ctx context.Context, path string, conn *sql.Conn) (isNew bool, err error) {
	var version string
	var number, id, tables int
	if err := conn.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return false, err
	}
	if number = versionNumber(version); number < liteLeast {
		return false, fmt.Errorf("SQLite %s is too old: it takes 3.51.3", version)
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return false, err
	}
	if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return false, err
	}
	if isNew = id == 0 && tables == 0; !isNew && id != liteID {
		return false, &Error{Kind: Damaged, text: path + ": a database of another program", err: ErrForeign}
	}
	return isNew, nil
}

// versionNumber is 3051003 for 3.51.3.
func versionNumber(s string) int {
	var major, minor, patch int
	_, _ = fmt.Sscanf(s, "%d.%d.%d", &major, &minor, &patch)
	return major*1_000_000 + minor*1000 + patch
}

func liteDDL(s string) string { return strings.ReplaceAll(s, "BYTEA", "BLOB") }
