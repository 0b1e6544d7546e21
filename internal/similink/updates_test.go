package similink_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

func bodies(r said) (out []string) {
	for _, m := range r.Messages {
		out = append(out, m.Items[0].Text.Text)
	}
	return out
}

func TestHandedOutOnce(t *testing.T) {
	s := start(t, similink.Options{Hold: time.Millisecond, Batch: 2})
	c := login(t, s)
	empty := c.poll()
	if len(empty.Messages) != 0 || empty.Cursor == nil || *empty.Cursor == "" || empty.Timeout != 35000 || empty.Ret == nil {
		t.Errorf("%+v", empty)
	}
	for i := range 3 {
		s.Say(s.Owner(), fmt.Sprint(i))
	}
	if got := bodies(c.poll()); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("%q", got)
	}
	for _, cursor := range []string{*empty.Cursor, "", c.cursor} {
		c.cursor = cursor
		s.Say(s.Owner(), "next")
		got := bodies(c.poll())
		if slices.Contains(got, "0") || len(got) == 0 {
			t.Errorf("with cursor %q: %q", cursor, got)
		}
	}
	c.behaved()
	c.cursor = "bm9uc2Vuc2U="
	if out := c.poll(); out.code() != 0 || len(s.Complaints()) != 1 {
		t.Errorf("%+v, %q", out, s.Complaints())
	}
	if err := s.WaitHandedOut(within(t)); err != nil {
		t.Error(err)
	}
}

func TestReplayAssumption(t *testing.T) {
	s := start(t, similink.Options{Assume: similink.Assume{Replay: true}})
	c := login(t, s)
	first := c.hear(s.Owner(), "a")
	c.hear(s.Owner(), "b")
	c.cursor = ""
	out := c.poll()
	if got := bodies(out); !slices.Equal(got, []string{"a", "b"}) || out.Messages[0].ID != first.ID || out.Messages[0].Token == first.Token {
		t.Errorf("%q", got)
	}
}

func TestLostAnswerLosesItsMessages(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	s.Say(s.Owner(), "lost")
	s.Fail("getupdates", similink.Failure{LoseAnswer: true}, 1)
	if _, err := c.try(t.Context(), "getupdates", nil); err == nil {
		t.Error("the answer came")
	}
	s.Say(s.Owner(), "kept")
	if got := bodies(c.poll()); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("%q", got)
	}
}

func TestPollWaitsForAMessage(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	held := c.held()
	id := s.Say(s.Owner(), "at last")
	if out := <-held; len(out.Messages) != 1 || out.Messages[0].ID.String() != id {
		t.Errorf("%+v", out)
	}
}

func TestNewerPollEndsTheOlder(t *testing.T) {
	s := start(t, similink.Options{PollTimeout: -1})
	c := login(t, s)
	older := c.held()
	newer := c.held()
	if out := <-older; out.code() != 0 || len(out.Messages) != 0 || out.Timeout != 0 {
		t.Errorf("%+v", out)
	}
	s.Say(s.Owner(), "hi")
	if out := <-newer; len(out.Messages) != 1 {
		t.Errorf("%+v", out)
	}
}

func TestParallelPollsAssumption(t *testing.T) {
	s := start(t, similink.Options{Assume: similink.Assume{ParallelPolls: true}, Batch: 1})
	c := login(t, s)
	a, b := c.held(), c.held()
	s.Say(s.Owner(), "1")
	s.Say(s.Owner(), "2")
	if n := len((<-a).Messages) + len((<-b).Messages); n != 2 {
		t.Errorf("%d messages came", n)
	}
}

func TestLostCursor(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	s.LoseCursor(1)
	s.Say(s.Owner(), "a")
	if out := c.poll(); out.Cursor == nil || *out.Cursor != "" || len(out.Messages) != 1 {
		t.Errorf("%+v", out)
	}
	s.Say(s.Owner(), "b")
	if out := c.poll(); *out.Cursor == "" || !slices.Equal(bodies(out), []string{"b"}) {
		t.Errorf("%+v", out)
	}
	c.behaved()
}

func TestDuplicates(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	m := c.hear(s.Owner(), "once")
	if !s.Redeliver(m.ID.String()) || s.Redeliver("1") {
		t.Error("not redelivered")
	}
	same := c.poll().Messages[0]
	if same.ID != m.ID || same.Token == m.Token || same.Items[0].Text.Text != "once" {
		t.Errorf("%+v", same)
	}
	id := s.Repeat(m.ID.String())
	other := c.poll().Messages[0]
	if other.ID.String() != id || other.ID == m.ID || other.Items[0].Text.Text != "once" || s.Repeat("1") != "" {
		t.Errorf("%+v", other)
	}
	for range 10 {
		c.answer(m, "x")
	}
	s.Redeliver(m.ID.String())
	if out := c.answer(c.poll().Messages[0], "x"); out.code() != -2 {
		t.Error("a copy renewed the quota")
	}
}

func TestPush(t *testing.T) {
	s := start(t, similink.Options{})
	alice := s.AddUser("alice")
	c := login(t, s)
	s.Push(map[string]any{
		"from_user_id": "alice", "message_id": nil, "group_id": "g",
		"item_list": json.RawMessage(`[{"type":2,"image_item":{}},{"type":1,"text_item":{"text":"after a picture"}}]`),
	})
	m := c.poll().Messages[0]
	if m.ID != "" || m.From != alice || len(m.Items) != 2 || m.Items[1].Text.Text != "after a picture" {
		t.Errorf("%+v", m)
	}
	s.Push(map[string]any{"message_id": json.RawMessage("18446744073709551615")})
	if m := c.poll().Messages[0]; m.ID != "18446744073709551615" || m.From != s.Owner() {
		t.Errorf("%+v", m)
	}
	s.Push(map[string]any{"item_list": func() {}}) // JSON cannot carry it
	if _, err := c.try(t.Context(), "getupdates", nil); err == nil {
		t.Error("it was carried")
	}
}

func TestQuotes(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	m := c.hear(s.Owner(), "the first")
	s.Quote(s.Owner(), "why?", similink.Quoted{ID: m.ID.String(), Title: "主人", Text: "the first", Part: "first"})
	ref := c.poll().Messages[0].Items[0].Ref
	if ref == nil || ref.ID != m.ID || ref.Title != "主人" || ref.Item.Text.Text != "the first" || ref.Partial["start"] != "f" || ref.Partial["end"] != "t" {
		t.Fatalf("%+v", ref)
	}
	s.Quote(s.Owner(), "why?", similink.Quoted{ID: m.ID.String()})
	if ref := c.poll().Messages[0].Items[0].Ref; ref.ID != m.ID || ref.Item != nil || ref.Partial != nil {
		t.Errorf("%+v", ref)
	}
	if s.Quote(s.Owner(), "x", similink.Quoted{ID: "no number"}) != "" {
		t.Error("quoted nothing")
	}
}

func TestMessagesWaitForTheLogin(t *testing.T) {
	for _, lose := range []bool{false, true} {
		s := start(t, similink.Options{Assume: similink.Assume{LoseUnheard: lose}})
		login(t, s)
		s.Say(s.Owner(), "to the first login")
		c := login(t, s)
		s.Say(s.Owner(), "to the second")
		if got := c.poll().Messages; (len(got) == 1) != lose {
			t.Errorf("%d messages came", len(got))
		}
	}
}
