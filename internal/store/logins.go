package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// Errors of stored credentials.
var (
	ErrLocked   = errors.New("it is encrypted, and no key is configured")
	ErrWrongKey = errors.New("it cannot be decrypted with the configured key")
)

// seal encrypts credentials: AES-256-GCM, with a key derived from the
// configured one, bound to the account and the name they are stored under. Its
// first byte says whether it did.
type seal struct{ aead cipher.AEAD } // nil: there is no key

const (
	plainly = 0
	sealed  = 1
)

// aside ends the name of what was set aside; it is encrypted as it was before,
// so that it can be read again with the right key.
const aside = ".bad"

func bound(account, name string) []byte {
	return []byte(account + "\x00" + strings.TrimSuffix(name, aside))
}

func newSeal(key []byte) (*seal, error) {
	if len(key) == 0 {
		return &seal{}, nil
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "diagbot logins 1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &seal{aead}, err
}

func (s *seal) close(account, name string, b []byte) []byte {
	if s.aead == nil {
		return append([]byte{plainly}, b...)
	}
	return s.aead.Seal([]byte{sealed}, nil, b, bound(account, name))
}

func (s *seal) open(account, name string, b []byte) ([]byte, error) {
	switch {
	case len(b) > 0 && b[0] == plainly:
		return b[1:], nil
	case len(b) == 0 || b[0] != sealed:
		return nil, errors.New("it is damaged, or of a newer diagbot")
	case s.aead == nil:
		return nil, ErrLocked
	}
	plain, err := s.aead.Open(nil, nil, b[1:], bound(account, name))
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}

// Get returns credentials by name, nil if there are none.
func (a *Account) Get(ctx context.Context, name string) (b []byte, err error) {
	name = short(name)
	err = a.read(ctx, "read login", func(t *tx) error {
		var stored []byte
		found, err := t.one(sqlGetLogin, []any{a.name, name}, &stored)
		if err != nil || !found {
			return err
		}
		if b, err = a.db.seal.open(a.name, name, stored); err != nil {
			return &Error{Kind: Other, text: fmt.Sprintf("%q in %s: %v", name, a.db.where, err), err: errors.Join(bot.ErrUnreadable, err)}
		}
		return nil
	})
	return b, err
}

// GetEverywhere returns the credentials of a name that accounts have, by account,
// whoever owns them. Those that cannot be read are left out, and the error says why.
func (db *DB) GetEverywhere(ctx context.Context, name string) (all map[string][]byte, err error) {
	name = short(name)
	var broken []error
	err = db.read(ctx, func(t *tx) error {
		all, broken = make(map[string][]byte), nil
		return t.each(sqlGetEverywhere, []any{name}, func(scan func(...any) error) error {
			var account string
			var stored []byte
			if err := scan(&account, &stored); err != nil {
				return err
			}
			b, err := db.seal.open(account, name, stored)
			if err != nil {
				broken = append(broken, &Error{Kind: Other, text: fmt.Sprintf("%q of %s in %s: %v", name, account, db.where, err), err: err})
				return nil
			}
			all[account] = b
			return nil
		})
	})
	return all, wrap("read logins", errors.Join(append(broken, err)...))
}

// Put replaces credentials.
func (a *Account) Put(ctx context.Context, name string, b []byte) error {
	name = short(name)
	value := a.db.seal.close(a.name, name, b)
	return a.write(ctx, "save login", func(t *tx) error {
		_, err := t.exec(sqlPutLogin, a.name, name, value, micros(time.Now()))
		return err
	})
}

// Remove deletes credentials. It is no error if there are none.
func (a *Account) Remove(ctx context.Context, name string) error {
	return a.write(ctx, "remove login", func(t *tx) error {
		_, err := t.exec(sqlRemoveLogin, a.name, short(name))
		return err
	})
}

// sealAll encrypts what was stored before a key was configured.
func (a *Account) sealAll(ctx context.Context) error {
	if a.db.seal.aead == nil {
		return nil
	}
	return a.write(ctx, "encrypt", func(t *tx) error {
		plain := map[string][]byte{}
		err := t.each(sqlLogins, []any{a.name}, func(scan func(...any) error) error {
			var name string
			var value []byte
			if err := scan(&name, &value); err != nil {
				return err
			}
			if len(value) > 0 && value[0] == plainly {
				plain[name] = value[1:]
			}
			return nil
		})
		if err != nil {
			return err
		}
		for name, b := range plain {
			if _, err := t.exec(sqlPutLogin, a.name, name, a.db.seal.close(a.name, name, b), micros(time.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}
