package store

import (
	"context"
	"fmt"
	"time"
)

// Session is the login of an account, as its channel keeps it. It is safe for
// concurrent use.
type Session struct{ a *Account }

const (
	sessionName = "session"
	asideName   = sessionName + aside
	sessionWait = 15 * time.Second // what is not stored by then has failed
)

// Session returns the account's login.
func (a *Account) Session() *Session { return &Session{a} }

// Load returns what was saved, nil if nothing was.
func (s *Session) Load() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), sessionWait)
	defer cancel()
	return s.a.Get(ctx, sessionName)
}

// Save replaces it, whole or not at all.
func (s *Session) Save(b []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), sessionWait)
	defer cancel()
	return s.a.Put(ctx, sessionName, b)
}

// Remove deletes it. It is no error if there is nothing.
func (s *Session) Remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), sessionWait)
	defer cancel()
	return s.a.Remove(ctx, sessionName)
}

// SetAside moves an unusable one out of the way, in the place of an older one,
// and says where to.
func (s *Session) SetAside() (where string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), sessionWait)
	defer cancel()
	err = s.a.write(ctx, "set login aside", func(t *tx) error {
		var value []byte
		found, err := t.one(sqlGetLogin, []any{s.a.name, sessionName}, &value)
		if err != nil || !found {
			return err
		}
		if _, err := t.exec(sqlPutLogin, s.a.name, asideName, value, micros(time.Now())); err != nil {
			return err
		}
		_, err = t.exec(sqlRemoveLogin, s.a.name, sessionName)
		return err
	})
	return fmt.Sprintf("%q in %s", asideName, s.a.db.where), err
}
