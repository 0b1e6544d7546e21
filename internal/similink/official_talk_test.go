package similink_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
)

// heard is what the official client's getUpdates returns.
type heard struct {
	Ret      *int
	Errcode  int
	Messages []json.RawMessage `json:"msgs"`
	Cursor   string            `json:"get_updates_buf"`
	Timeout  int               `json:"longpolling_timeout_ms"`
}

// officialMessage is a message as the official client reads it: ids are strings.
type officialMessage struct {
	ID    string `json:"message_id"`
	From  string `json:"from_user_id"`
	Token string `json:"context_token"`
	Items []struct {
		ID   string                `json:"msg_id"`
		Text struct{ Text string } `json:"text_item"`
	} `json:"item_list"`
}

func (h heard) message(t *testing.T, i int) (m officialMessage) {
	t.Helper()
	if i >= len(h.Messages) {
		t.Fatalf("%d messages came", len(h.Messages))
	}
	if err := json.Unmarshal(h.Messages[i], &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOfficialHearsAndAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{})
	alice := s.AddUser("alice")
	o := newOfficial(t, s)
	opts := o.login()
	o.call(nil, apiModule, "notifyStart", opts)
	first, second := s.Say(alice, "一"), s.Say(alice, "two")
	var got heard
	o.call(&got, apiModule, "getUpdates", with(opts, object{"get_updates_buf": ""}))
	if a, b := got.message(t, 0), got.message(t, 1); a.ID != first || a.Items[0].ID != first || b.ID != second || a.Items[0].Text.Text != "一" || a.From != alice {
		t.Errorf("%s\n%s", got.Messages, first)
	}
	if got.Timeout != 35000 || got.Cursor == "" {
		t.Errorf("%+v", got)
	}
	var nothing heard
	o.call(&nothing, apiModule, "getUpdates", with(opts, object{"get_updates_buf": got.Cursor, "timeoutMs": 50}))
	if len(nothing.Messages) != 0 || nothing.Cursor != got.Cursor {
		t.Errorf("%+v", nothing)
	}
	m := got.message(t, 1)
	send := object{"to": alice, "text": "好的", "opts": with(opts, object{"contextToken": m.Token, "runId": "r1"})}
	var out struct{ MessageID, ServerMessageID string }
	o.call(&out, sendModule, "sendMessageWeixin", send)
	sent := s.Sent()
	if len(sent) != 1 || sent[0].Text != "好的" || sent[0].To != alice || sent[0].RunID != "r1" ||
		sent[0].ClientID != out.MessageID || sent[0].MessageID != out.ServerMessageID {
		t.Errorf("sent %+v, answered %+v", sent, out)
	}
	if id, err := strconv.ParseUint(out.ServerMessageID, 10, 64); err != nil || id>>63 == 0 {
		t.Errorf("message_id %s", out.ServerMessageID)
	}
	o.behaved()
	o.typing(opts, alice, m.Token)
	o.quota(send)
	o.call(nil, apiModule, "notifyStop", opts)
	o.kicked(opts, send)
}

func (o *official) typing(opts object, to, token string) {
	o.t.Helper()
	var config struct {
		Ticket string `json:"typing_ticket"`
	}
	o.call(&config, apiModule, "getConfig", with(opts, object{"ilinkUserId": to, "contextToken": token}))
	for _, status := range []int{1, 1, 2} {
		body := object{"ilink_user_id": to, "typing_ticket": config.Ticket, "status": status}
		o.call(nil, apiModule, "sendTyping", with(opts, object{"body": body}))
	}
	if seen := o.s.Typing(); len(seen) != 3 || !seen[0].On || seen[2].On || seen[0].To != to {
		o.t.Errorf("typing: %+v", seen)
	}
	o.behaved()
}

// quota sends until the server refuses: one reply went out before.
func (o *official) quota(send object) {
	o.t.Helper()
	for range 9 {
		o.call(nil, sendModule, "sendMessageWeixin", send)
	}
	if text := o.refused(sendModule, "sendMessageWeixin", send); !strings.Contains(text, "ret=-2") {
		o.t.Error(text)
	}
	o.behaved()
}

func (o *official) kicked(opts, send object) {
	o.t.Helper()
	o.s.Kick()
	var got heard
	o.call(&got, apiModule, "getUpdates", opts)
	if got.Ret != nil || got.Errcode != -14 {
		o.t.Errorf("%+v", got)
	}
	o.call(nil, sendModule, "sendMessageWeixin", send) // it takes errcode without ret for success
	o.s.Fail("getupdates", similink.HTML(524), 1)
	if text := o.refused(apiModule, "getUpdates", opts); !strings.Contains(text, "524") {
		o.t.Error(text)
	}
}
