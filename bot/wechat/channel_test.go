package wechat

import (
	"context"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
)

func TestPrivateMessageAndReply(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice & Bob"})
	w.start(true)
	id := w.srv.Say(alice, "看代码:\nif a < b && c {\n}")
	m := w.hear()
	if m.ID != id || m.Text != "看代码:\nif a < b && c {\n}" || m.Kind != bot.KindText {
		t.Errorf("heard %+v", m)
	}
	if m.Chat.ID != alice || m.Chat.Group || m.Chat.Name != "Alice & Bob" || m.Sender.ID != alice || m.Sender.Owner {
		t.Errorf("heard %+v", m)
	}
	if err := send(w.ctx, w.c, m.Chat, "答 <b>&amp;\n行"); err != nil {
		t.Fatal(err)
	}
	sent, err := w.srv.WaitSent(w.ctx, 1)
	if err != nil || sent[0].Text != "答 <b>&amp;\n行" || sent[0].To != alice {
		t.Errorf("sent %+v, %v", sent, err)
	}
}

func TestGroupMention(t *testing.T) {
	w := newWorld(t, simwechat.Options{Nick: "小诊"}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	group := w.srv.AddGroup(simwechat.Group{Name: "测试<群>", BotDisplay: "小诊 & Co", Members: []simwechat.Member{
		{UserName: alice, Display: "A<l>ice"}, {Nick: "Stranger\n"},
	}})
	w.start(true)
	for text, want := range map[string]string{
		"@小诊 & Co\u2005你好:\n再见": "你好:\n再见",
		"@小诊 你好":                "你好",
		"在吗 @小诊":                "在吗",
	} {
		w.srv.SayIn(group, alice, text)
		m := w.hear()
		if !m.Mentioned || m.Text != want {
			t.Errorf("%q: heard %+v, want %q", text, m, want)
		}
		if !m.Chat.Group || m.Chat.ID != group || m.Chat.Name != "测试<群>" || m.Sender.ID != alice || m.Sender.Name != "A<l>ice" {
			t.Errorf("%q: heard %+v", text, m)
		}
	}
	for _, text := range []string{"@所有人 开会", "@小诊断\u2005你好", "你好"} {
		w.srv.SayIn(group, alice, text)
		if m := w.hear(); m.Mentioned || m.Text != text {
			t.Errorf("%q: heard %+v", text, m)
		}
	}
}

func TestSendBeforeLogin(t *testing.T) {
	f := fault(t, send(context.Background(), New(Options{}), bot.Chat{ID: "@a"}, "hi"))
	if f.Source != "wechat" || f.Phase != "send" || f.Entry == "" {
		t.Errorf("fault %v", f)
	}
}

func TestStopWhileWaitingForTheScan(t *testing.T) {
	w := newWorld(t, simwechat.Options{ScanDelay: -1}, nil)
	w.start(false)
	w.await(LoginScan)
	if f := fault(t, w.c.Run(w.ctx, nil)); f.Source != "bot" {
		t.Errorf("second Run: %v", f)
	}
	w.stop()
	if err := w.c.Run(canceled(t), nil); err != nil {
		t.Errorf("Run after the end: %v", err)
	}
}

func TestStopWhileTheServerHangs(t *testing.T) {
	for _, endpoint := range []string{"jslogin", "login", "webwxinit", "synccheck", "webwxgetcontact"} {
		t.Run(endpoint, func(t *testing.T) {
			w := newWorld(t, simwechat.Options{}, nil)
			w.srv.Fail(endpoint, simwechat.Failure{Hang: true}, -1)
			w.start(false)
			if err := w.srv.WaitCount(w.ctx, endpoint, 1); err != nil {
				t.Fatal(err)
			}
			w.stop()
		})
	}
}

func TestStopBetweenPauses(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, func(o *Options) { o.firstPause, o.lastPause = time.Hour, time.Hour })
	w.srv.Fail("jslogin", simwechat.HTML(502), -1)
	w.start(false)
	w.await(LoginWaiting)
	w.stop()

	w = newWorld(t, simwechat.Options{}, func(o *Options) { o.firstPause, o.lastPause = time.Hour, time.Hour })
	w.start(true)
	before := w.srv.Count("synccheck")
	w.srv.Fail("synccheck", simwechat.Failure{Ret: 1205}, -1)
	if err := w.srv.WaitCount(w.ctx, "synccheck", before+1); err != nil {
		t.Fatal(err)
	}
	w.stop()
}

// TestWithoutASession logs in twice by scan, for nothing is kept.
func TestWithoutASession(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, func(o *Options) { o.Session, o.Logger, o.Mode = nil, nil, ModeNormal })
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	for range 2 {
		w.start(false)
		w.await(LoginScan)
		w.await(LoginConfirmed)
		w.silent(alice)
		w.stop()
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
