package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

func count(t testing.TB, db *DB, table string) (n int) {
	t.Helper()
	check(t, db.read(context.Background(), func(x *tx) error {
		_, err := x.one("SELECT COUNT(*) FROM "+table, nil, &n)
		return err
	}))
	return n
}

// TestSweep has something old and something new of each kind; the old goes, at
// its time.
func TestSweep(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		db := p.open(t)
		a := claim(t, db, "one", "node")
		fill := func(name string) {
			seqs := receive(t, a, name+"1", name+"2")
			check(t, a.Conclude(ctx, bot.Conclusion{
				Seq: seqs[0], Day: name, Spent: []string{"x", "y"}, Keep: 9, Incident: &bot.Incident{Ref: name, At: time.Now()},
				Conversation: bot.Conversation{Key: name}, Turn: &bot.Turn{Asked: "a", Answered: "b"},
			}))
			check(t, a.Audit(ctx, bot.Deed{Who: name}))
		}
		fill("old")
		check(t, a.write(ctx, "age", func(x *tx) error {
			for _, statement := range []string{
				"UPDATE messages SET heard = 1, ended = CASE WHEN ended > 0 THEN 1 ELSE 0 END", "UPDATE chats SET last = 1, seen = 0",
				"UPDATE incidents SET at = 1", "UPDATE audits SET at = 1", "UPDATE spent SET last = 1",
			} {
				if _, err := x.exec(statement); err != nil {
					return err
				}
			}
			return nil
		}))
		fill("new")
		check(t, db.sweep(ctx, time.Now()))
		expect := map[string]int{"messages": 2, "chats": 1, "turns": 1, "incidents": 1, "audits": 1, "spent": 2}
		for table, want := range expect {
			same(t, table, count(t, db, table), want)
		}
		same(t, "ids", receive(t, a, "new1", "new2"), []int64{0, 0})

		ages := map[string]time.Duration{
			"messages": 2 * day, "spent": 3 * day, "incidents": 30 * day, "chats": 90 * day, "turns": 90 * day, "audits": 365 * day,
		}
		for _, now := range []time.Duration{day, 2*day + time.Hour, 3*day + time.Hour, 30*day + time.Hour, 90*day + time.Hour, 365*day + time.Hour} {
			check(t, db.sweep(ctx, time.Now().Add(now)))
			for table, want := range expect {
				if table == "messages" && now < 30*day && now > ages[table] {
					want = 1 // nobody has answered the other one
				} else if now > ages[table] {
					want = 0
				}
				if got := count(t, db, table); got != want {
					t.Errorf("after %v: %d %s, want %d", now, got, table, want)
				}
			}
		}
	})
}

// TestSweepByItself waits for the sweeper that Claim starts.
func TestSweepByItself(t *testing.T) {
	p := place{Options{Dir: t.TempDir()}, true}
	p.test.sweep = time.Millisecond
	db := p.open(t)
	a := claim(t, db, "one", "node")
	check(t, a.Audit(t.Context(), bot.Deed{At: time.Unix(1, 0)}))
	for count(t, db, "audits") > 0 {
		time.Sleep(time.Millisecond) // until the test's own deadline
	}
}

// TestShrink has the file grow and become empty.
func TestShrink(t *testing.T) {
	p := place{Options{Dir: t.TempDir()}, true}
	db := p.open(t)
	a := claim(t, db, "one", "node")
	pages := func() (n int) {
		check(t, db.read(t.Context(), func(x *tx) error {
			_, err := x.one("PRAGMA page_count", nil, &n)
			return err
		}))
		return n
	}
	text := strings.Repeat("text ", 2000)
	batch := make([]bot.Message, 1000)
	for i := range batch {
		batch[i] = said(fmt.Sprint(i), text)
	}
	seqs := must[[]int64](t)(a.Receive(t.Context(), batch))
	full := pages()
	for _, seq := range seqs {
		check(t, a.Said(t.Context(), seq, 0, true))
	}
	check(t, db.sweep(t.Context(), time.Now()))
	if after := pages(); full < 2000 || after > full/2 {
		t.Fatalf("%d pages, and %d when they are empty", full, after)
	}
}
