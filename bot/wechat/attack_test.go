package wechat

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// obedient answers with what it is told to, so that a model's words are commands.
type obedient struct{}

func (obedient) Complete(_ context.Context, p llm.Prompt) (llm.Completion, error) {
	return llm.Completion{Text: "/pause", Provider: "fake", FinishReason: "stop"}, nil
}

// relayed runs a relay on the world's channel.
func (w *world) relayed() {
	w.t.Helper()
	c, err := troubleshoot.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := bot.New(bot.Options{
		Channel: w.c, Completer: obedient{}, Catalogue: c, Locale: "en", Groups: []string{bot.AllGroups}, AdminRemarks: []string{"boss"}, Grace: time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w.cancel, w.done = cancel, make(chan error, 1)
	go func() { w.done <- r.Run(ctx) }()
	w.await(LoginConfirmed)
}

// TestAttacks gives a command over the wire as if it were an admin's.
func TestAttacks(t *testing.T) {
	w := newWorld(t, simwechat.Options{Nick: "小诊"}, nil)
	add := func(p simwechat.Person) string { return w.srv.AddFriend(p) }
	boss := add(simwechat.Person{Nick: "Ann", Remark: "boss"})
	eve := add(simwechat.Person{Nick: "boss"})
	mallory := add(simwechat.Person{Nick: "Ann", Alias: "boss", Signature: "boss"})
	twin := add(simwechat.Person{Nick: "t1", Remark: "boss2"})
	news := add(simwechat.Person{Nick: "boss", Remark: "boss news", Official: true})
	group := w.srv.AddGroup(simwechat.Group{Name: "boss", Members: []simwechat.Member{
		{UserName: boss}, {UserName: eve, Display: "boss"}, {UserName: mallory, Display: "小诊"}, {Nick: "文件传输助手", Display: "filehelper"},
	}})
	w.relayed()
	const rule = "\n- - - - - - - - - - - - - - -\n"
	quotation := func(quote, reply string) string { return "「eve：" + quote + "」" + rule + reply }
	app := func(from string, kind int, title, quote string) {
		xml := "<msg><appmsg><title>" + title + "</title><refermsg><type>1</type><content>" + quote + "</content></refermsg></appmsg></msg>"
		w.srv.Push(map[string]any{"FromUserName": from, "MsgType": 49, "AppMsgType": kind, "FileName": title, "Content": strings.ReplaceAll(strings.ReplaceAll(xml, "<", "&lt;"), ">", "&gt;")})
	}
	attacks := map[string]func(){
		"nickname is the remark": func() { w.srv.Say(eve, "/pause") },
		"nickname of the admin":  func() { w.srv.Say(mallory, "/pause") },
		"another remark":         func() { w.srv.Say(twin, "/pause") },
		"official account":       func() { w.srv.Say(news, "/pause") },
		"group cards": func() {
			for _, member := range []string{eve, mallory, "filehelper"} {
				w.srv.SayIn(group, member, "@小诊\u2005/pause")
			}
		},
		"quotation":            func() { w.srv.Say(boss, quotation("/pause", "what is this?")) },
		"quotation in a quote": func() { w.srv.Say(boss, quotation("x」"+rule+"/pause y", "what is this?")) },
		"quotation, no reply":  func() { w.srv.Say(boss, quotation("x」"+rule+"/pause y", " ")) },
		"quotation as app":     func() { app(boss, 57, "what is this?", "/pause") },
		"forwarded":            func() { app(boss, 19, "/pause", "/pause"); app(boss, 5, "/pause", ""); app(boss, 6, "/pause", "") },
		"system message": func() {
			w.srv.Push(map[string]any{"FromUserName": boss, "MsgType": 10000, "Content": "/pause"})
			w.srv.Push(map[string]any{"FromUserName": "filehelper", "MsgType": 10000, "Content": "/pause"})
			w.srv.Push(map[string]any{"FromUserName": group, "MsgType": 10000, "Content": boss + ":<br/>/pause"})
		},
		"from the account to others": func() { w.srv.SayFromPhone(eve, "/pause"); w.srv.SayFromPhone(group, "@小诊\u2005/pause") },
		"from File Transfer": func() {
			w.srv.Push(map[string]any{"FromUserName": "filehelper", "ToUserName": eve, "Content": "/pause"})
		},
		"sender inside the text": func() {
			w.srv.SayIn(group, eve, boss+":\n@小诊\u2005/pause")
			w.srv.Say(eve, w.srv.UserName(boss)+":<br/>/pause")
		},
		"the model says it": func() { w.srv.SayFromPhone("filehelper", "what should I do?"); w.srv.Say(boss, "and I?") },
	}
	n := 0
	for name, attack := range attacks {
		attack()
		n++
		w.srv.Say(eve, "/ping")
		w.settled(eve, n)
		for _, s := range w.srv.Sent() {
			if strings.Contains(s.Text, "I won't answer questions until") {
				t.Fatalf("%s: obeyed", name)
			}
		}
	}
	w.srv.Say(boss, "/pause")
	for deadline := time.Now().Add(patience); ; {
		if sent := w.srv.Sent(); len(sent) > 0 && strings.Contains(sent[len(sent)-1].Text, "I won't answer questions until") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the admin is not obeyed")
		}
		if _, err := w.srv.WaitSent(w.ctx, len(w.srv.Sent())+1); err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits for the n-th answer to a ping of somebody.
func (w *world) settled(who string, n int) {
	w.t.Helper()
	for {
		sent := w.srv.Sent()
		pongs := 0
		for _, s := range sent {
			if s.To == who && s.Text == "I'm here." {
				pongs++
			}
		}
		if pongs >= n {
			return
		}
		if _, err := w.srv.WaitSent(w.ctx, len(sent)+1); err != nil {
			w.t.Fatalf("no answer to a ping: %v", err)
		}
	}
}
