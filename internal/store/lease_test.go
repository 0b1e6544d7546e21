package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// quick are the times of a lease in tests.
func quick() times {
	return times{ttl: 1500 * time.Millisecond, renew: 300 * time.Millisecond, poll: 50 * time.Millisecond, margin: 300 * time.Millisecond}
}

// isLost checks that a cannot do anything any more.
func isLost(t *testing.T, a *Account) {
	t.Helper()
	ctx := context.Background()
	if a.Owns() {
		t.Error("it is still its owner, it thinks")
	}
	_, err := a.Receive(ctx, []bot.Message{said("late", "x")})
	for what, err := range map[string]error{
		"receive": err, "conclude": a.Conclude(ctx, bot.Conclusion{Seq: 1}), "said": a.Said(ctx, 1, 1, true), "set": a.Set(ctx, "a", "b", "c"),
		"record": a.Record(ctx, bot.Incident{Ref: "late"}), "audit": a.Audit(ctx, bot.Deed{}), "login": a.Session().Save(nil),
	} {
		if !errors.Is(err, bot.ErrNotOwner) {
			t.Errorf("%s: %v", what, err)
		}
	}
	<-a.Context().Done()
	if cause := context.Cause(a.Context()); !errors.Is(cause, bot.ErrNotOwner) {
		t.Errorf("the context ended with %v", cause)
	}
}

// TestClaimWaits has an owner that is alive and well for longer than its lease.
func TestClaimWaits(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		p.test.lease = quick()
		a := p.claim(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*quick().ttl)
		defer cancel()
		if b, err := p.open(t).Claim(ctx, "one", "other"); err == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("claimed %+v, %v", b, err)
		}
		if !a.Owns() || a.Context().Err() != nil {
			t.Fatal("the owner has lost it")
		}
		receive(t, a, "a")
	})
}

// TestRelease hands over at once, although nobody's lease ends soon.
func TestRelease(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		p.test.lease = times{ttl: time.Hour, renew: time.Hour, poll: 10 * time.Millisecond, margin: time.Second}
		a := p.claim(t)
		receive(t, a, "a")
		next := make(chan *Account)
		db := p.open(t)
		go func() {
			b, err := db.Claim(t.Context(), "one", "other")
			if err != nil {
				t.Error(err)
			}
			next <- b
		}()
		check(t, a.Release(t.Context()))
		check(t, a.Release(t.Context()))
		b := <-next
		if a.Owns() || !b.Owns() || b.fence <= a.fence {
			t.Fatalf("fence %d after %d", b.fence, a.fence)
		}
		if err := a.Said(t.Context(), 1, 1, true); !errors.Is(err, bot.ErrNotOwner) {
			t.Fatalf("a write after release: %v", err)
		}
		same(t, "known", receive(t, b, "a"), []int64{0})
		if cause := context.Cause(a.Context()); errors.Is(cause, bot.ErrNotOwner) {
			t.Fatalf("cause %v", cause)
		}
	})
}

// TestSameNode takes over from itself at once, as after kill -9.
func TestSameNode(t *testing.T) {
	p := place{Options{URL: newDatabase(t)}, false}
	p.test.lease = times{ttl: time.Hour, renew: 10 * time.Millisecond, poll: time.Hour, margin: time.Second}
	a := p.claim(t)
	b := p.claim(t)
	<-a.Context().Done() // it renews, and sees
	isLost(t, a)
	if a.Expired() {
		t.Error("it was not told")
	}
	receive(t, b, "a")
}

// TestSameProcess claims an account twice.
func TestSameProcess(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		db := p.open(t)
		a := claim(t, db, "one", "node")
		b := claim(t, db, "one", "node")
		isLost(t, a)
		receive(t, b, "a")
		check(t, a.Release(t.Context()))
		check(t, b.Release(t.Context()))
	})
}

// TestTakeover has an owner that ends without a word.
func TestTakeover(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		p.test.lease = quick()
		db, err := Open(t.Context(), p.Options)
		check(t, err)
		a := claim(t, db, "one", "node")
		seqs := receive(t, a, "a", "b")
		check(t, db.Close())
		b := claim(t, p.open(t), "one", "other")
		open := must[[]bot.Open](t)(b.Open(t.Context()))
		if len(open) != 2 || open[0].Seq != seqs[0] {
			t.Fatalf("open: %+v", open)
		}
		if next := receive(t, b, "c"); next[0] <= seqs[1] {
			t.Fatalf("number %d after %d", next[0], seqs[1])
		}
	})
}

// TestSeveralAccounts has one process lose one of its two accounts.
func TestSeveralAccounts(t *testing.T) {
	p := place{Options{URL: newDatabase(t)}, false}
	p.test.lease = quick()
	db, other := p.open(t), p.open(t)
	a, b := claim(t, db, "one", "node"), claim(t, db, "two", "node")
	taken := claim(t, other, "one", "node")
	<-a.Context().Done()
	isLost(t, a)
	receive(t, b, "x")
	receive(t, taken, "x")
	if !b.Owns() {
		t.Fatal("the other account is lost as well")
	}
}

// TestDatabaseGone cuts the owner off: it must stop before its lease ends.
func TestDatabaseGone(t *testing.T) {
	p := place{Options{URL: newDatabase(t)}, false}
	p.test.lease = quick()
	db, err := Open(t.Context(), p.Options)
	check(t, err)
	a := claim(t, db, "one", "node")
	receive(t, a, "a")
	check(t, db.engine.close())
	if err := a.Said(t.Context(), 1, 1, true); err == nil || errors.Is(err, bot.ErrNotOwner) {
		t.Fatalf("a write without a database: %v", err)
	}
	next := claim(t, p.open(t), "one", "other")
	isLost(t, a) // by the time another could take it
	if !a.Expired() {
		t.Error("it was told that it is another's")
	}
	receive(t, next, "b")
	_ = db.Close()
}

// TestClocks has each clock say by itself that a lease is over: one stands still
// while a computer sleeps, the other may be set.
func TestClocks(t *testing.T) {
	until := time.Now().Add(time.Hour)
	slept := time.Now().Round(0).Add(2 * time.Hour) // no monotonic reading
	if before(slept, until) {
		t.Error("it slept through the end of its lease, and does not know")
	}
	setBack := until.Add(time.Minute) // the reading that never jumps goes with it
	if before(setBack, until) {
		t.Error("the lease has ended")
	}
	if !before(time.Now(), until) {
		t.Error("the lease has not ended")
	}
}
