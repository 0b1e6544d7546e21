package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/pgtest"
	"github.com/diagbot/diagbot/llm"
)

// pg is there for all tests of this package.
var pg pgtest.Server

// newDatabase returns the URL of an empty database on PostgreSQL.
func newDatabase(t testing.TB) string {
	t.Helper()
	return pg.Database(t)
}

func TestMain(m *testing.M) {
	if what := os.Getenv(ownerVariable); what != "" {
		if err := runOwner(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	pg.Close()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// place is an empty database that a test may open as often as it likes.
type place struct {
	Options
	lite bool
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("SQLite", func(t *testing.T) { test(t, place{Options{Dir: t.TempDir()}, true}) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, place{Options{URL: newDatabase(t)}, false}) })
}

func (p place) open(t testing.TB) *DB {
	t.Helper()
	db, err := Open(t.Context(), p.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// claim opens the database and takes an account.
func (p place) claim(t testing.TB) *Account {
	t.Helper()
	return claim(t, p.open(t), "one", "node")
}

func claim(t testing.TB, db *DB, account, node string) *Account {
	t.Helper()
	a, err := db.Claim(t.Context(), account, node)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// said is a message with an id, in a chat.
func said(id, text string) bot.Message {
	return bot.Message{
		ID: id, Chat: bot.Chat{ID: "@chat", Name: "朋友", Group: true}, Sender: bot.Sender{ID: "@who", Name: "Ann", Owner: true},
		Kind: bot.KindText, Text: text, Quote: "before", Mentioned: true, At: time.UnixMicro(1_700_000_000_000_000).UTC(),
	}
}

func receive(t testing.TB, a *Account, ids ...string) []int64 {
	t.Helper()
	batch := make([]bot.Message, len(ids))
	for i, id := range ids {
		batch[i] = said(id, "words "+id)
	}
	return must[[]int64](t)(a.Receive(context.Background(), batch))
}

func TestReceive(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		a := p.claim(t)
		first := receive(t, a, "a", "b", "", "")
		for i, seq := range first {
			if seq == 0 || i > 0 && seq <= first[i-1] {
				t.Fatalf("numbers %v do not grow", first)
			}
		}
		again := receive(t, a, "b", "c", "c", "", "a")
		if again[0] != 0 || again[1] <= first[3] || again[2] != 0 || again[3] <= again[1] || again[4] != 0 {
			t.Fatalf("numbers %v after %v", again, first)
		}
		none, err := a.Receive(t.Context(), nil)
		if len(none) != 0 || err != nil {
			t.Fatalf("no messages: %v, %v", none, err)
		}
		open := must[[]bot.Open](t)(a.Open(t.Context()))
		if len(open) != 6 || open[0].Seq != first[0] || open[5].Seq != again[3] {
			t.Fatalf("open: %+v", open)
		}
		want := said("a", "words a")
		open[0].Message.At = open[0].Message.At.UTC()
		same(t, "message", open[0].Message, want)
		if ago := time.Since(open[0].Heard); ago < 0 || ago > time.Minute {
			t.Fatalf("heard %v ago", ago)
		}
	})
}

// TestReceiveHostile has ids and texts that a database may choke on.
func TestReceiveHostile(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		a := p.claim(t)
		long := strings.Repeat("x", 100_000)
		for _, id := range []string{"\x00", "\xff\xfe", "'; DROP TABLE messages; --", long, long + "y", "😀", "$1 ?1"} {
			m := said(id, id)
			m.Chat.Name, m.Sender.Name, m.Medium = id, id, &bot.Medium{Ref: id, Name: id, Size: 1 << 62}
			seqs := must[[]int64](t)(a.Receive(t.Context(), []bot.Message{m}))
			if seqs[0] == 0 {
				t.Fatalf("id %.20q is known", id)
			}
			if again := must[[]int64](t)(a.Receive(t.Context(), []bot.Message{m})); again[0] != 0 {
				t.Fatalf("id %.20q is not known again", id)
			}
			check(t, a.Conclude(t.Context(), bot.Conclusion{
				Seq: seqs[0], Reply: bot.StoredReply{ID: 1, Parts: []string{id}}, Outcome: bot.Outcome(id), Day: id, Spent: []string{id},
				Conversation: bot.Conversation{Key: id, Login: id, Name: id}, Turn: &bot.Turn{Asked: id, Answered: id, Picture: id}, Keep: 3,
				Incident: &bot.Incident{Ref: id, Entry: id, Provider: id, Chat: id, Attempts: []bot.Attempt{{Words: id}}},
			}))
			check(t, a.Set(t.Context(), id, id, id))
			check(t, a.Audit(t.Context(), bot.Deed{Who: id, Where: id, Command: id, Result: id}))
			check(t, a.Put(t.Context(), id, []byte(id)))
		}
		if n := len(must[[]bot.Open](t)(a.Open(t.Context()))); n != 7 {
			t.Fatalf("%d messages are open", n)
		}
	})
}

func TestConclude(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		a := p.claim(t)
		seqs := receive(t, a, "a", "b")
		chat := bot.Conversation{Key: "k", Name: "n"}
		c := bot.Conclusion{
			Seq: seqs[0], Reply: bot.StoredReply{ID: 77, Parts: []string{"one", "two", "three"}},
			Outcome: bot.OutcomeAnswered, Took: time.Second,
			Conversation: chat, Turn: &bot.Turn{Asked: "q", Answered: "a", Picture: "ref"}, Keep: 5,
			Incident: &bot.Incident{Ref: "R1", Entry: "x", At: time.Now()}, Day: "today", Spent: []string{"p", "q", "p"},
		}
		check(t, a.Conclude(ctx, c))
		c.Reply.Parts = []string{"another"}
		check(t, a.Conclude(ctx, c)) // stays as it is, and spends nothing
		check(t, a.Conclude(ctx, bot.Conclusion{Seq: 5}))
		same(t, "spent", must[[]int](t)(a.Spent(ctx, "today", "q", "p", "none")), []int{1, 2, 0})
		same(t, "turns", must[bot.Memory](t)(a.Recall(ctx, chat, time.Time{})).Turns, []bot.Turn{{Asked: "q", Answered: "a", Picture: "ref"}})

		reply := func() *bot.StoredReply {
			t.Helper()
			return must[[]bot.Open](t)(a.Open(ctx))[0].Reply
		}
		same(t, "reply", reply(), &bot.StoredReply{ID: 77, Parts: []string{"one", "two", "three"}})
		check(t, a.Said(ctx, seqs[0], 2, false))
		check(t, a.Said(ctx, seqs[0], 1, false)) // late
		same(t, "said", reply().Said, 2)
		check(t, a.Said(ctx, seqs[0], 3, true))
		check(t, a.Said(ctx, seqs[0], 3, true))
		check(t, a.Conclude(ctx, bot.Conclusion{Seq: seqs[1]})) // nothing is said
		if open := must[[]bot.Open](t)(a.Open(ctx)); len(open) != 0 {
			t.Fatalf("open: %+v", open)
		}
		same(t, "known ids", receive(t, a, "a", "b"), []int64{0, 0})
		third := receive(t, a, "c")
		check(t, a.Said(ctx, third[0], 0, true)) // given up without a reply
		if open := must[[]bot.Open](t)(a.Open(ctx)); len(open) != 0 {
			t.Fatalf("open: %+v", open)
		}
	})
}

// TestConcludeSeveral ends messages that one reply answers in one step, and none
// that has a reply of its own, or when the first was concluded before.
func TestConcludeSeveral(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		a := p.claim(t)
		seqs := receive(t, a, "a", "b", "c", "d")
		left := func() (left []int64) {
			t.Helper()
			for _, o := range must[[]bot.Open](t)(a.Open(t.Context())) {
				left = append(left, o.Seq)
			}
			return left
		}
		reply := bot.StoredReply{ID: 7, Parts: []string{"x"}}
		check(t, a.Conclude(t.Context(), bot.Conclusion{Seq: seqs[1], Reply: reply, Outcome: bot.OutcomeAnswered, Took: time.Second}))
		c := bot.Conclusion{Seq: seqs[0], Also: seqs[1:3], Reply: reply, Outcome: bot.OutcomeAnswered, Took: time.Second}
		check(t, a.Conclude(t.Context(), c))
		same(t, "open", left(), []int64{seqs[0], seqs[1], seqs[3]})
		c.Also = seqs[3:]
		check(t, a.Conclude(t.Context(), c))
		same(t, "open", left(), []int64{seqs[0], seqs[1], seqs[3]})
		check(t, a.Conclude(t.Context(), bot.Conclusion{Seq: seqs[3], Also: []int64{999}}))
		same(t, "open", left(), []int64{seqs[0], seqs[1]})
		same(t, "known ids", receive(t, a, "c", "d"), []int64{0, 0})
		same(t, "tally", must[bot.Tally](t)(a.Tally(t.Context(), time.Time{})), bot.Tally{Answered: 2, Median: time.Second})
	})
}

// TestForgetWords looks for what people said in the tables after all is done.
func TestForgetWords(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		a := p.claim(t)
		seq := receive(t, a, "a")[0]
		check(t, a.Conclude(t.Context(), bot.Conclusion{Seq: seq, Reply: bot.StoredReply{Parts: []string{"x"}}}))
		check(t, a.Said(t.Context(), seq, 1, true))
		var left int
		check(t, a.read(t.Context(), "count", func(x *tx) error {
			_, err := x.one(`SELECT COUNT(*) FROM messages WHERE body IS NOT NULL OR reply IS NOT NULL`, nil, &left)
			return err
		}))
		same(t, "bodies left", left, 0)
	})
}

func TestRecall(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		p.Retention.Conversations = time.Hour
		a := p.claim(t)
		turn := func(c bot.Conversation, text string, keep int, forget bool) {
			t.Helper()
			conclusion := bot.Conclusion{Seq: receive(t, a, "")[0], Conversation: c, Keep: keep, Forget: forget}
			if text != "" {
				conclusion.Turn = &bot.Turn{Asked: text, Answered: text}
			}
			check(t, a.Conclude(ctx, conclusion))
		}
		recall := func(c bot.Conversation, since time.Time) (all string, lost bool) {
			t.Helper()
			m := must[bot.Memory](t)(a.Recall(ctx, c, since))
			for _, turn := range m.Turns {
				all += turn.Asked
			}
			return all, m.Lost
		}
		expect := func(c bot.Conversation, since time.Time, want string, lost bool) {
			t.Helper()
			if got, l := recall(c, since); got != want || l != lost {
				t.Fatalf("%+v: %q, lost %v; want %q, %v", c, got, l, want, lost)
			}
		}
		ann := bot.Conversation{Key: "1/ann", Login: "1", Name: "Ann"}
		bob := bot.Conversation{Key: "1/bob", Login: "1", Name: "Bob"}
		expect(ann, time.Time{}, "", false)
		for _, text := range []string{"a", "b", "c", "d"} {
			turn(ann, text, 3, false)
		}
		turn(bob, "z", 3, false)
		expect(ann, time.Time{}, "bcd", false)
		expect(ann, time.Now().Add(time.Minute), "", false)
		turn(ann, "e", 3, true)
		expect(ann, time.Time{}, "e", false)
		turn(ann, "", 3, true)
		expect(ann, time.Time{}, "", false)
		turn(bob, "y", 3, false)
		expect(bob, time.Time{}, "zy", false)

		// A new login: Bob's chat is known by its name only, Ann's was empty.
		expect(bot.Conversation{Key: "2/x", Login: "2", Name: "Bob"}, time.Time{}, "", true)
		expect(bot.Conversation{Key: "2/x", Login: "2", Name: "Bob"}, time.Now().Add(time.Minute), "", false)
		expect(bot.Conversation{Key: "1/x", Login: "1", Name: "Bob"}, time.Time{}, "", false)
		expect(bot.Conversation{Key: "2/y", Login: "2", Name: "Ann"}, time.Time{}, "", false)
		expect(bot.Conversation{Key: "2/z", Login: "2"}, time.Time{}, "", false)
		expect(bot.Conversation{Key: "stable", Name: "Bob"}, time.Time{}, "", false)
		turn(bot.Conversation{Key: "2/x", Login: "2", Name: "Bob"}, "n", 3, false)
		expect(bot.Conversation{Key: "2/x", Login: "2", Name: "Bob"}, time.Time{}, "n", false)

		// What has expired does not come back with the next turn.
		check(t, a.write(ctx, "age", func(x *tx) error {
			_, err := x.exec(`UPDATE chats SET last = $1 WHERE chat = '1/bob'`, micros(time.Now().Add(-2*time.Hour)))
			return err
		}))
		turn(bob, "w", 3, false)
		expect(bob, time.Time{}, "w", false)
	})
}

func TestIncidents(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		a := p.claim(t)
		base := time.UnixMicro(1_790_000_000_000_000)
		at := func(minutes int) time.Time { return base.Add(time.Duration(minutes) * time.Minute) }
		full := bot.Incident{
			Ref: "AAAA", Entry: "x", Provider: "p", Status: 429, At: at(0), Took: 1500 * time.Millisecond, Rescued: true, Chat: "c1", Group: true,
			Attempts: []bot.Attempt{{Provider: "p", Model: "m", Key: "k", Status: 429, Entry: "x", Code: "c", Words: "w", RequestID: "r", Next: llm.Action("retry"), Wait: time.Second, Took: time.Millisecond}},
		}
		check(t, a.Record(ctx, full))
		for i, other := range []bot.Incident{
			{Ref: "B", Entry: "x", At: at(30), Chat: "c1"},
			{Ref: "C", Entry: "y", At: at(40), Chat: "c2"},
			{Ref: "D", Entry: "x", At: at(70), Chat: "c2"},
		} {
			_ = i
			check(t, a.Record(ctx, other))
		}
		found := must[[]bot.Incident](t)(a.Incidents(ctx, bot.IncidentFilter{Ref: "AAAA"}))
		same(t, "by reference", found, []bot.Incident{full})
		refs := func(f bot.IncidentFilter) (all string) {
			t.Helper()
			for _, i := range must[[]bot.Incident](t)(a.Incidents(ctx, f)) {
				all += i.Ref + " "
			}
			return all
		}
		for _, c := range []struct {
			filter bot.IncidentFilter
			want   string
		}{
			{bot.IncidentFilter{}, "D C B AAAA "},
			{bot.IncidentFilter{Most: 2}, "D C "},
			{bot.IncidentFilter{Entry: "x"}, "D B AAAA "},
			{bot.IncidentFilter{Entry: "x", Most: 1}, "D "},
			{bot.IncidentFilter{Since: at(40)}, "D C "},
			{bot.IncidentFilter{Ref: "B", Since: at(40)}, ""},
			{bot.IncidentFilter{Ref: "B", Entry: "y"}, ""},
			{bot.IncidentFilter{Ref: "no"}, ""},
		} {
			same(t, fmt.Sprintf("%+v", c.filter), refs(c.filter), c.want)
		}
		hour := must[[]bot.EntryCount](t)(a.Trend(ctx, base, time.Hour))
		same(t, "by hour", hour, []bot.EntryCount{
			{Entry: "x", From: at(0), Count: 2, Rescued: 1, Chats: 1, Last: at(30)},
			{Entry: "y", From: at(0), Count: 1, Chats: 1, Last: at(40)},
			{Entry: "x", From: at(60), Count: 1, Chats: 1, Last: at(70)},
		})
		all := must[[]bot.EntryCount](t)(a.Trend(ctx, at(30), 0))
		same(t, "in all", all, []bot.EntryCount{
			{Entry: "x", From: at(30), Count: 2, Chats: 2, Last: at(70)},
			{Entry: "y", From: at(30), Count: 1, Chats: 1, Last: at(40)},
		})
		full.Entry, full.Attempts = "new", nil
		check(t, a.Record(ctx, full))
		same(t, "replaced", must[[]bot.Incident](t)(a.Incidents(ctx, bot.IncidentFilter{Ref: "AAAA"})), []bot.Incident{full})
	})
}

func TestTally(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		a := p.claim(t)
		same(t, "empty", must[bot.Tally](t)(a.Tally(ctx, time.Time{})), bot.Tally{})
		outcomes := []bot.Outcome{"answered", "answered", "rescued", "answered", "failed", "", "answered"}
		for i, outcome := range outcomes {
			c := bot.Conclusion{Seq: receive(t, a, "")[0], Outcome: outcome, Took: time.Duration(i+1) * time.Second}
			if i%2 == 0 {
				c.Reply.Parts = []string{"x"}
			}
			check(t, a.Conclude(ctx, c))
		}
		receive(t, a, "open")
		want := bot.Tally{Answered: 5, Rescued: 1, Failed: 2, Median: 3 * time.Second}
		same(t, "tally", must[bot.Tally](t)(a.Tally(ctx, time.Now().Add(-time.Hour))), want)
		same(t, "later", must[bot.Tally](t)(a.Tally(ctx, time.Now().Add(time.Hour))), bot.Tally{})
	})
}

func TestSettingsAndAudits(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		ctx := t.Context()
		db := p.open(t)
		a, b := claim(t, db, "one", "node"), claim(t, db, "two", "node")
		check(t, a.Set(ctx, "s", "lang", "ko"))
		check(t, a.Set(ctx, "s", "lang", "ja"))
		check(t, a.Set(ctx, "s", "more", "1"))
		check(t, a.Set(ctx, "s", "more", ""))
		check(t, a.Set(ctx, "t", "lang", "en"))
		settings := must[map[string]string](t)
		same(t, "settings", settings(a.Settings(ctx, "s")), map[string]string{"lang": "ja"})
		same(t, "the other account's", settings(b.Settings(ctx, "s")), map[string]string{})
		for i := range 3 {
			check(t, a.Audit(ctx, bot.Deed{At: time.UnixMicro(int64(1000 + i)), Who: fmt.Sprint(i), Where: "private", Command: "/c", Result: "ok"}))
		}
		want := []bot.Deed{
			{At: time.UnixMicro(1002), Who: "2", Where: "private", Command: "/c", Result: "ok"},
			{At: time.UnixMicro(1001), Who: "1", Where: "private", Command: "/c", Result: "ok"},
		}
		same(t, "audits", must[[]bot.Deed](t)(a.Audits(ctx, 2)), want)
		shell := bot.Deed{At: time.UnixMicro(2000), Who: "root", Where: "console", Command: "diagbot pair", Result: "done"}
		check(t, db.Order(ctx, "one", Setting{"pairing", "offer", "x"}, shell))
		same(t, "ordered", settings(a.Settings(ctx, "pairing")), map[string]string{"offer": "x"})
		same(t, "audits", must[[]bot.Deed](t)(a.Audits(ctx, 3)), append([]bot.Deed{shell}, want...))
		check(t, a.Release(ctx))
		check(t, db.Keep(ctx, "one", Setting{"s", "end", "told"}))
		check(t, db.Keep(ctx, "one", Setting{"s", "lang", ""}))
		check(t, db.Keep(ctx, "", Setting{"s", "who", "nobody's"}))
		same(t, "of no account", settings(db.Kept(ctx, "", "s")), map[string]string{"who": "nobody's"})
		same(t, "of an account", settings(db.Kept(ctx, "one", "s")), map[string]string{"end": "told"})
		same(t, "kept without owning it", settings(claim(t, db, "one", "other").Settings(ctx, "s")), map[string]string{"end": "told"})
	})
}

// TestSurvivesReopening is the plain case; crashes are elsewhere.
func TestSurvivesReopening(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		db, err := Open(t.Context(), p.Options)
		check(t, err)
		a := claim(t, db, "one", "node")
		first := receive(t, a, "a", "b")
		check(t, a.Conclude(t.Context(), bot.Conclusion{Seq: first[0], Reply: bot.StoredReply{ID: 9, Parts: []string{"r"}}}))
		check(t, db.Close())
		if _, err := a.Receive(t.Context(), []bot.Message{said("late", "")}); !errors.Is(err, errClosed) {
			t.Fatalf("after Close: %v", err)
		}
		a = p.claim(t)
		open := must[[]bot.Open](t)(a.Open(t.Context()))
		if len(open) != 2 || open[0].Reply == nil || open[0].Reply.ID != 9 || open[1].Reply != nil {
			t.Fatalf("open: %+v", open)
		}
		if again := receive(t, a, "a", "c"); again[0] != 0 || again[1] <= first[1] {
			t.Fatalf("numbers %v after %v", again, first)
		}
	})
}

// TestFailsAlone has one write fail among many that share its transaction.
func TestFailsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		a := p.claim(t)
		var all sync.WaitGroup
		errs := make([]error, 40)
		for i := range errs {
			all.Go(func() {
				errs[i] = a.write(context.Background(), "test", func(x *tx) error {
					if _, err := x.exec(sqlSet, a.name, "s", fmt.Sprint(i), "v"); err != nil || i%8 != 0 {
						return err
					}
					_, err := x.exec("SELECT no_such_column FROM settings")
					return err
				})
			})
		}
		all.Wait()
		for i, err := range errs {
			if (err != nil) != (i%8 == 0) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		same(t, "settings", len(must[map[string]string](t)(a.Settings(t.Context(), "s"))), 35)
	})
}
