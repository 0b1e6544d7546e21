package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	pgConnections = 8
	pgLimit       = 10 * time.Second // for one transaction or one reading, all in all
	pgAttempts    = 5                // at a transaction that got in another's way
)

// pgSettings are for each connection, unless the URL says otherwise. A process
// that is stopped in the middle of a write must not keep its lease's row locked:
// the server ends such a transaction, and others wait no longer for a lock.
func pgSettings() map[string]string {
	return map[string]string{
		"application_name":                    "diagbot",
		"idle_in_transaction_session_timeout": "4000", // milliseconds
		"lock_timeout":                        "2000",
	}
}

// postgres is the engine for several machines. The server groups the commits of
// its connections by itself.
type postgres struct {
	db    *sql.DB
	where string
}

func (p *postgres) dialect() dialect {
	const now = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
	return dialect{now: now, held: " AND until > " + now + " FOR KEY SHARE", ttl: true}
}

func (p *postgres) close() error { return p.db.Close() }

func openPostgres(ctx context.Context, o Options) (where string, _ engine, err error) {
	p, err := newPostgres(o)
	if err != nil {
		return "PostgreSQL", nil, err
	}
	if err := p.prepare(ctx); err != nil {
		return p.where, nil, errors.Join(err, p.close())
	}
	return p.where, p, nil
}

// newPostgres connects to nothing yet.
func newPostgres(o Options) (*postgres, error) {
	config, err := pgx.ParseConfig(o.URL)
	if err != nil { // its text may hold the password
		return nil, &Error{Kind: Other, text: "the URL of the database is not valid", err: errors.New("invalid URL")}
	}
	for name, value := range pgSettings() {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.ValidateConnect == nil { // of several hosts, the primary
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(pgConnections)
	db.SetMaxIdleConns(pgConnections)
	return &postgres{db: db, where: fmt.Sprintf("PostgreSQL database %q at %s", config.Database, config.Host)}, nil
}

// prepare brings the schema up to date. Several processes may do so at once:
// then one succeeds, and the others try again.
func (p *postgres) prepare(ctx context.Context) (err error) {
	if err := p.durable(ctx); err != nil {
		return err
	}
	for range 2 * pgAttempts {
		if err = migrate(ctx, p.where, p.db, migrations(), pgDDL); !inTheWay(err) && !exists(err) {
			return err
		}
	}
	if exists(err) {
		return &Error{Kind: Other, text: p.where + ": it has tables of another program; give diagbot a database or schema of its own", err: ErrForeign}
	}
	return err
}

// durable refuses a server that would lose what it has confirmed.
func (p *postgres) durable(ctx context.Context) error {
	var commits string
	if err := p.db.QueryRowContext(ctx, "SHOW synchronous_commit").Scan(&commits); err != nil {
		return err
	}
	if commits == "off" {
		return &Error{Kind: Other, text: p.where + ": synchronous_commit is off, which loses messages", err: errors.New("not durable")}
	}
	return nil
}

func pgDDL(s string) string { return strings.ReplaceAll(s, " WITHOUT ROWID", "") }

func (p *postgres) read(ctx context.Context, do func(*tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, pgLimit)
	defer cancel()
	return trouble(p.where, do(&tx{ctx: ctx, run: p.db}))
}

func (p *postgres) write(ctx context.Context, do func(*tx) error) (err error) {
	for range pgAttempts {
		if err = p.once(ctx, do); !inTheWay(err) {
			break
		}
	}
	return trouble(p.where, err)
}

func (p *postgres) writeLater(ctx context.Context, do func(*tx) error) error { return p.write(ctx, do) }

// once waits for a connection as long as ctx allows, and then sees it through.
func (p *postgres) once(ctx context.Context, do func(*tx) error) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pgLimit)
	defer cancel()
	began, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // whatever the server is set to
	if err != nil {
		return err
	}
	if err := do(&tx{ctx: ctx, run: began, held: make(map[*Account]bool)}); err != nil {
		_ = began.Rollback()
		return err
	}
	if err := began.Commit(); err != nil {
		if inTheWay(err) {
			return err
		}
		return errors.Join(err, errDoubt)
	}
	return nil
}

// inTheWay tells errors of a transaction that would succeed if tried again.
func inTheWay(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01": // could not be put in order, deadlock
		return true
	}
	return false
}

// exists tells that a table is there already, perhaps since a moment.
func exists(err error) bool {
	switch sqlState(err) {
	case "42P07", "42710", "23505", "XX000":
		return true
	}
	return false
}

func sqlState(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}
