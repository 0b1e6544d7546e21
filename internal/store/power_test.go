//go:build unix

package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
)

// ledger is what writers were told about their writes.
type ledger struct {
	mu      sync.Mutex
	entries []*entry
	batches int
}

// entry is a message: what was tried with it, and what was acknowledged.
type entry struct {
	id           string
	batch        int // messages received together
	chat         string
	tried, acked int // 1 received, 2 concluded, 3 said
}

func (l *ledger) note(e *entry, tried, acked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.tried, e.acked = max(e.tried, tried), max(e.acked, acked)
}

// write works on one chat until the power goes. What fails before is tried
// again, as the relay does.
func (l *ledger) write(a *Account, d *disk, chat string) {
	again := func(do func() error) bool {
		for !d.isDead() {
			if do() == nil {
				return true
			}
		}
		return false
	}
	for !d.isDead() {
		messages, entries := l.make(chat, 1+rand.IntN(3))
		var seqs []int64
		ok := again(func() (err error) {
			seqs, err = a.Receive(context.Background(), messages)
			return err
		})
		for i := 0; i < len(entries) && ok; i++ {
			l.note(entries[i], 1, 1)
		}
		for i := 0; i < len(entries) && ok; i++ {
			e := entries[i]
			l.note(e, 2, 0)
			if ok = again(func() error { return a.Conclude(context.Background(), conclusion(e, seqs[i])) }); !ok {
				break
			}
			l.note(e, 3, 2)
			if ok = again(func() error { return a.Said(context.Background(), seqs[i], 1, true) }); ok {
				l.note(e, 3, 3)
			}
		}
	}
}

func (l *ledger) make(chat string, n int) (messages []bot.Message, entries []*entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches++
	for range n {
		e := &entry{id: fmt.Sprint("m", len(l.entries)), batch: l.batches, chat: chat, tried: 1}
		l.entries = append(l.entries, e)
		entries = append(entries, e)
		messages = append(messages, said(e.id, strings.Repeat("x", rand.IntN(3000))))
	}
	return messages, entries
}

func conclusion(e *entry, seq int64) bot.Conclusion {
	return bot.Conclusion{
		Seq: seq, Reply: bot.StoredReply{ID: seq, Parts: []string{e.id}}, Outcome: bot.OutcomeAnswered,
		Conversation: bot.Conversation{Key: e.chat}, Turn: &bot.Turn{Asked: e.id, Answered: strings.Repeat("y", rand.IntN(3000))}, Keep: 1 << 20,
		Incident: &bot.Incident{Ref: e.id, At: time.Now()}, Day: "day", Spent: []string{e.chat},
	}
}

// stored is what a database holds of a message.
type stored struct {
	seq            int64
	state          int
	turn, incident bool
}

// load reads all of a database.
func load(t testing.TB, db *DB) (rows map[string]*stored, spent map[string]int) {
	t.Helper()
	rows, spent = make(map[string]*stored), make(map[string]int)
	check(t, db.read(context.Background(), func(x *tx) error {
		bySeq := make(map[int64]*stored)
		err := x.each("SELECT id, seq, state FROM messages", nil, func(scan func(...any) error) error {
			var id string
			s := new(stored)
			err := scan(&id, &s.seq, &s.state)
			rows[id], bySeq[s.seq] = s, s
			return err
		})
		check(t, err)
		check(t, x.each("SELECT asked FROM turns", nil, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			rows[id].turn = true
			return err
		}))
		check(t, x.each("SELECT ref FROM incidents", nil, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			rows[id].incident = true
			return err
		}))
		return x.each("SELECT name, times FROM spent", nil, func(scan func(...any) error) error {
			var name string
			var times int
			err := scan(&name, &times)
			spent[name] = times
			return err
		})
	}))
	return rows, spent
}

// compare returns how many acknowledged writes are gone, and what should not be
// as it is in any case.
func (l *ledger) compare(t testing.TB, db *DB) (lost int, wrong []string) {
	t.Helper()
	rows, spent := load(t, db)
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	batches, there, last := make(map[int]int), make(map[int]int), make(map[string]int64)
	for _, e := range l.entries {
		batches[e.batch]++
		s := rows[e.id]
		if s == nil {
			if e.acked > 0 {
				lost++
			}
			continue
		}
		there[e.batch]++
		if s.state+1 < e.acked {
			lost++
		}
		if s.state+1 > e.tried {
			complain("%s is at %d, only %d was tried", e.id, s.state+1, e.tried)
		}
		if concluded := s.state > 0; s.turn != concluded || s.incident != concluded {
			complain("%s is half concluded: %+v", e.id, *s)
		} else if concluded {
			spent[e.chat]--
		}
		if s.seq <= last[e.chat] {
			complain("%s is out of order", e.id)
		}
		last[e.chat] = s.seq
	}
	for batch, n := range batches {
		if there[batch] != 0 && there[batch] != n {
			complain("%d of %d messages that were received together", there[batch], n)
		}
	}
	for chat, n := range spent {
		if n != 0 {
			complain("%s has spent %d too many", chat, n)
		}
	}
	return lost, wrong
}

// outage writes until the power goes, and returns how many of the acknowledged
// writes are lost, and how many there were.
func outage(t *testing.T, trouble bool, pragmas ...string) (lost, acked int) {
	t.Helper()
	p := place{Options{Dir: t.TempDir()}, true}
	p.test.vfs, p.test.pragmas = shimName, append([]string{"wal_autocheckpoint(30)"}, pragmas...)
	d := newDisk(t, p.Dir)
	var l ledger
	if trouble { // a process that ends while the disk fails, before the one that sees the power go
		l.work(t, p, d, rand.IntN(300), trouble)
		d.revive()
	}
	l.work(t, p, d, 1+rand.IntN(3000), trouble)

	p = place{Options{Dir: t.TempDir()}, true}
	d.recover(t, p.Dir, rand.IntN(2) == 0)
	for _, e := range l.entries {
		acked += e.acked
	}
	db, err := Open(t.Context(), p.Options)
	if err != nil {
		t.Log(err)
		return acked, acked
	}
	defer func() { check(t, db.Close()) }()
	lost, wrong := l.compare(t, db)
	for _, complaint := range wrong {
		t.Error(complaint)
	}
	var sound string
	check(t, db.read(t.Context(), func(x *tx) error {
		_, err := x.one("PRAGMA integrity_check", nil, &sound)
		return err
	}))
	same(t, "integrity", sound, "ok")
	return lost, acked
}

// work writes with several writers until the disk has done so many operations.
func (l *ledger) work(t *testing.T, p place, d *disk, operations int, trouble bool) {
	t.Helper()
	d.trouble(false, false)
	db, err := Open(t.Context(), p.Options)
	check(t, err)
	a := claim(t, db, "one", "node")
	d.dieAfter(operations)
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() { l.write(a, d, fmt.Sprint("chat", i)) })
	}
	if trouble {
		writers.Go(func() { worry(d) })
	}
	writers.Wait()
	_ = db.Close() // fails, as all does now
}

// worry makes a disk fail now and then.
func worry(d *disk) {
	for !d.isDead() {
		d.trouble(rand.IntN(8) == 0, rand.IntN(8) == 0)
		time.Sleep(time.Millisecond / 2)
	}
}

// outages may be set to more than is good for every day.
func outages() int {
	if n, err := strconv.Atoi(os.Getenv("DIAGBOT_TEST_OUTAGES")); err == nil {
		return n
	}
	return 30
}

// TestPowerLoss cuts the power at random moments. What was acknowledged must be
// there, and nothing may be half done.
func TestPowerLoss(t *testing.T) {
	for _, trouble := range []bool{false, true} {
		t.Run(fmt.Sprint("trouble=", trouble), func(t *testing.T) {
			total := 0
			for range outages() {
				lost, acked := outage(t, trouble)
				if total += acked; lost > 0 {
					t.Errorf("%d of %d acknowledged writes are lost", lost, acked)
				}
			}
			t.Logf("%d times, %d writes acknowledged", outages(), total)
			if total < 10*outages() {
				t.Error("too few to show anything")
			}
		})
	}
}

// TestPowerLossIsSeen makes sure that the test above can fail: with less care
// for the disk the same must lose writes.
func TestPowerLossIsSeen(t *testing.T) {
	lost, acked := 0, 0
	for range 10 {
		l, a := outage(t, false, "synchronous(NORMAL)", "wal_autocheckpoint(1000)")
		lost, acked = lost+l, acked+a
	}
	t.Logf("%d of %d acknowledged writes are lost", lost, acked)
	if lost == 0 {
		t.Error("nothing is lost")
	}
}
