package ilink

import (
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/similink"
)

func (w *world) typing(to string) error { return w.c.Typing(w.ctx, bot.Chat{ID: to}) }

func TestTyping(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	for range 3 {
		if err := w.typing(alice); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.srv.Count("getconfig"); n != 1 {
		t.Errorf("%d tickets for one person", n)
	}
	if err := w.send(alice, "answer"); err != nil {
		t.Fatal(err)
	}
	all, err := w.srv.WaitTyping(w.ctx, 4)
	if err != nil || !all[0].On || all[3].On || all[3].To != alice {
		t.Errorf("%+v, %v", all, err)
	}
	if err := w.send(alice, "more"); err != nil {
		t.Fatal(err)
	}
	w.sent(2)
	w.stop()
	if n := w.srv.Count("sendtyping"); n != 4 {
		t.Errorf("%d changes", n)
	}
	w.behaved()
}

// A ticket that is not taken any more is replaced, after a while.
func TestTypingTicketEnds(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, func(o *Options) { o.pauses.first = time.Nanosecond })
	if err := w.typing(alice); err != nil {
		t.Fatal(err)
	}
	w.srv.Advance(25 * time.Hour)
	if err := w.typing(alice); err == nil {
		t.Error("the ticket is still good")
	}
	if err := w.typing(alice); err != nil {
		t.Error(err)
	}
	if n := w.srv.Count("getconfig"); n != 2 {
		t.Errorf("%d tickets", n)
	}
}

// Where there is no ticket, nobody asks again at once.
func TestTypingFails(t *testing.T) {
	for name, f := range map[string]similink.Failure{
		"refused": {Ret: -2}, "over": {Errcode: -14}, "no ticket": {Body: `{"ret":0}`}, "reset": {Reset: true}, "gateway": similink.HTML(502),
	} {
		t.Run(name, func(t *testing.T) {
			w, alice := chatting(t, similink.Options{}, func(o *Options) { o.pauses.first = time.Hour })
			w.srv.Fail("getconfig", f, 1)
			for range 5 {
				if err := w.typing(alice); err == nil {
					t.Error("typing was shown")
				}
			}
			if n := w.srv.Count("getconfig"); n != 1 {
				t.Errorf("%d were asked for", n)
			}
			if err := w.send(alice, "answer"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTypingBeforeLogin(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	if err := w.typing("u@im.wechat"); err == nil {
		t.Error("typing was shown")
	}
}

func TestTicketsAreBounded(t *testing.T) {
	k := newTickets(quick())
	for i := range 3 * maxTickets {
		k.put(string(rune('a'+i)), "ticket")
	}
	if len(k.held) > maxTickets {
		t.Errorf("%d tickets", len(k.held))
	}
}
