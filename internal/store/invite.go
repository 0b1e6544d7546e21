package store

import "context"

// Invite sets a setting of an account that another process may own: what an
// operator says to a running bot from a shell.
func (db *DB) Invite(ctx context.Context, account, scope, name, value string) error {
	return wrap("invite", db.write(ctx, func(t *tx) error {
		_, err := t.exec(sqlSet, short(account), short(scope), short(name), clean(value))
		return err
	}))
}
