package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// frailStore is a store that fails on command. before and after see each call by
// its name; what they return is its error, with and without effect.
type frailStore struct {
	Store
	mu            sync.Mutex
	before, after func(ctx context.Context, call string) error
	lost          bool
}

func (s *frailStore) set(before, after func(context.Context, string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// around makes a call between before and after.
func (s *frailStore) around(ctx context.Context, call string, do func() error) error {
	s.mu.Lock()
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(ctx, call); err != nil {
			return err
		}
	}
	if err := do(); err != nil || after == nil {
		return err
	}
	return after(ctx, call)
}

func (s *frailStore) Receive(ctx context.Context, batch []Message) (numbers []int64, err error) {
	err = s.around(ctx, "receive", func() (err error) { numbers, err = s.Store.Receive(ctx, batch); return err })
	if err != nil {
		numbers = nil
	}
	return numbers, err
}

func (s *frailStore) Open(ctx context.Context) (open []Open, err error) {
	err = s.around(ctx, "open", func() (err error) { open, err = s.Store.Open(ctx); return err })
	return open, err
}

func (s *frailStore) Conclude(ctx context.Context, c Conclusion) error {
	return s.around(ctx, "conclude", func() error { return s.Store.Conclude(ctx, c) })
}

func (s *frailStore) Said(ctx context.Context, seq int64, parts int, done bool) error {
	return s.around(ctx, "said", func() error { return s.Store.Said(ctx, seq, parts, done) })
}

func (s *frailStore) Recall(ctx context.Context, c Conversation, since time.Time) (m Memory, err error) {
	err = s.around(ctx, "recall", func() (err error) { m, err = s.Store.Recall(ctx, c, since); return err })
	return m, err
}

func (s *frailStore) Settings(ctx context.Context, scope string) (all map[string]string, err error) {
	err = s.around(ctx, "settings", func() (err error) { all, err = s.Store.Settings(ctx, scope); return err })
	return all, err
}

func (s *frailStore) Set(ctx context.Context, scope, name, value string) error {
	return s.around(ctx, "set", func() error { return s.Store.Set(ctx, scope, name, value) })
}

func (s *frailStore) Incidents(ctx context.Context, f IncidentFilter) (all []Incident, err error) {
	err = s.around(ctx, "incidents", func() (err error) { all, err = s.Store.Incidents(ctx, f); return err })
	return all, err
}

func (s *frailStore) Owns() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.lost
}

// failsAt makes one kind of call fail.
func failsAt(call string, err error) func(context.Context, string) error {
	return func(_ context.Context, c string) error {
		if c == call {
			return err
		}
		return nil
	}
}

// hangsAt makes one kind of call hang until its caller gives up.
func hangsAt(call string) func(context.Context, string) error {
	return func(ctx context.Context, c string) error {
		if c == call {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
}

var errDisk = errors.New("no space left on device")

// lasting gives a relay a store that outlives it.
func lasting(s Store) func(*Options) {
	return func(o *Options) { o.Store = s }
}

// open counts what is not done.
func open(t *testing.T, s Store) int {
	t.Helper()
	all, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func inBubbleWith(t *testing.T, change func(*Options), test func(*world, *frailStore)) {
	t.Helper()
	if _, err := catalogue(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &frailStore{Store: newMemory(0)}
		test(newWorld(t, func(o *Options) {
			o.Store = s
			if change != nil {
				change(o)
			}
		}), s)
	})
}

func TestWhatIsNotStoredIsNotTaken(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after func(context.Context, string) error
	}{
		{"refused", failsAt("receive", errDisk), nil},
		{"hanging", hangsAt("receive"), nil},
		{"stored, but the answer is lost", nil, failsAt("receive", errDisk)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var news []string
			trouble := func(o *Options) {
				o.Trouble = func(kind string, f *troubleshoot.Fault) { news = append(news, fmt.Sprint(kind, f != nil)) }
			}
			inBubbleWith(t, trouble, func(w *world, s *frailStore) {
				s.set(tt.before, tt.after)
				m := private("alice", "hi")
				m.ID = "one"
				for range 3 {
					w.hear(m)
					time.Sleep(2 * storeTime)
				}
				w.expect()
				for _, err := range w.channel.heard() {
					if err == nil {
						t.Error("a message was taken that was not stored")
					}
				}
				s.set(nil, nil)
				w.hear(m)
				w.hear(m)
				w.hear(private("alice", "two"))
				w.expect("echo: hi", "echo: two")
				if n := open(t, s); n != 0 {
					t.Errorf("%d messages open", n)
				}
				if want := []string{"storetrue", "storefalse"}; !slices.Equal(news, want) {
					t.Errorf("told of trouble %q, want %q", news, want)
				}
			})
		})
	}
}

func TestNothingIsSaidBeforeItIsStored(t *testing.T) {
	for name, hook := range map[string]func(context.Context, string) error{
		"failing": failsAt("conclude", errDisk), "hanging": hangsAt("conclude"), "forgetful": failsAt("recall", errDisk),
	} {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprint(name, stored), func(t *testing.T) {
				var news []bool
				trouble := func(o *Options) {
					o.Trouble = func(_ string, f *troubleshoot.Fault) { news = append(news, f != nil) }
				}
				inBubbleWith(t, trouble, func(w *world, s *frailStore) {
					if s.set(hook, nil); stored {
						s.set(nil, hook)
					}
					w.hear(private("alice", "one"))
					w.hear(private("alice", "two"))
					time.Sleep(10 * time.Minute)
					w.expect()
					s.set(nil, nil)
					time.Sleep(time.Minute)
					synctest.Wait()
					w.expect("echo: one", "echo: two")
					if p := w.completer.asked(); len(p) != 2 || len(p[1].Messages) != 3 {
						t.Errorf("asked %d times", len(p))
					}
					if !slices.Equal(news, []bool{true, false}) {
						t.Errorf("told of trouble %v", news)
					}
				})
			})
		}
	}
}

// TestOneChatInTroubleHoldsUpNoOther has the conclusion of one chat hang.
func TestOneChatInTroubleHoldsUpNoOther(t *testing.T) {
	inBubbleWith(t, nil, func(w *world, s *frailStore) {
		first := true
		s.set(func(ctx context.Context, call string) error {
			if call == "conclude" && first {
				first = false
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, nil)
		w.hear(private("alice", "hi"))
		for i := range 5 {
			w.hear(private("bob", fmt.Sprint(i)))
		}
		w.expect("echo: 0", "echo: 1", "echo: 2", "echo: 3", "echo: 4")
		time.Sleep(2 * storeTime)
		synctest.Wait()
		w.expect("echo: hi")
	})
}

// TestConclusionsAsideAreBounded has notices wait for a store that takes messages
// and no conclusions.
func TestConclusionsAsideAreBounded(t *testing.T) {
	inBubbleWith(t, nil, func(w *world, s *frailStore) {
		s.set(func(ctx context.Context, call string) error {
			if call == "conclude" || call == "said" {
				return errDisk
			}
			return nil
		}, nil)
		for range maxAside + 100 {
			w.offer(private("alice", "/stop"))
		}
		synctest.Wait()
		refused := 0
		for _, err := range w.channel.heard() {
			if errors.Is(err, errBehind) {
				refused++
			}
		}
		if refused < 90 {
			t.Errorf("%d messages refused", refused)
		}
		s.set(nil, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.texts()
		w.hear(private("alice", "hi"))
		w.expect("echo: hi")
	})
}

// TestSilenceWhenAnotherHasTheAccount takes the account away at every turn.
func TestSilenceWhenAnotherHasTheAccount(t *testing.T) {
	away := func(call string) func(*world, *frailStore) {
		return func(_ *world, s *frailStore) { s.set(failsAt(call, fmt.Errorf("write: %w", ErrNotOwner)), nil) }
	}
	for name, take := range map[string]func(*world, *frailStore){
		"receive": away("receive"), "conclude": away("conclude"), "recall": away("recall"), "said": away("said"),
		"owns":    func(_ *world, s *frailStore) { s.mu.Lock(); s.lost = true; s.mu.Unlock() },
		"context": func(w *world, _ *frailStore) { w.disown() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubbleWith(t, func(o *Options) { o.SendInterval = 10 * time.Second }, func(w *world, s *frailStore) {
				var asked atomic.Int64
				w.completer.answer = func(_ context.Context, p llm.Prompt) (string, error) {
					asked.Add(1)
					return strings.Repeat("一二三四五六七八九。", 1000), nil
				}
				w.hear(private("alice", "before"))
				w.hear(private("bob", "before"))
				if n := len(w.texts()); n != 1 {
					t.Fatalf("%d parts said", n)
				}
				take(w, s)
				start := time.Now()
				w.channel.try(private("carol", "after"))
				if err := <-w.ended; !errors.Is(err, ErrNotOwner) {
					t.Errorf("Run: %v", err)
				}
				most := 0
				if name == "said" {
					most = 1 // it was on its way
				}
				if n := len(w.texts()); n > most {
					t.Errorf("%d parts said by who is not the owner", n)
				}
				if took := time.Since(start); took > 15*time.Second {
					t.Errorf("Run ended after %v", took)
				}
				if n := asked.Load(); name == "owns" && n != 2 {
					t.Errorf("the model was asked %d times, not 2", n)
				}
			})
		})
	}
}

// TestStopLeavesTheRest stops a relay in the middle of everything: the next one
// goes on where it ended, and nobody hears that the bot restarts.
func TestStopLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		w := newWorld(t, func(o *Options) { o.Store, o.Grace, o.SendInterval = s, 20*time.Second, 7*time.Second })
		w.completer.answer = func(ctx context.Context, p llm.Prompt) (string, error) {
			switch last(p) {
			case "long":
				return strings.Repeat("一二三四五六七八九。", 1000), nil
			case "slow":
				return slowly(time.Hour)(ctx, p)
			}
			return echo(ctx, p)
		}
		w.hear(private("alice", "long"))
		w.hear(private("alice", "then"))
		w.hear(private("bob", "slow"))
		start := time.Now()
		w.stop()
		if err := <-w.ended; err != nil || time.Since(start) > 20*time.Second {
			t.Errorf("Run: %v after %v", err, time.Since(start))
		}
		parts := w.texts()
		if n := len(parts); n < 2 || n > 3 {
			t.Errorf("%d parts said before the end", n)
		}
		asked := len(w.completer.asked())
		v := newWorld(t, lasting(s))
		synctest.Wait()
		parts = append(parts, v.texts()...)
		slices.Sort(parts)
		if len(parts) != 8 || len(slices.Compact(parts)) != 8 || !slices.Contains(parts, "echo: slow") || !slices.Contains(parts, "echo: then") {
			t.Errorf("said %d parts in all", len(parts))
		}
		if asked != 3 || len(v.completer.asked()) > 2 {
			t.Errorf("asked %d and %d times", asked, len(v.completer.asked()))
		}
		if n := open(t, s); n != 0 {
			t.Errorf("%d messages open", n)
		}
	})
}

func TestStaleMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		receive := func(batch ...Message) {
			for i := range batch {
				batch[i].Text, batch[i].ID = cutGroup(batch[i]), fmt.Sprint(batch[i].Chat.ID, batch[i].Text)
			}
			if _, err := s.Receive(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		receive(private("alice", "old"), private("alice", "older"), inGroup("home", "bob", "old"), private("dora", "/stop"))
		half := Conclusion{Seq: 1, Reply: StoredReply{ID: 7, Parts: []string{"one", "two"}}}
		if err := errors.Join(s.Conclude(t.Context(), half), s.Said(t.Context(), 1, 1, false)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		receive(private("alice", "new"), private("carol", "new"))
		w := newWorld(t, lasting(s))
		synctest.Wait()
		got := make(map[string][]string)
		for _, u := range w.channel.take() {
			got[u.to.ID] = append(got[u.to.ID], u.text)
		}
		away := w.ui("was_away")
		for chat, want := range map[string][]string{
			"alice": {"two", away, "echo: new"}, "@@home": {"@bob\u2005" + away}, "carol": {"echo: new"}, "dora": {away},
		} {
			if !slices.Equal(got[chat], want) {
				t.Errorf("%s heard %q, want %q", chat, got[chat], want)
			}
		}
		if n := open(t, s); n != 0 {
			t.Errorf("%d messages open", n)
		}
	})
}

func cutGroup(m Message) string { return m.Text }

func TestMessagesOfAnEarlierLoginAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		w := newWorldOn(t, func(c *fakeChannel) { c.login = "first" }, lasting(s))
		w.completer.answer = slowly(time.Hour)
		w.hear(private("alice", "never answered"))
		w.hear(private("alice", "nor this"))
		w.hear(private("bob", "in work at the second login"))
		w.completer.answer = nil
		w.channel.logins <- "first"
		synctest.Wait()
		w.hear(private("carol", "hi"))
		w.expect("echo: hi")
		w.channel.logins <- "second"
		w.hear(private("alice", "anew"))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		for _, u := range w.channel.take() {
			if u.to.ID == "bob" {
				t.Errorf("said %q to a chat of an earlier login", u.text)
			}
		}
		if n := open(t, s); n != 0 {
			t.Errorf("%d messages open", n)
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newMemory(0)
			batch := []Message{private("alice", "hi"), private("bob", "hi")}
			batch[0].Login, batch[1].Login = "first", "second"
			if _, err := s.Receive(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			w := newWorldOn(t, func(c *fakeChannel) { c.login = "second" }, lasting(s))
			synctest.Wait()
			if said := w.channel.take(); len(said) != 1 || said[0].to.ID != "bob" || open(t, s) != 0 {
				t.Errorf("said %v, %d open", said, open(t, s))
			}
		})
	})
}

func TestLostMemoryIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		named := func(id, name, text string) Message {
			m := private(id, text)
			m.Chat.Name = name
			return m
		}
		w := newWorldOn(t, func(c *fakeChannel) { c.login = "first" }, lasting(s))
		w.hear(named("@1", "Alice", "one"))
		w.hear(named("@1", "Alice", "two"))
		keyed := named("@2", "Mum", "one")
		keyed.Chat.Key = "remark:Mum"
		w.hear(keyed)
		w.texts()
		w.channel.logins <- "second"
		w.hear(named("@8", "Alice", "/ping"))
		w.hear(named("@8", "Alice", "three"))
		w.hear(named("@8", "Alice", "four"))
		w.hear(named("@9", "Bob", "hi"))
		keyed.Chat.ID, keyed.ID = "@7", "again"
		w.hear(keyed)
		w.expect(w.ui("pong"), "echo: three\n\n"+w.ui("memory_lost"), "echo: four", "echo: hi", "echo: one")
		time.Sleep(30 * time.Minute) // the chats are forgotten here, and recalled
		w.hear(named("@8", "Alice", "five"))
		w.expect("echo: five")
		p := w.completer.asked()
		for i, want := range []int{1, 3, 1, 1, 3, 1, 3, 5} {
			if got := len(p[i].Messages); got != want {
				t.Errorf("prompt %d has %d messages, want %d", i, got, want)
			}
		}
	})
}

func TestSettingsOutliveTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &frailStore{Store: newMemory(0)}
		w := newWorld(t, lasting(s))
		s.set(failsAt("set", errDisk), nil)
		w.hear(private("alice", "/lang ja"))
		w.expect()
		s.set(nil, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.texts()
		w.stop()
		<-w.ended
		v := newWorld(t, lasting(s))
		v.hear(private("alice", "/ping"))
		v.expect(v.relay.o.Catalogue.Say("ja", "pong"))
		v.hear(private("alice", "/lang auto"))
		v.texts()
		v.hear(private("alice", "/ping"))
		v.expect(v.ui("pong"))
	})
}

func TestReportsSayThatRecordsFail(t *testing.T) {
	inBubbleWith(t, nil, func(w *world, s *frailStore) {
		s.set(failsAt("incidents", errDisk), nil)
		owner := private("me", "/diag last")
		owner.Sender.Owner = true
		w.hear(owner)
		w.hear(private("bob", "/diag 7K2F"))
		w.expect(w.ui("records_failing"), w.ui("records_failing"))
	})
}

func TestSecretArgumentsAreNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &frailStore{Store: newMemory(0)}
		w := newWorld(t, lasting(s))
		w.relay.commands.byName["ping"].secret = []string{""}
		s.set(failsAt("conclude", errDisk), nil)
		w.hear(private("alice", "#ping sk-secret"))
		all, err := s.Open(t.Context())
		if err != nil || len(all) != 1 || all[0].Message.Text != "/ping" {
			t.Errorf("stored %+v, %v", all, err)
		}
	})
}

// TestTenThousandOpenMessages resumes a large backlog, whatever the size of the
// mailboxes.
func TestTenThousandOpenMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const chats, each = 200, 50
		s := newMemory(0)
		for i := range each {
			var batch []Message
			for c := range chats {
				m := private(fmt.Sprint("c", c), fmt.Sprint(i))
				m.ID = fmt.Sprint(c, "-", i)
				batch = append(batch, m)
			}
			if _, err := s.Receive(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		w := newWorld(t, lasting(s))
		synctest.Wait()
		got := make(map[string]int)
		for _, u := range w.channel.take() {
			if u.text != fmt.Sprint("echo: ", got[u.to.ID]) {
				t.Fatalf("%s got %q, want %d", u.to.ID, u.text, got[u.to.ID])
			}
			got[u.to.ID]++
		}
		for c, n := range got {
			if n != each {
				t.Errorf("%s got %d answers", c, n)
			}
		}
		if len(got) != chats || open(t, s) != 0 {
			t.Errorf("%d chats answered, %d messages open", len(got), open(t, s))
		}
	})
}

// TestPartOnItsWayAtTheEndIsNotRepeated has the grace end while a part is sent.
func TestPartOnItsWayAtTheEndIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		w := newWorld(t, func(o *Options) { o.Store, o.Grace = s, 4*time.Second })
		w.channel.took = 6 * time.Second
		w.completer.answer = func(context.Context, llm.Prompt) (string, error) {
			return strings.Repeat("一二三四五六七八九。", 1000), nil
		}
		w.hear(private("alice", "long"))
		w.stop()
		<-w.ended
		parts := w.texts()
		if len(parts) != 1 {
			t.Fatalf("%d parts said", len(parts))
		}
		v := newWorld(t, lasting(s))
		synctest.Wait()
		parts = append(parts, v.texts()...)
		slices.Sort(parts)
		if len(parts) != 6 || len(slices.Compact(parts)) != 6 {
			t.Errorf("%d parts said", len(parts))
		}
	})
}

// TestAccountThatComesBack leaves what was not said before the account was lost to
// the next login, where that reaches the same chats.
func TestAccountThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory(0)
		stable := func(c *fakeChannel) { c.traits.StableIDs = true }
		w := newWorldOn(t, stable, lasting(s))
		over := &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: -14}
		w.channel.fail = fails(1<<30, *over)
		w.hear(private("alice", "hi"))
		w.channel.end <- over
		if err := <-w.ended; !errors.Is(err, over) {
			t.Errorf("Run: %v", err)
		}
		if n := open(t, s); n != 1 {
			t.Errorf("%d messages open", n)
		}
		v := newWorldOn(t, stable, lasting(s))
		synctest.Wait()
		v.expect("echo: hi")
	})
}

// TestEndedReplies has replies end that cannot be said: the store forgets them.
func TestEndedReplies(t *testing.T) {
	inBubbleWith(t, func(o *Options) { o.MailboxSize = 1 }, func(w *world, s *frailStore) {
		w.channel.fail = func(_ int, to Chat, _ string) error {
			if to.ID == "alice" {
				return &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: 1204}
			}
			return nil
		}
		s.set(func(_ context.Context, call string) error {
			if call == "said" && time.Now().Second() < 10 {
				return errDisk
			}
			return nil
		}, nil)
		w.completer.answer = slowly(time.Second)
		for i := range 6 {
			w.hear(private("alice", fmt.Sprint(i)))
			w.hear(private("bob", fmt.Sprint(i)))
		}
		w.hear(Message{Chat: Chat{ID: "bob"}, Sender: Sender{ID: "bob"}, Kind: KindImage})
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(w.texts()); n != 3 { // two answers, and once "busy"
			t.Errorf("said %d", n)
		}
		if n := open(t, s); n != 0 {
			t.Errorf("%d messages open", n)
		}
	})
}
