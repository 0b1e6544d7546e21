package similink_test

import (
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

func TestTyping(t *testing.T) {
	s, c, m := ready(t, similink.Options{})
	bob := s.AddUser("bob")
	ticket := func(user string) string {
		return c.call("getconfig", map[string]any{"ilink_user_id": user, "context_token": m.Token}).Ticket
	}
	type body = map[string]any
	mine := ticket(m.From)
	if mine == "" || ticket(m.From) != mine || ticket(bob) == mine {
		t.Error("tickets are mixed up")
	}
	for _, status := range []int{1, 2} {
		if out := c.call("sendtyping", body{"ilink_user_id": m.From, "typing_ticket": mine, "status": status}); out.code() != 0 {
			t.Errorf("%+v", out)
		}
	}
	if got, err := s.WaitTyping(within(t), 2); err != nil || len(got) != 2 || !got[0].On || got[1].On || got[0].To != m.From {
		t.Errorf("%+v, %v", got, err)
	}
	c.behaved()
	if out := c.call("sendtyping", body{"ilink_user_id": bob, "typing_ticket": mine, "status": 1}); out.code() != -2 {
		t.Errorf("somebody else's ticket: %+v", out)
	}
	s.Advance(24 * time.Hour)
	if out := c.call("sendtyping", body{"ilink_user_id": m.From, "typing_ticket": mine, "status": 1}); out.code() != -2 {
		t.Errorf("an old ticket: %+v", out)
	}
	if ticket(m.From) == mine {
		t.Error("the old ticket was given out again")
	}
	for _, wrong := range []body{{"ilink_user_id": "alice", "status": 1}, {"ilink_user_id": m.From, "status": 3}} {
		if out := c.call("sendtyping", wrong); out.code() != -2 {
			t.Errorf("%v: %+v", wrong, out)
		}
	}
	if out := c.call("getconfig", body{"ilink_user_id": "alice"}); out.code() != -2 {
		t.Errorf("%+v", out)
	}
}

func TestTypingAssumptions(t *testing.T) {
	s, c, m := ready(t, similink.Options{Assume: similink.Assume{TicketForAll: true}})
	bob := s.AddUser("bob")
	ticket := c.call("getconfig", map[string]any{"ilink_user_id": bob}).Ticket
	if out := c.call("sendtyping", map[string]any{"ilink_user_id": m.From, "typing_ticket": ticket, "status": 1}); out.code() != 0 {
		t.Errorf("%+v", out)
	}
	_, c, m = ready(t, similink.Options{Assume: similink.Assume{AnyTicket: true}})
	if out := c.call("sendtyping", map[string]any{"ilink_user_id": m.From, "status": 1}); out.code() != 0 {
		t.Errorf("%+v", out)
	}
}
