package similink_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
)

func TestConversation(t *testing.T) {
	s := start(t, similink.Options{})
	alice := s.AddUser("alice")
	c := login(t, s)
	c.call("msg/notifystart", nil)
	m := c.hear("alice", "你好 <&> 👋")
	if m.From != alice || m.Items[0].Text.Text != "你好 <&> 👋" || m.Type != 1 {
		t.Errorf("got %+v", m)
	}
	id, err := strconv.ParseUint(m.ID.String(), 10, 64)
	if err != nil || id <= math.MaxInt64 {
		t.Errorf("message_id %s, %v", m.ID, err)
	}
	out := c.answer(m, "hello")
	if id, err := strconv.ParseUint(out.MessageID.String(), 10, 64); out.code() != 0 || err != nil || id <= math.MaxInt64 {
		t.Errorf("answered %+v, %v", out, err)
	}
	sent, err := s.WaitSent(within(t), 1)
	if err != nil || sent[0].To != alice || sent[0].Text != "hello" || sent[0].MessageID != out.MessageID.String() {
		t.Errorf("sent %+v, %v", sent, err)
	}
	c.behaved()
}
