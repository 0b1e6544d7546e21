package similink_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/ilink"
	"github.com/diagbot/diagbot/internal/similink"
)

// ours is our own client, which must understand what the official one sends, and the
// other way round.
type ours struct {
	*ilink.Channel
	heard chan bot.Message
}

func (o *ours) LoggedIn(context.Context, string) error { return nil }

func (o *ours) Hear(_ context.Context, batch []bot.Message) error {
	for _, m := range batch {
		o.heard <- m
	}
	return nil
}

// newOurs logs our client in, which ends the login before.
func newOurs(t *testing.T, s *similink.Server) *ours {
	t.Helper()
	shown := make(chan ilink.Login, 100)
	o := &ours{heard: make(chan bot.Message, 100)}
	o.Channel = ilink.New(ilink.Options{Transport: s.Transport(), Linger: -1, ShowLogin: func(l ilink.Login) { shown <- l }})
	ctx, cancel := context.WithCancel(within(t))
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		o.Close()
	})
	for l := range shown {
		if l.State == ilink.LoginConfirmed {
			return o
		}
	}
	return o
}

func (o *ours) hear(t *testing.T) bot.Message {
	t.Helper()
	select {
	case m := <-o.heard:
		return m
	case <-within(t).Done():
		t.Fatal("nothing was heard")
		return bot.Message{}
	}
}

// items are the contents of all messages sent, as they were on the wire, without
// texts.
func items(t *testing.T, s *similink.Server) (found []json.RawMessage) {
	t.Helper()
	for _, r := range s.Requests() {
		if r.Endpoint != "sendmessage" {
			continue
		}
		var in struct {
			Msg struct {
				Items []json.RawMessage `json:"item_list"`
			} `json:"msg"`
		}
		var kind struct{ Type int }
		if err := json.Unmarshal(r.Body, &in); err != nil || len(in.Msg.Items) != 1 {
			t.Fatalf("%s: %v", r.Body, err)
		}
		if err := json.Unmarshal(in.Msg.Items[0], &kind); err != nil {
			t.Fatal(err)
		}
		if kind.Type != similink.KindText {
			found = append(found, in.Msg.Items[0])
		}
	}
	return found
}

// attachments are a picture and a file.
func attachments() map[string][]byte {
	return map[string][]byte{"a.png": append([]byte("\x89PNG\r\n\x1a\n"), noise(5000)...), "回答 1.md": noise(4097)}
}

// TestOfficialReadsOurFiles has the official client download what our own sent, as
// the phone of a person would.
func TestOfficialReadsOurFiles(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		s := start(t, similink.Options{FullURLs: full})
		client, we := newOfficial(t, s), newOurs(t, s)
		s.Say(s.Owner(), "files, please")
		part := bot.Part{To: we.hear(t).Chat, Text: "caption"}
		for name, body := range attachments() {
			part.ID++
			var err error
			if filepath.Ext(name) == ".png" {
				err = we.SendPicture(t.Context(), part, body)
			} else {
				err = we.SendFile(t.Context(), part, name, body)
			}
			if err != nil {
				t.Fatal(err)
			}
			sent := items(t, s)
			var saved struct{ Body, Name, Mime string }
			client.call(&saved, "", "download", sent[len(sent)-1], cdnBase)
			got, err := base64.StdEncoding.DecodeString(saved.Body)
			if err != nil || !bytes.Equal(got, body) || saved.Name != "" && saved.Name != name {
				t.Errorf("%s: %d bytes called %q, %v", name, len(got), saved.Name, err)
			}
		}
		client.behaved()
	}
}

// TestWeReadOfficialFiles has our client fetch what the official one uploaded, told
// as a person's message and as a quotation.
func TestWeReadOfficialFiles(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{})
	client := newOfficial(t, s)
	opts := client.login()
	s.Say(s.Owner(), "files, please")
	var got heard
	client.call(&got, apiModule, "getUpdates", opts)
	opts["contextToken"] = got.message(t, 0).Token
	var bodies [][]byte
	for name, body := range attachments() {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		client.call(nil, "messaging/send-media.js", "sendWeixinMediaFile", object{
			"filePath": path, "to": s.Owner(), "text": "", "opts": opts, "cdnBaseUrl": cdnBase,
		})
		bodies = append(bodies, body)
	}
	we := newOurs(t, s)
	for i, item := range items(t, s) {
		s.Push(object{"item_list": []any{item}})
		we.reads(t, bodies[i])
		if bytes.Contains(item, []byte("image_item")) {
			quoting := object{"type": 1, "text_item": object{"text": "what is it?"}, "ref_msg": object{"message_item": item}}
			s.Push(object{"item_list": []any{quoting}})
			we.reads(t, bodies[i])
		}
	}
	client.behaved()
}

// reads fetches what came with the next message.
func (o *ours) reads(t *testing.T, want []byte) {
	t.Helper()
	m := o.hear(t)
	if m.Medium == nil {
		t.Fatalf("nothing to fetch: %+v", m)
	}
	if got, err := o.Fetch(t.Context(), m.Medium.Ref, len(want)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v", m.Kind, len(got), err)
	}
}

// TestOfficialReadsQuotedPictures has the official client download what a person
// quotes.
func TestOfficialReadsQuotedPictures(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{})
	o := newOfficial(t, s)
	opts := o.login()
	body := noise(3000)
	id := s.SayImage(s.Owner(), body)
	o.fetch(opts)
	s.Quote(s.Owner(), "what is it?", similink.Quoted{ID: id, Item: true})
	var got heard
	o.call(&got, apiModule, "getUpdates", opts)
	var m struct {
		Items []struct {
			Ref struct {
				Item json.RawMessage `json:"message_item"`
			} `json:"ref_msg"`
		} `json:"item_list"`
	}
	if len(got.Messages) != 1 || json.Unmarshal(got.Messages[0], &m) != nil {
		t.Fatalf("%s", got.Messages)
	}
	var c officialContext
	o.call(&c, inboundModule, "weixinMessageToMsgContext", got.Messages[0], "account")
	if c.ReplyToID != id || c.Body != "what is it?" {
		t.Errorf("%+v", c)
	}
	var saved struct{ Body string }
	o.call(&saved, "", "download", m.Items[0].Ref.Item, cdnBase)
	if b, err := base64.StdEncoding.DecodeString(saved.Body); err != nil || !bytes.Equal(b, body) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	o.behaved()
}
