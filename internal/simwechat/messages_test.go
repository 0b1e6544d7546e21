package simwechat_test

import (
	"testing"

	"github.com/diagbot/diagbot/internal/simwechat"
)

func TestScanLoginAndPrivateMessages(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "Alice & <Bob>"})
	c := login(t, s)
	if err := s.WaitLogin(within(t)); err != nil {
		t.Fatal(err)
	}
	id := s.Say(alice, "a < b && c\nsecond: line")
	m := c.next(t)
	if m.RawContent != "a &lt; b &amp;&amp; c<br/>second: line" {
		t.Errorf("raw content %q", m.RawContent)
	}
	if m.Content != "a < b && c\nsecond: line" || m.MsgId != id || m.FromUserName != alice {
		t.Errorf("got %q, id %s (want %s), from %s", m.Content, m.MsgId, id, m.FromUserName)
	}
	if err := c.send(s, m.FromUserName, "hello\n<you>"); err != nil {
		t.Fatal(err)
	}
	sent, err := s.WaitSent(within(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := sent[0]; got.To != alice || got.Text != "hello\n<you>" || got.Resent || got.ClientMsgID == "" {
		t.Errorf("sent %+v", got)
	}
	if got := s.Complaints(); len(got) != 0 {
		t.Errorf("complaints: %q", got)
	}
}

func TestGroupMessageWithSender(t *testing.T) {
	s := start(t, simwechat.Options{Nick: "Botty"})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	group := s.AddGroup(simwechat.Group{Name: "R&D", BotDisplay: "诊", Members: []simwechat.Member{{UserName: alice}, {Nick: "bob", Display: "老板"}}})
	c := login(t, s)
	s.SayIn(group, "老板", "@诊\u2005what:\nnow?")
	m := c.next(t)
	if m.FromUserName != group || !m.at {
		t.Errorf("from %s, at %v", m.FromUserName, m.at)
	}
	if m.sender != "bob/老板" {
		t.Errorf("sender %q", m.sender)
	}
	if err := c.send(s, m.FromUserName, "@老板\u2005yes"); err != nil {
		t.Fatal(err)
	}
	sent, _ := s.WaitSent(within(t), 1)
	if sent[0].To != group {
		t.Errorf("sent to %s", sent[0].To)
	}
}
