package wechat

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
)

func TestBrokenSyncsLoseNothing(t *testing.T) {
	const key = `"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]}`
	for name, f := range map[string]simwechat.Failure{
		"no SyncKey":      {Body: `{"BaseResponse":{"Ret":0,"ErrMsg":""},"AddMsgCount":0,"AddMsgList":[]}`},
		"null SyncKey":    {Body: `{"BaseResponse":{"Ret":0},"SyncKey":null,"AddMsgList":[]}`},
		"long SyncKey":    {Body: `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1},{"Key":2,"Val":1}]}}`},
		"short SyncKey":   {Body: `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":9,"List":[{"Key":1,"Val":1}]}}`},
		"empty SyncKey":   {Body: `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":0,"List":[]}}`},
		"no BaseResponse": {Body: `{` + key + `}`},
		"empty object":    {Body: `{}`},
		"null":            {Body: `null`},
		"empty":           {Status: 200},
		"html":            simwechat.HTML(502),
		"html with 200":   {Body: "<html>"},
		"wrong types":     {Body: `{"BaseResponse":{"Ret":"0"},` + key + `}`},
		"ret 1205":        {Ret: 1205},
		"ret -1":          {Ret: -1},
		"cut":             {CutBody: true},
		"answer lost":     {LoseAnswer: true},
		"reset":           {Reset: true},
	} {
		for _, endpoint := range []string{"webwxsync", "synccheck"} {
			t.Run(endpoint+" "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, simwechat.Options{}, nil)
				alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
				w.start(true)
				w.silent(alice)
				w.srv.Fail(endpoint, f, 2)
				w.srv.Say(alice, "one")
				w.srv.Say(alice, "two")
				for _, want := range []string{"one", "two"} {
					if m := w.hear(); m.Text != want {
						t.Fatalf("heard %+v, want %q", m, want)
					}
				}
				w.silent(alice)
			})
		}
	}
}

func TestSyncEndsSession(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.silent(alice)
	w.srv.Fail("webwxsync", simwechat.Failure{Ret: 1100}, 1)
	w.srv.Say(alice, "x")
	if l := w.await(LoginLost); l.Fault.Ret != 1100 {
		t.Errorf("lost %+v", l)
	}
	w.await(LoginConfirmed)
}

func TestSessionThatOnlyRefusesIsOver(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, func(o *Options) { o.lastPause = o.firstPause })
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.silent(alice)
	w.srv.Fail("synccheck", simwechat.Failure{Ret: 1}, maxRefused)
	if l := w.await(LoginLost); l.Fault.Ret != 1 {
		t.Errorf("lost %+v", l)
	}
	w.await(LoginConfirmed)
}

// TestStorms counts requests while everything fails: the pauses double, so in
// the time of one pause at its longest there are only a few.
func TestStorms(t *testing.T) {
	for name, f := range map[string]simwechat.Failure{
		"1205":  {Ret: 1205},
		"502":   simwechat.HTML(502),
		"reset": {Reset: true},
		"empty": {Status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simwechat.Options{}, func(o *Options) { o.firstPause, o.lastPause = 20*time.Millisecond, time.Hour })
			alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
			w.start(true)
			w.silent(alice)
			before := w.srv.Count("synccheck")
			start := time.Now()
			w.srv.Fail("synccheck", f, -1)
			if err := w.srv.WaitCount(w.ctx, "synccheck", before+7); err != nil {
				t.Fatal(err)
			}
			// Six pauses of 20 ms and up, each twice as long and a quarter shorter at most.
			if took, least := time.Since(start), 15*(1+2+4+8+16)*time.Millisecond; took < least {
				t.Errorf("7 requests within %v, want at least %v", took, least)
			}
		})
	}
}

func TestNewsWithoutMessagesDoNotSpin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simwechat.Options{}, func(o *Options) { o.firstPause, o.lastPause = time.Second, time.Minute })
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.silent(alice)
	before, start := w.srv.Count("synccheck"), time.Now()
	w.srv.Fail("synccheck", simwechat.Failure{Selector: "2"}, -1)
	if err := w.srv.WaitCount(w.ctx, "synccheck", before+8); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 1400*time.Millisecond { // 4 at once, then 2 a second
		t.Errorf("8 requests within %v", took)
	}
	w.srv.Heal()
	w.silent(alice)
}

func TestUnheardMessagesComeAgain(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	var refused atomic.Int32
	w.refuse = func(m bot.Message) error {
		if m.Text == "m3" && refused.Add(1) <= 3 {
			return errors.New("store is full")
		}
		return nil
	}
	w.start(true)
	for i := range 6 {
		w.srv.Say(alice, fmt.Sprintf("m%d", i))
	}
	for i := range 6 {
		if m := w.hear(); m.Text != fmt.Sprintf("m%d", i) {
			t.Fatalf("heard %q at %d", m.Text, i)
		}
	}
	w.silent(alice)
	if n := refused.Load(); n != 4 {
		t.Errorf("offered %d times", n)
	}
}

func TestUnheardMessagesComeAgainAfterRestart(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	asked := make(chan struct{}, 100)
	w.refuse = func(m bot.Message) error {
		if m.Text == "m1" {
			asked <- struct{}{}
			return errors.New("store is full")
		}
		return nil
	}
	w.start(true)
	w.silent(alice)
	w.srv.Say(alice, "m1")
	<-asked
	w.stop()
	w.refuse = nil
	w.build(w.srv.Transport(), nil)
	w.start(true)
	if m := w.hear(); m.Text != "m1" {
		t.Errorf("heard %+v", m)
	}
	w.silent(alice)
}

func TestHearMayPanic(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	var panics atomic.Int32
	w.refuse = func(m bot.Message) error {
		if m.Text == "poison" {
			panics.Add(1)
			panic("cannot read this")
		}
		return nil
	}
	w.start(true)
	w.srv.Say(alice, "poison")
	w.silent(alice)
	if n := panics.Load(); n != maxPoison {
		t.Errorf("heard %d times", n)
	}
}

func TestOwnAndSystemMessages(t *testing.T) {
	w := newWorld(t, simwechat.Options{Echo: true}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	news := w.srv.AddFriend(simwechat.Person{Nick: "News", Official: true})
	group := w.srv.AddGroup(simwechat.Group{Name: "G", Members: []simwechat.Member{{UserName: alice}}})
	w.start(true)
	w.srv.SayFromPhone(alice, "from my phone")
	w.srv.SayFromPhone(group, "@小诊 from my phone")
	w.srv.Say(news, "newsletter")
	w.srv.Say("weixin", "welcome")
	w.srv.Push(map[string]any{"FromUserName": group, "MsgType": simwechat.TypeSystem, "Content": "Alice invited Bob"})
	w.srv.Push(map[string]any{"FromUserName": alice, "MsgType": 10002, "Content": "recalled"})
	w.srv.Push(map[string]any{"FromUserName": "fmessage", "MsgType": 37, "Content": "<msg/>"})
	w.srv.Push(map[string]any{"FromUserName": alice, "MsgType": 42, "Content": "<msg/>"})
	w.srv.Push(map[string]any{"FromUserName": alice, "MsgType": 49, "AppMsgType": 2001, "Content": "<msg/>"})
	w.srv.Push(map[string]any{"FromUserName": alice, "MsgType": "one", "Content": 5})
	w.silent(alice)

	w.srv.SayFromPhone("filehelper", "/diag 401")
	m := w.hear()
	if !m.Sender.Owner || m.Chat.ID != "filehelper" || m.Text != "/diag 401" {
		t.Fatalf("heard %+v", m)
	}
	if err := send(w.ctx, w.c, m.Chat, "answer\nin two lines"); err != nil {
		t.Fatal(err)
	}
	if err := send(w.ctx, w.c, bot.Chat{ID: alice}, "hi"); err != nil {
		t.Fatal(err)
	}
	w.silent(alice) // the echoes were not
}

func TestKindsOverTheWire(t *testing.T) {
	w := newWorld(t, simwechat.Options{EmojiSpans: true}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "🐱 Alice"})
	w.start(true)
	for _, test := range []struct {
		raw  map[string]any
		kind bot.Kind
	}{
		{map[string]any{"MsgType": 3, "Content": "&lt;msg&gt;"}, bot.KindImage},
		{map[string]any{"MsgType": 34}, bot.KindVoice},
		{map[string]any{"MsgType": 43}, bot.KindVideo},
		{map[string]any{"MsgType": 49, "AppMsgType": 6, "FileName": "a.pdf"}, bot.KindFile},
		{map[string]any{"MsgType": 49, "AppMsgType": 5}, bot.KindLink},
	} {
		test.raw["FromUserName"] = alice
		w.srv.Push(test.raw)
		if m := w.hear(); m.Kind != test.kind || m.Text != "" || m.Chat.Name != "🐱 Alice" {
			t.Errorf("heard %+v, want %s", m, test.kind)
		}
	}
	w.srv.Say(alice, "👨‍👩‍👧 🇨🇳 #️⃣")
	if m := w.hear(); !strings.Contains(m.Text, "🇨🇳") || strings.Contains(m.Text, "span") {
		t.Errorf("heard %q", m.Text)
	}
	w.srv.Push(map[string]any{"FromUserName": alice, "MsgType": 1, "Content": strings.Repeat("长", 100_000)})
	if m := w.hear(); len(m.Text) > maxText || len(m.Text) < maxText-3 {
		t.Errorf("heard %d bytes", len(m.Text))
	}
}

func TestChangesOfContacts(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	group := w.srv.AddGroup(simwechat.Group{Name: "G", Saved: true, Members: []simwechat.Member{{UserName: alice}}})
	w.start(true)
	w.srv.SayIn(group, alice, "first")
	if m := w.hear(); m.Sender.Name != "Alice" || m.Chat.Name != "G" {
		t.Errorf("heard %+v", m)
	}
	w.srv.Rename(alice, "Alicia", "")
	w.srv.Join(group, simwechat.Member{Nick: "Neo"})
	w.srv.SayIn(group, "Neo", "hi")
	if m := w.hear(); m.Sender.Name != "Neo" {
		t.Errorf("heard %+v", m)
	}
	w.srv.Say(alice, "hi")
	if m := w.hear(); m.Chat.Name != "Alicia" {
		t.Errorf("heard %+v", m)
	}
	bob := w.srv.AddFriend(simwechat.Person{Nick: "Bob"})
	w.srv.Say(bob, "hi")
	if m := w.hear(); m.Chat.Name != "Bob" {
		t.Errorf("heard %+v", m)
	}
	hidden := w.srv.AddGroup(simwechat.Group{Name: "Hidden", BotDisplay: "Doc", Members: []simwechat.Member{{Nick: "Zed"}}})
	w.srv.SayIn(hidden, "Zed", "@Doc hi")
	if m := w.hear(); m.Chat.Name != "Hidden" || m.Sender.Name != "Zed" || !m.Mentioned || m.Text != "hi" {
		t.Errorf("heard %+v", m)
	}
}

// BenchmarkBurst is 1,000 messages that wait on the server, heard and answered
// by 100 senders.
func BenchmarkBurst(b *testing.B) {
	w := newWorld(b, simwechat.Options{}, nil)
	w.ctx = b.Context()
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	turn := make(chan struct{}, 100)
	b.ReportAllocs()
	for b.Loop() {
		for range 1000 {
			w.srv.Say(alice, "hi")
		}
		var replies sync.WaitGroup
		for range 1000 {
			m := w.hear()
			turn <- struct{}{}
			replies.Go(func() {
				if err := send(w.ctx, w.c, m.Chat, "hello"); err != nil {
					b.Error(err)
				}
				<-turn
			})
		}
		replies.Wait()
	}
	b.StopTimer()
	w.stop()
}

// BenchmarkMentionOverTheWire is a mention in a group with 4,000 contacts, from
// the server to hear.
func BenchmarkMentionOverTheWire(b *testing.B) {
	w := newWorld(b, simwechat.Options{}, nil)
	w.ctx = b.Context()
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	group := w.srv.AddGroup(simwechat.Group{Name: "G", Saved: true, Members: []simwechat.Member{{UserName: alice}}})
	w.srv.AddFillers(4000)
	w.start(true)
	w.srv.SayIn(group, alice, "warm")
	w.hear()
	for b.Loop() {
		w.srv.SayIn(group, alice, "@小诊 hi")
		w.hear()
	}
	b.StopTimer()
	w.stop()
}
