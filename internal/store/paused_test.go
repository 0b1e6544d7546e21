//go:build unix

package store

import (
	"context"
	"syscall"
	"testing"

	"github.com/diagbot/diagbot/bot"
)

// TestPausedOwner stops a process, takes its account, and wakes it up again.
func TestPausedOwner(t *testing.T) {
	p := place{Options{URL: newDatabase(t)}, false}
	p.test.lease = quick()
	first := startOwner(t, p)
	first.tell("write")
	first.expect("ok")
	first.signal(syscall.SIGSTOP)
	b := p.claim(t)
	same(t, "open messages", len(must[[]bot.Open](t)(b.Open(t.Context()))), 1)
	first.tell("owns")
	first.tell("write")
	first.signal(syscall.SIGCONT)
	first.expect("false")
	first.expect("not owner")
	same(t, "open messages", len(must[[]bot.Open](t)(b.Open(t.Context()))), 1)
	if !b.Owns() {
		t.Fatal("the new owner has lost it")
	}
}

// TestPausedInWrite stops a process in the middle of a transaction, after it has
// looked at its lease: the row is locked then.
func TestPausedInWrite(t *testing.T) {
	p := place{Options{URL: newDatabase(t) + "&idle_in_transaction_session_timeout=500"}, false}
	p.test.lease = quick()
	first := startOwner(t, p)
	first.tell("hold")
	first.expect("holding")
	first.signal(syscall.SIGSTOP)
	b := p.claim(t)
	first.tell("go on")
	first.tell("write")
	first.signal(syscall.SIGCONT)
	first.expect("error")
	first.expect("not owner")
	same(t, "settings", len(must[map[string]string](t)(b.Settings(t.Context(), "late"))), 0)
}

// TestKilledOwner kills the owner of a directory: nobody waits for its lease.
func TestKilledOwner(t *testing.T) {
	p := place{Options{Dir: t.TempDir()}, true}
	first := startOwner(t, p)
	first.tell("write")
	first.expect("ok")
	db := p.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Claim(ctx, "one", "second"); err == nil {
		t.Fatal("claimed while the other process lives")
	}
	first.signal(syscall.SIGKILL)
	b := claim(t, db, "one", "second")
	same(t, "open messages", len(must[[]bot.Open](t)(b.Open(t.Context()))), 1)
}
