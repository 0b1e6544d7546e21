package wechat

import (
	"context"
	"testing"

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
	if err := w.c.Send(w.ctx, m.Chat, "答 <b>&amp;\n行"); err != nil {
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
	f := fault(t, New(Options{}).Send(context.Background(), bot.Chat{ID: "@a"}, "hi"))
	if f.Source != "wechat" || f.Phase != "send" || f.Entry == "" {
		t.Errorf("fault %v", f)
	}
}
