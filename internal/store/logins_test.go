package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

func TestSession(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := p.claim(t).Session()
		load := func(want string) {
			t.Helper()
			b, err := s.Load()
			if err != nil || string(b) != want || (b == nil) != (want == "") {
				t.Fatalf("loaded %q, %v; want %q", b, err, want)
			}
		}
		load("")
		check(t, s.Remove())
		check(t, s.Save([]byte("first, and longer")))
		check(t, s.Save([]byte("second")))
		load("second")
		for range 2 {
			where, err := s.SetAside()
			if err != nil || !strings.Contains(where, "session.bad") {
				t.Fatalf("set aside: %q, %v", where, err)
			}
			load("")
			aside, err := s.a.Get(t.Context(), asideName)
			if err != nil || string(aside) != "second" {
				t.Fatalf("set aside: %q, %v", aside, err)
			}
		}
		check(t, s.Save([]byte("third")))
		check(t, s.Remove())
		load("")
	})
}

func TestLogins(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		p.Key = []byte("right")
		a := p.claim(t)
		check(t, a.Put(ctx, "a", []byte("secret")))
		check(t, a.Put(ctx, "empty", nil))
		b, err := a.Get(ctx, "a")
		if err != nil || string(b) != "secret" {
			t.Fatalf("got %q, %v", b, err)
		}
		check(t, a.Remove(ctx, "a"))
		check(t, a.Remove(ctx, "a"))
		if b, err := a.Get(ctx, "a"); b != nil || err != nil {
			t.Fatalf("after it was removed: %q, %v", b, err)
		}
	})
}

// TestEncryption looks for the words of a login in the files, with the key, with
// another, and with none.
func TestEncryption(t *testing.T) {
	dir := t.TempDir()
	with := func(key string, test func(a *Account)) {
		t.Helper()
		db, err := Open(t.Context(), Options{Dir: dir, Key: []byte(key)})
		check(t, err)
		test(claim(t, db, "one", "node"))
		check(t, db.Close())
	}
	visible := func() bool {
		b, err := os.ReadFile(filepath.Join(dir, liteFile))
		check(t, err)
		return bytes.Contains(b, []byte("my-credentials"))
	}
	with("", func(a *Account) { check(t, a.Session().Save([]byte("my-credentials"))) })
	if !visible() {
		t.Fatal("the words are not in the file: this test shows nothing")
	}
	with("right", func(a *Account) {
		b, err := a.Session().Load()
		same(t, "login", string(b), "my-credentials")
		check(t, err)
	})
	if visible() {
		t.Fatal("what was there before the key is not encrypted")
	}
	with("", func(a *Account) {
		_, err := a.Session().Load()
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), liteFile) {
			t.Fatalf("without the key: %v", err)
		}
	})
	with("wrong", func(a *Account) {
		_, err := a.Session().Load()
		if !errors.Is(err, ErrWrongKey) || !errors.Is(err, bot.ErrUnreadable) {
			t.Fatalf("with another key: %v", err)
		}
		_, err = a.Session().SetAside()
		check(t, err)
		check(t, a.Session().Save([]byte("new")))
	})
	with("right", func(a *Account) {
		b, err := a.Get(t.Context(), asideName)
		if err != nil || string(b) != "my-credentials" {
			t.Fatalf("set aside: %q, %v", b, err)
		}
	})
}

// TestGetEverywhere reads what all accounts keep under a name, and leaves out what is
// under another key.
func TestGetEverywhere(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		p.Key = []byte("right")
		db := p.open(t)
		one, two := claim(t, db, "one", "node"), claim(t, db, "two", "node")
		check(t, one.Put(ctx, "control", []byte("1")))
		check(t, two.Put(ctx, "control", []byte("2")))
		check(t, two.Put(ctx, "other", []byte("3")))
		all, err := db.GetEverywhere(ctx, "control")
		check(t, err)
		same(t, "all", all, map[string][]byte{"one": []byte("1"), "two": []byte("2")})
		check(t, db.write(ctx, func(t *tx) error {
			_, err := t.exec(sqlPutLogin, "three", "control", []byte("broken"), micros(time.Now()))
			return err
		}))
		all, err = db.GetEverywhere(ctx, "control")
		if len(all) != 2 || err == nil || !strings.Contains(err.Error(), "three") {
			t.Errorf("read %v, %v", all, err)
		}
	})
}

// TestSealed has every byte of an encrypted login changed, and other names.
func TestSealed(t *testing.T) {
	s, err := newSeal([]byte("key"))
	check(t, err)
	b := s.close("account", "name", []byte("plain"))
	if again := s.close("account", "name", []byte("plain")); bytes.Equal(b, again) {
		t.Fatal("the same twice")
	}
	if _, err := s.open("account", "other", b); err == nil {
		t.Fatal("opened under another name")
	}
	if _, err := s.open("other", "name", b); err == nil {
		t.Fatal("opened for another account")
	}
	for i := range b {
		for cut := range 2 {
			broken := bytes.Clone(b)
			broken[i] ^= 0x40
			if got, err := s.open("account", "name", broken[:len(b)-cut*i]); err == nil {
				t.Fatalf("opened when byte %d was changed: %q", i, got)
			}
		}
	}
}

func FuzzSealed(f *testing.F) {
	s, err := newSeal([]byte("key"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{sealed}, "a", "n")
	f.Add(s.close("a", "n", []byte("x")), "a", "n")
	f.Fuzz(func(t *testing.T, b []byte, account, name string) {
		if got, err := s.open(account, name, b); err == nil && b[0] == sealed && string(got) != "x" {
			t.Fatalf("opened %q", got)
		}
	})
}

// TestLateSession has a channel save its login when the account is another's.
func TestLateSession(t *testing.T) {
	a := place{Options{Dir: t.TempDir()}, true}.claim(t)
	check(t, a.Release(context.Background()))
	if err := a.Session().Save([]byte("x")); err == nil {
		t.Fatal("saved")
	}
}
