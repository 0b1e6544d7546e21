package similink_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

// ready is a server with a client logged in and a message of alice's heard.
func ready(t *testing.T, o similink.Options) (*similink.Server, *client, message) {
	t.Helper()
	s := start(t, o)
	s.AddUser("alice")
	c := login(t, s)
	return s, c, c.hear("alice", "hi")
}

func texts(sent []similink.Sent) (out []string) {
	for _, m := range sent {
		out = append(out, m.Text)
	}
	return out
}

func TestConversation(t *testing.T) {
	s := start(t, similink.Options{})
	alice := s.AddUser("alice")
	if s.AddUser("alice") != alice || s.Say("nobody", "x") != "" {
		t.Error("people are mixed up")
	}
	c := login(t, s)
	if out := c.call("msg/notifystart", nil); out.Ret == nil || *out.Ret != 0 {
		t.Errorf("notifystart: %+v", out)
	}
	m := c.hear("alice", "你好 <&> 👋")
	bot, _ := s.Bot()
	if m.From != alice || m.To != bot || m.Items[0].Text.Text != "你好 <&> 👋" || m.Type != 1 {
		t.Errorf("got %+v", m)
	}
	above63(t, m.ID.String())
	out := c.answer(m, "hello")
	above63(t, out.MessageID.String())
	sent, err := s.WaitSent(within(t), 1)
	if err != nil || sent[0].To != alice || sent[0].Text != "hello" || sent[0].MessageID != out.MessageID.String() || sent[0].State != 2 {
		t.Errorf("sent %+v, %v", sent, err)
	}
	c.call("msg/notifystop", nil)
	c.behaved()
}

func above63(t *testing.T, id string) {
	t.Helper()
	if n, err := strconv.ParseUint(id, 10, 64); err != nil || n <= math.MaxInt64 {
		t.Errorf("message_id %s, %v", id, err)
	}
}

func TestQuota(t *testing.T) {
	s, c, m := ready(t, similink.Options{})
	for i := range 10 {
		if out := c.answer(m, fmt.Sprint(i)); out.code() != 0 {
			t.Fatalf("%d: %+v", i, out)
		}
	}
	if out := c.answer(m, "eleventh"); out.code() != -2 || out.ErrMsg != "" || s.Left("alice") != 0 {
		t.Errorf("%+v, %d left", out, s.Left("alice"))
	}
	again := c.hear("alice", "go on")
	if s.Left("alice") != 10 {
		t.Errorf("%d left", s.Left("alice"))
	}
	if out := c.answer(m, "with the old token"); out.code() != -2 {
		t.Errorf("%+v", out)
	}
	if out := c.answer(again, "with the new one"); out.code() != 0 || s.Left("alice") != 9 {
		t.Errorf("%+v, %d left", out, s.Left("alice"))
	}
	if n := len(s.Sent()); n != 11 {
		t.Errorf("%d were sent", n)
	}
	c.behaved()
}

func TestQuotaAssumptions(t *testing.T) {
	for name, c := range map[string]struct {
		assume      similink.Assume
		old, recent int // replies that get through with the first token and then with the second
	}{
		"both":      {similink.Assume{}, 2, 1},
		"per heard": {similink.Assume{NoQuotaPerToken: true}, 3, 0},
		"per token": {similink.Assume{NoQuotaPerHeard: true}, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s, bot, first := ready(t, similink.Options{Quota: 3, Assume: c.assume})
			bot.answer(first, "one of three")
			second := bot.hear("alice", "again")
			if n := bot.manage(first, 5); n != c.old {
				t.Errorf("first token: %d", n)
			}
			if n := bot.manage(second, 5); n != c.recent {
				t.Errorf("second token: %d", n)
			}
			if len(s.Sent()) != 1+c.old+c.recent {
				t.Errorf("%d were sent", len(s.Sent()))
			}
		})
	}
}

// manage answers a message n times and counts the successes.
func (c *client) manage(m message, n int) (done int) {
	for range n {
		if c.answer(m, "x").code() == 0 {
			done++
		}
	}
	return done
}

func TestWindow(t *testing.T) {
	for _, lost := range []bool{false, true} {
		s, c, m := ready(t, similink.Options{Assume: similink.Assume{LateIsLost: lost}})
		s.Advance(24*time.Hour - time.Minute)
		if out := c.answer(m, "in time"); out.code() != 0 {
			t.Errorf("%+v", out)
		}
		s.Advance(2 * time.Minute)
		if out := c.answer(m, "late"); (out.code() == 0) != lost || s.Left("alice") != 0 {
			t.Errorf("%+v, %d left", out, s.Left("alice"))
		}
		if got := texts(s.Lost()); lost != slices.Equal(got, []string{"late"}) {
			t.Errorf("lost: %q", got)
		}
		if out := c.answer(c.hear("alice", "still there?"), "yes"); out.code() != 0 {
			t.Errorf("%+v", out)
		}
		if got := texts(s.Sent()); !slices.Equal(got, []string{"in time", "yes"}) {
			t.Errorf("sent: %q", got)
		}
	}
}

func TestContextTokens(t *testing.T) {
	s, c, m := ready(t, similink.Options{})
	bob := s.AddUser("bob")
	for name, token := range map[string]string{"missing": "", "unknown": "nonsense"} {
		if out := c.call("sendmessage", c.text(m.From, token, "x")); out.code() != -2 || out.ErrMsg != "prepare failed" {
			t.Errorf("%s: %+v", name, out)
		}
	}
	if out := c.call("sendmessage", c.text(bob, m.Token, "x")); out.code() != -2 {
		t.Errorf("somebody else's: %+v", out)
	}
	newer := c.hear("alice", "again")
	if newer.Token == m.Token || c.answer(m, "older").code() != 0 {
		t.Error("the older token is not good any more")
	}
	if len(s.Complaints()) != 3 {
		t.Errorf("%q", s.Complaints())
	}
	again := login(t, s)
	if out := again.answer(m, "stale"); out.code() != -2 {
		t.Errorf("a token of the login before: %+v", out)
	}
}

func TestContextTokenAssumptions(t *testing.T) {
	_, c, m := ready(t, similink.Options{Assume: similink.Assume{NoTokenNeeded: true, NewestTokenOnly: true}})
	if out := c.call("sendmessage", c.text(m.From, "", "x")); out.code() != 0 {
		t.Errorf("without: %+v", out)
	}
	c.hear("alice", "again")
	if out := c.answer(m, "x"); out.code() != -2 {
		t.Errorf("older: %+v", out)
	}
	s, _, m := ready(t, similink.Options{Assume: similink.Assume{StaleTokenWorks: true}})
	if out := login(t, s).answer(m, "x"); out.code() != 0 {
		t.Errorf("stale: %+v", out)
	}
}

func TestLengths(t *testing.T) {
	han := strings.Repeat("长", 16384/3)
	for name, c := range map[string]struct {
		assume     similink.Assume
		text       string
		ret        int
		seen, gone int
	}{
		"2000 characters": {text: strings.Repeat("长", 2000), seen: 1},
		"2001 characters": {text: strings.Repeat("长", 2001), gone: 1},
		"long allowed":    {assume: similink.Assume{MaxRunes: -1}, text: han, seen: 1},
		"16 KiB":          {assume: similink.Assume{MaxRunes: -1}, text: han + "x", seen: 1},
		"beyond":          {assume: similink.Assume{MaxRunes: -1}, text: han + "xx", ret: -2},
		"no limit":        {assume: similink.Assume{MaxRunes: -1, MaxBytes: -1}, text: han + han, seen: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, bot, m := ready(t, similink.Options{Assume: c.assume})
			if out := bot.answer(m, c.text); out.code() != c.ret || len(s.Sent()) != c.seen || len(s.Lost()) != c.gone {
				t.Errorf("%+v; %d seen, %d lost", out, len(s.Sent()), len(s.Lost()))
			}
		})
	}
}

func TestRepeatedClientID(t *testing.T) {
	for _, shown := range []bool{false, true} {
		s, c, m := ready(t, similink.Options{Assume: similink.Assume{RepeatsShown: shown}})
		body := c.text(m.From, m.Token, "once")
		first, second := c.call("sendmessage", body), c.call("sendmessage", body)
		if first.code() != 0 || second.code() != 0 || (first.MessageID == second.MessageID) == shown {
			t.Errorf("%+v\n%+v", first, second)
		}
		if n := len(s.Sent()); (n == 2) != shown || (len(s.Lost()) == 0) != shown {
			t.Errorf("%d seen, %d lost", n, len(s.Lost()))
		}
	}
}

func TestThrottle(t *testing.T) {
	s, c, m := ready(t, similink.Options{Limit: &similink.Limit{Every: time.Minute, Burst: 2, Block: time.Hour}})
	if n := c.manage(m, 2); n != 2 {
		t.Fatalf("%d were sent", n)
	}
	if out := c.answer(m, "x"); out.code() != -2 || out.ErrMsg != "rate limited" {
		t.Errorf("%+v", out)
	}
	s.Advance(59 * time.Minute)
	if out := c.answer(m, "x"); out.code() != -2 {
		t.Errorf("blocked, but %+v", out)
	}
	s.Advance(2 * time.Minute)
	if out := c.answer(m, "x"); out.code() != 0 {
		t.Errorf("%+v", out)
	}
}

func TestRefusalText(t *testing.T) {
	_, c, m := ready(t, similink.Options{Quota: 1, Assume: similink.Assume{RefusalText: "unknown error"}})
	c.answer(m, "x")
	if out := c.answer(m, "x"); out.code() != -2 || out.ErrMsg != "unknown error" {
		t.Errorf("%+v", out)
	}
}

func TestMisshapenMessages(t *testing.T) {
	s, c, m := ready(t, similink.Options{})
	for name, change := range map[string]func(msg map[string]any){
		"nobody":  func(msg map[string]any) { msg["to_user_id"] = "nobody@im.wechat" },
		"by name": func(msg map[string]any) { msg["to_user_id"] = "alice" },
		"no item": func(msg map[string]any) { msg["item_list"] = nil },
		"two items": func(msg map[string]any) {
			msg["item_list"] = append(msg["item_list"].([]any), map[string]any{"type": 1})
		},
		"empty text":  func(msg map[string]any) { msg["item_list"] = []any{map[string]any{"type": 1}} },
		"a tool call": func(msg map[string]any) { msg["item_list"] = []any{map[string]any{"type": 11}} },
		"as a user":   func(msg map[string]any) { msg["message_type"] = 1 },
		"with sender": func(msg map[string]any) { msg["from_user_id"] = m.To },
		"no id":       func(msg map[string]any) { delete(msg, "client_id") },
	} {
		before := len(s.Complaints())
		body := c.text(m.From, m.Token, "x")
		change(body["msg"].(map[string]any))
		out := c.call("sendmessage", body)
		if complained := len(s.Complaints()) > before; out.code() != -2 || !complained {
			t.Errorf("%s: %+v, %q", name, out, s.Complaints()[before:])
		}
	}
	if len(s.Sent()) != 0 {
		t.Errorf("sent: %+v", s.Sent())
	}
}

func TestSubscribe(t *testing.T) {
	s, c, m := ready(t, similink.Options{})
	c.answer(m, "before")
	sent, end := s.Subscribe()
	c.answer(m, "first")
	c.answer(m, "second")
	for _, want := range []string{"first", "second"} {
		if got := <-sent; got.Text != want {
			t.Errorf("got %q", got.Text)
		}
	}
	end()
	if _, open := <-sent; open {
		t.Error("still open")
	}
	more, _ := s.Subscribe()
	_ = s.Close()
	for range more {
		t.Error("something came after Close")
	}
}
