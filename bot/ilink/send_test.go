package ilink

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/troubleshoot"
)

// tokenless is what the server thinks of the one try without a token.
const tokenless = "context_token is missing"

// chatting is a world in which alice has written once.
func chatting(t testing.TB, so similink.Options, change func(*Options)) (w *world, alice string) {
	t.Helper()
	w = newWorld(t, so, change)
	w.start(true)
	alice = w.srv.AddUser("alice")
	w.srv.Say("alice", "one")
	w.hear()
	return w, alice
}

// Ten replies go out, the rest after the next message, in order, and before what
// is said after it.
func TestReplyBudget(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	for i := range 14 {
		if err := w.send(alice, "part "+strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	w.sent(10)
	l := w.await(LoginHeld)
	if l.Fault.Entry != windowClosed || l.Fault.Ret != -2 {
		t.Errorf("%v", l.Fault)
	}
	if n := w.srv.Count("sendmessage"); n != 11 {
		t.Errorf("%d requests for ten replies and a refusal", n)
	}
	w.srv.Say("alice", "two")
	w.hear()
	if err := w.send(alice, "answer to two"); err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for i := range 14 {
		want = append(want, "part "+strconv.Itoa(i))
	}
	if texts := w.sent(15); !slices.Equal(texts, append(want, "answer to two")) {
		t.Errorf("sent %q", texts)
	}
	if len(w.logins) != 0 {
		t.Errorf("said more than once: %+v", <-w.logins)
	}
	w.behaved()
}

// More than a budget's worth may wait: each message lets ten through.
func TestReplyBudgetTwice(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	for i := range 25 {
		if err := w.send(alice, "part "+strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	w.sent(10)
	w.srv.Say("alice", "two")
	w.sent(20)
	w.srv.Say("alice", "three")
	if texts := w.sent(25); texts[24] != "part 24" || texts[10] != "part 10" {
		t.Errorf("sent %q", texts)
	}
	w.behaved()
}

// A copy of an old message is no reason for WeChat to take more.
func TestCopyRenewsNothing(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	alice := w.srv.AddUser("alice")
	id := w.srv.Say("alice", "one")
	w.hear()
	for range 11 {
		if err := w.send(alice, "part"); err != nil {
			t.Fatal(err)
		}
	}
	w.sent(10)
	w.srv.Redeliver(id)
	w.srv.Repeat(id)
	w.settled()
	w.srv.Say("主人", "something else")
	w.hear()
	w.settled()
	if users := w.c.book.waiting(); len(users) != 0 {
		t.Error("what was refused is to be tried again")
	}
	if n := w.srv.Count("sendmessage"); n != 11 {
		t.Errorf("%d requests", n)
	}
	w.behaved()
}

func TestWindowClosed(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	w.srv.Advance(25 * time.Hour)
	if err := w.send(alice, "late"); err != nil {
		t.Fatal(err)
	}
	w.await(LoginHeld)
	if sent := w.srv.Sent(); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
	w.srv.Say("alice", "two")
	if texts := w.sent(1); texts[0] != "late" {
		t.Errorf("sent %q", texts)
	}
	w.behaved(tokenless)
}

// Who never wrote cannot be written to, until they do.
func TestBotCannotBegin(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	if err := w.send(w.srv.Owner(), "alert"); err != nil {
		t.Fatal(err)
	}
	w.await(LoginHeld)
	w.srv.Say("主人", "hi")
	if texts := w.sent(1); texts[0] != "alert" {
		t.Errorf("sent %q", texts)
	}
}

// What is kept survives the process, in whatever way it ends.
func TestKeptAcrossRestart(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	w.srv.Advance(25 * time.Hour)
	for i := range 3 {
		if err := w.sendID(alice, "hush "+strconv.Itoa(i), int64(100+i)); err != nil {
			t.Fatal(err)
		}
	}
	vault := w.vault.killed()
	w.stop()
	w.vault = vault
	w.build(nil)
	w.start(true)
	if err := w.sendID(alice, "hush 2", 102); err != nil { // the relay was killed before it knew
		t.Fatal(err)
	}
	if n := len(w.srv.Sent()); n != 0 {
		t.Errorf("%d were sent", n)
	}
	w.srv.Say("alice", "two")
	if texts := w.sent(3); !slices.Equal(texts, []string{"hush 0", "hush 1", "hush 2"}) {
		t.Errorf("sent %q", texts)
	}
	w.settled()
	if all := w.vault.all(); strings.Contains(all, "hush") {
		t.Error("what was said is still kept")
	}
	w.behaved(tokenless)
}

// A kill in the middle of delivering what was kept repeats no part people can see.
func TestKilledWhileCatchingUp(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	w.srv.Advance(25 * time.Hour)
	for i := range 3 {
		if err := w.send(alice, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	before := w.vault.killed()
	w.srv.Say("alice", "two")
	w.sent(3)
	w.stop()
	w.vault = before // nothing of it was noted
	w.build(nil)
	w.start(true)
	w.srv.Say("alice", "three")
	w.hear()
	if err := w.send(alice, "answer"); err != nil {
		t.Fatal(err)
	}
	if texts := w.sent(4); !slices.Equal(texts, []string{"0", "1", "2", "answer"}) {
		t.Errorf("sent %q", texts)
	}
}

// A token that WeChat does not like any more is worse than none.
func TestTokenless(t *testing.T) {
	w, alice := chatting(t, similink.Options{Assume: similink.Assume{NoTokenNeeded: true}}, nil)
	w.srv.Fail("sendmessage", similink.Failure{Ret: -2, ErrMsg: "prepare failed"}, 1)
	if err := w.sendID(alice, "answer", 5); err != nil {
		t.Fatal(err)
	}
	sent, err := w.srv.WaitSent(w.ctx, 1)
	if err != nil || sent[0].Token != "" || sent[0].ClientID != "diagbot-5" {
		t.Errorf("sent %+v, %v", sent, err)
	}
	if n := w.srv.Count("sendmessage"); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// Real haste passes: a refused part is tried once more after a while.
func TestThrottled(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, func(o *Options) { o.pauses.cool = 20 * time.Millisecond })
	w.srv.Fail("sendmessage", similink.Failure{Ret: -2, ErrMsg: "rate limited"}, 2)
	for _, text := range []string{"one", "two"} {
		if err := w.send(alice, text); err != nil {
			t.Fatal(err)
		}
	}
	if texts := w.sent(2); !slices.Equal(texts, []string{"one", "two"}) {
		t.Errorf("sent %q", texts)
	}
	w.await(LoginHeld)
	w.behaved()
}

// But only once: it may be another reason.
func TestThrottledForGood(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, func(o *Options) { o.pauses.cool = 5 * time.Millisecond })
	w.srv.Fail("sendmessage", similink.Failure{Ret: -2}, -1)
	if err := w.send(alice, "one"); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.WaitCount(w.ctx, "sendmessage", 3); err != nil {
		t.Fatal(err)
	}
	time.Sleep(30 * time.Millisecond) // to give a loop its chance
	if n := w.srv.Count("sendmessage"); n != 3 {
		t.Errorf("%d requests", n)
	}
	w.srv.Heal()
	w.srv.Say("alice", "two")
	w.sent(1)
}

func TestSendFaults(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	for name, c := range map[string]struct {
		f     similink.Failure
		maybe bool
		check func(*troubleshoot.Fault) bool
	}{
		"reset before":   {similink.Failure{Reset: true}, true, nil},
		"answer lost":    {similink.Failure{LoseAnswer: true}, true, nil},
		"answer cut":     {similink.Failure{CutBody: true}, true, nil},
		"no JSON":        {similink.Failure{Body: "ok"}, true, nil},
		"524":            {similink.Failure{Status: 524}, true, nil},
		"500":            {similink.HTML(500), true, nil},
		"503":            {similink.HTML(503), false, func(f *troubleshoot.Fault) bool { return f.Status == 503 }},
		"403":            {similink.HTML(403), false, func(f *troubleshoot.Fault) bool { return f.Status == 403 }},
		"-1":             {similink.Failure{Ret: -1, ErrMsg: "busy"}, false, func(f *troubleshoot.Fault) bool { return f.Ret == -1 && f.Message == "busy" }},
		"-14 as errcode": {similink.Failure{Errcode: -14}, false, func(f *troubleshoot.Fault) bool { return f.Ret == -14 && f.Entry == sessionExpired }},
		"-14 as ret":     {similink.Failure{Ret: -14}, false, func(f *troubleshoot.Fault) bool { return f.Ret == -14 && f.Entry == sessionExpired }},
	} {
		w.srv.Fail("sendmessage", c.f, 1)
		f := faultOf(t, w.send(alice, name))
		if (f.Code == bot.MaybeSent) != c.maybe || f.Source != "wechat" || f.Type != "ilink" || c.check != nil && !c.check(f) {
			t.Errorf("%s: %v, %q", name, f, f.Message)
		}
	}
}

// The catalogue knows what these faults are.
func TestFaultsAreExplained(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	catalogue, err := troubleshoot.Load()
	if err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]similink.Failure{
		sessionExpired: {Errcode: -14}, "wechat-unreachable": {Reset: true},
	} {
		w.srv.Fail("sendmessage", f, 1)
		if d := catalogue.Diagnose(faultOf(t, w.send(alice, "x"))); d.Entry.ID != want {
			t.Errorf("%+v is said to be %s", f, d.Entry.ID)
		}
	}
	w.srv.Advance(25 * time.Hour)
	if err := w.send(alice, "late"); err != nil {
		t.Fatal(err)
	}
	if d := catalogue.Diagnose(w.await(LoginHeld).Fault); d.Entry.ID != windowClosed {
		t.Errorf("a refusal is said to be %s", d.Entry.ID)
	}
}

// A part said again because nobody knows whether it arrived is seen once.
func TestSaidAgain(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	w.srv.Fail("sendmessage", similink.Failure{LoseAnswer: true}, 1)
	if f := faultOf(t, w.sendID(alice, "answer", 9)); f.Code != bot.MaybeSent {
		t.Errorf("%v", f)
	}
	if err := w.sendID(alice, "answer", 9); err != nil {
		t.Error(err)
	}
	if err := w.sendID(alice, "more", 10); err != nil {
		t.Error(err)
	}
	if texts := w.sent(2); !slices.Equal(texts, []string{"answer", "more"}) {
		t.Errorf("sent %q", texts)
	}
}

// What was kept and cannot be delivered holds back what comes after it, so that
// the order stays; but not for ever.
func TestCatchUpFails(t *testing.T) {
	for name, c := range map[string]struct {
		f     similink.Failure
		tries int
		want  []string
	}{
		"network":     {similink.HTML(503), 6, []string{"kept", "answer"}},
		"lost answer": {similink.Failure{LoseAnswer: true}, 1, []string{"kept", "answer"}},
		"refused":     {similink.Failure{Ret: -1}, letterTries, []string{"answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, alice := chatting(t, similink.Options{}, nil)
			w.srv.Advance(25 * time.Hour)
			if err := w.send(alice, "kept"); err != nil {
				t.Fatal(err)
			}
			w.srv.Fail("sendmessage", c.f, c.tries)
			w.srv.Say("alice", "two")
			w.hear()
			for n := 0; ; n++ {
				err := w.send(alice, "answer")
				if err == nil {
					break
				}
				if f := faultOf(t, err); f.Code == bot.MaybeSent || n > c.tries {
					t.Fatalf("%d: %v", n, f)
				}
			}
			if texts := w.sent(len(c.want)); !slices.Equal(texts, c.want) {
				t.Errorf("sent %q", texts)
			}
		})
	}
}

func TestTooMuchIsKept(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	w.srv.Advance(25 * time.Hour)
	for i := range maxLater {
		if err := w.send(alice, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	f := faultOf(t, w.send(alice, "one too many"))
	if f.Entry != windowClosed || !errors.Is(f, errFull) {
		t.Errorf("%v", f)
	}
}

func TestManyChatsAtOnce(t *testing.T) {
	w := newWorld(t, similink.Options{Batch: 50}, nil)
	w.start(true)
	const people, parts = 40, 5
	done := make(chan error, people)
	for i := range people {
		name := fmt.Sprint("person ", i)
		id := w.srv.AddUser(name)
		w.srv.Say(name, "hi")
		go func() {
			m := w.hear()
			for n := range parts {
				if err := w.send(m.Chat.ID, strconv.Itoa(n)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		_ = id
	}
	for range people {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	w.sent(people * parts)
	order := map[string]int{}
	for _, m := range w.srv.Sent() {
		if m.Text != strconv.Itoa(order[m.To]) {
			t.Errorf("%s after %d parts", m.Text, order[m.To])
		}
		order[m.To]++
	}
	w.behaved()
}

func TestBookIsBounded(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	b := w.c.book
	now := time.Now()
	for i := range 2 * pages * maxTalks {
		b.heard("u"+strconv.Itoa(i), "b", "token", now.Add(time.Duration(i)))
	}
	for i := range b.pages {
		if n := len(b.pages[i].talks); n > maxTalks {
			t.Errorf("%d chats on a page", n)
		}
	}
	if p := b.pass("u"+strconv.Itoa(2*pages*maxTalks-1), "b"); p.token == "" {
		t.Error("the newest is forgotten")
	}
	if p := b.pass("u0", "b"); p.token != "" {
		t.Error("the oldest is not forgotten")
	}
	big := strings.Repeat("x", partBytes)
	var err error
	for i := 0; err == nil && i < 10000; i++ {
		err = b.keep("u"+strconv.Itoa(i), letter{ID: int64(i), Text: big, At: now})
	}
	if !errors.Is(err, errFull) {
		t.Errorf("no bound: %v", err)
	}
}

func TestOldLettersAreForgotten(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	b := w.c.book
	for i, age := range []time.Duration{laterFor + time.Hour, laterFor + time.Minute, time.Hour} {
		if err := b.keep("u", letter{ID: int64(i), Text: "x", At: time.Now().Add(-age)}); err != nil {
			t.Fatal(err)
		}
	}
	if l, ok := b.next("u"); !ok || l.ID != 2 {
		t.Errorf("next is %+v, %v", l, ok)
	}
	if users := b.waiting(); !slices.Equal(users, []string{"u"}) {
		t.Errorf("waiting: %q", users)
	}
}
