package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// beginner is a connection, or many.
type beginner interface {
	BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error)
}

// migrate brings the schema up to date with steps, in one transaction: whole or
// not at all. translate makes statements fit for the engine.
func migrate(ctx context.Context, where string, db beginner, steps []string, translate func(string) string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return newerSchema(where, version, len(steps))
	}
	if version == len(steps) {
		return nil
	}
	for _, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, translate(step)); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE diagbot_schema SET version = $1", len(steps)); err != nil {
		return err
	}
	return tx.Commit()
}

// schemaVersion is 0 for a database without tables.
func schemaVersion(ctx context.Context, tx *sql.Tx) (version int, err error) {
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS diagbot_schema (version BIGINT NOT NULL)"); err != nil {
		return 0, err
	}
	// The row is locked, so that of several processes one migrates.
	result, err := tx.ExecContext(ctx, "UPDATE diagbot_schema SET version = version")
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return version, errors.Join(err, tx.QueryRowContext(ctx, "SELECT version FROM diagbot_schema").Scan(&version))
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO diagbot_schema (version) VALUES (0)")
	return 0, err
}

func newerSchema(where string, version, known int) error {
	text := fmt.Sprintf("%s: %v: its schema is version %d, this program knows %d; use a newer diagbot", where, ErrNewerSchema, version, known)
	return &Error{Kind: Other, text: text, err: ErrNewerSchema}
}
