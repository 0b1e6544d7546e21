package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/diagbot/diagbot/bot"
)

// Kind says what is wrong with a database.
type Kind string

// The kinds of trouble.
const (
	Full     Kind = "full"      // the disk, or what is allowed of it
	ReadOnly Kind = "read-only" // the file, its file system, or the server
	Damaged  Kind = "damaged"   // the file is no database, or a broken one
	Gone     Kind = "gone"      // no connection, no such file, no answer in time
	Busy     Kind = "busy"      // another program keeps the file locked
	IO       Kind = "io"        // the disk failed to read or write
	Other    Kind = "other"
)

// Errors of Open.
var (
	ErrNewerSchema = errors.New("written by a newer diagbot")
	ErrForeign     = errors.New("not a database of diagbot")
)

// errDoubt is among the errors of a write of which it is not known whether it
// took place: the connection broke while it was being committed.
var errDoubt = errors.New("it may have been written")

// errClosed is the error of everything after Close.
var errClosed = errors.New("the store is closed")

// Error is an error of the database. Its text is for the operator: it names the
// database and what failed, and holds no password and nothing anybody said.
type Error struct {
	Kind Kind
	Code string // SQLite's result code or PostgreSQL's SQLSTATE; may be empty
	text string
	err  error
}

func (e *Error) Error() string { return e.text }

// Unwrap is what to compare with, such as context.DeadlineExceeded; its text may
// hold what Error's may not.
func (e *Error) Unwrap() error { return e.err }

// trouble turns an error of an engine into an Error; others stay as they are.
// where names the database.
func trouble(where string, err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bot.ErrNotOwner), errors.Is(err, errClosed), errors.As(err, &known):
		return err
	}
	kind, code, text := describe(err)
	return &Error{Kind: kind, Code: code, text: where + ": " + text, err: err}
}

// describe says what err is in words that may be shown.
func describe(err error) (kind Kind, code, text string) {
	var lite *sqlite.Error
	var refused *pgconn.PgError
	var unreached *pgconn.ConnectError
	switch {
	case errors.As(err, &lite):
		kind, text = liteKind(lite.Code())
		return kind, fmt.Sprint(lite.Code()), fmt.Sprintf("%s (SQLite %d)", text, lite.Code())
	case errors.As(err, &refused):
		kind = pgKind(refused.Code)
		if kind == Other && errors.As(err, &unreached) { // by a pooler, say, which has codes of its own
			kind = Gone
		}
		return kind, refused.Code, pgText(refused)
	case errors.As(err, &unreached):
		return Gone, "", "no connection" + unreachedBy(err)
	case errors.Is(err, context.DeadlineExceeded):
		return Gone, "", "no answer in time"
	case errors.Is(err, context.Canceled):
		return Other, "", "given up"
	}
	if broken(err) {
		return Gone, "", "the connection broke"
	}
	return Other, "", fmt.Sprintf("the database failed (%T)", err)
}

// unreachedBy says why there is no connection, where that is known. A server on
// several addresses may fail in several ways; the first that fits is told.
func unreachedBy(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name):
		return ": there is no host of that name, or nobody to ask for it"
	case errors.Is(err, syscall.ECONNREFUSED):
		return ": nothing listens on that port"
	case errors.Is(err, fs.ErrNotExist):
		return ": there is no socket of that name"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return ": no answer in time"
	case errors.As(err, &certificate):
		return ": the server's certificate is not trusted, or is for another name"
	case strings.Contains(err.Error(), "server refused TLS"): // pgconn has no type for it
		return ": the server does not speak TLS, which sslmode asks for"
	}
	return ""
}

// broken tells errors of a connection that was there.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err) // found broken
}

// liteKind sorts SQLite's result codes; the low byte tells most.
func liteKind(code int) (Kind, string) {
	switch code {
	case sqlite3.SQLITE_IOERR_SHMSIZE: // the one file for which it does not look why
		return Full, "the disk is full"
	case sqlite3.SQLITE_IOERR_WRITE: // for all that is not a full disk
		return IO, "the disk failed, or takes no more because of a quota or limit"
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return Full, "the disk is full"
	case sqlite3.SQLITE_READONLY:
		return ReadOnly, "the file is read-only"
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return ReadOnly, "access is denied"
	case sqlite3.SQLITE_CORRUPT:
		return Damaged, "the file is damaged"
	case sqlite3.SQLITE_NOTADB:
		return Damaged, "the file is not a SQLite database"
	case sqlite3.SQLITE_CANTOPEN:
		return Gone, "the file cannot be opened"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return Busy, "another program keeps the file locked"
	case sqlite3.SQLITE_IOERR:
		return IO, "the disk failed"
	}
	return Other, "the database failed"
}

// pgKind sorts SQLSTATEs, of which the first two characters are the class.
func pgKind(code string) Kind {
	switch {
	case code == "53100":
		return Full
	case code == "25006":
		return ReadOnly
	case code == "XX001" || code == "XX002":
		return Damaged
	case code == "58030":
		return IO
	}
	switch code[:min(2, len(code))] {
	case "08", "28", "3D", "53", "57":
		return Gone
	case "40", "55":
		return Busy
	}
	return Other
}

// pgText leaves out what may quote a value.
func pgText(e *pgconn.PgError) string {
	if strings.HasPrefix(e.Code, "22") || strings.HasPrefix(e.Code, "23") {
		return "a value was refused (SQLSTATE " + e.Code + ")"
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code)
}
