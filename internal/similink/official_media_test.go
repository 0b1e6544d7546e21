package similink_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
)

const cdnBase = "https://" + similink.CDNHost + "/c2c"

// noise is a file's content: as many bytes as there are steps to a full block
// and beyond.
func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func TestOfficialSendsFiles(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		s := start(t, similink.Options{FullURLs: full})
		alice := s.AddUser("alice")
		o := newOfficial(t, s)
		opts := o.login()
		s.Say(alice, "files, please")
		var got heard
		o.call(&got, apiModule, "getUpdates", opts)
		opts["contextToken"] = got.message(t, 0).Token
		for name, want := range map[string]int{"a.png": similink.KindImage, "b.mp4": similink.KindVideo, "c.pdf": similink.KindFile} {
			body, path := noise(4096+len(name)+want), filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, body, 0o600); err != nil {
				t.Fatal(err)
			}
			before := len(s.Sent())
			o.call(nil, "messaging/send-media.js", "sendWeixinMediaFile", object{
				"filePath": path, "to": alice, "text": "caption", "opts": opts, "cdnBaseUrl": cdnBase,
			})
			sent := s.Sent()[before:]
			if len(sent) != 2 || sent[0].Text != "caption" || sent[1].Kind != want || !bytes.Equal(sent[1].Media, body) {
				t.Errorf("%s: %d messages, %+v", name, len(sent), sent[0].Text)
			}
			if want == similink.KindFile && sent[1].FileName != name {
				t.Errorf("the file is called %q", sent[1].FileName)
			}
		}
		o.behaved()
		o.uploadFails(opts, alice)
	}
}

// uploadFails lets uploads fail in every way the client tells apart.
func (o *official) uploadFails(opts object, to string) {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), "x.png")
	if err := os.WriteFile(path, noise(100), 0o600); err != nil {
		o.t.Fatal(err)
	}
	args := object{"filePath": path, "toUserId": to, "opts": opts, "cdnBaseUrl": cdnBase}
	before := o.s.Count("upload")
	o.s.Fail("upload", similink.Failure{Status: 500}, 2)
	o.call(nil, "cdn/upload.js", "uploadFileToWeixin", args)
	if n := o.s.Count("upload") - before; n != 3 {
		o.t.Errorf("%d attempts", n)
	}
	o.s.Fail("upload", similink.Failure{Status: 403}, 1)
	if text := o.refused("cdn/upload.js", "uploadFileToWeixin", args); !strings.Contains(text, "client error 403") {
		o.t.Error(text)
	}
	o.refused("cdn/upload.js", "uploadFileToWeixin", with(args, object{"toUserId": "nobody@im.wechat"}))
}

func TestOfficialReceivesFiles(t *testing.T) {
	t.Parallel()
	forms := []similink.KeyForm{similink.KeyDecoy, similink.KeyHex, similink.KeyRaw, similink.KeyPlain}
	for _, full := range []bool{false, true} {
		s := start(t, similink.Options{FullURLs: full})
		o := newOfficial(t, s)
		opts := o.login()
		for kind, name := range map[int]string{similink.KindImage: "", similink.KindFile: "报告.pdf", similink.KindVideo: "", similink.KindVoice: ""} {
			for _, form := range forms {
				body := noise(1000 + kind)
				s.SayMedia(s.Owner(), similink.Media{Kind: kind, Body: body, Name: name, Key: form})
				if got, called := o.fetch(opts); !bytes.Equal(got, body) || called != name {
					t.Errorf("kind %d, key in form %d: %d bytes called %q", kind, form, len(got), called)
				}
			}
		}
		o.behaved()
	}
}

// fetch gets the next message and downloads what came with it.
func (o *official) fetch(opts object) (body []byte, name string) {
	o.t.Helper()
	var got heard
	o.call(&got, apiModule, "getUpdates", opts)
	if len(got.Messages) != 1 {
		o.t.Fatalf("%d messages came", len(got.Messages))
	}
	var m struct {
		Items []json.RawMessage `json:"item_list"`
	}
	if err := json.Unmarshal(got.Messages[0], &m); err != nil {
		o.t.Fatal(err)
	}
	var saved struct{ Body, Name string }
	o.call(&saved, "", "download", m.Items[0], cdnBase)
	body, err := base64.StdEncoding.DecodeString(saved.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return body, saved.Name
}

// officialContext is what the official client makes of a message.
type officialContext struct {
	Body         string
	From         string
	ReplyToID    string
	ReplyToBody  string
	ContextToken string `json:"context_token"`
}

// context gets the next message as the client would show it to a model.
func (o *official) context(opts object) (c officialContext) {
	o.t.Helper()
	var got heard
	o.call(&got, apiModule, "getUpdates", opts)
	if len(got.Messages) != 1 {
		o.t.Fatalf("%d messages came", len(got.Messages))
	}
	o.call(&c, inboundModule, "weixinMessageToMsgContext", got.Messages[0], "account")
	return c
}

func TestOfficialReadsQuotesAndVoices(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{})
	o := newOfficial(t, s)
	opts := o.login()
	id := s.Say(s.Owner(), "the first")
	o.context(opts)
	s.Quote(s.Owner(), "why?", similink.Quoted{ID: id, Title: "主人", Text: "the first"})
	if c := o.context(opts); c.ReplyToID != id || c.ReplyToBody != "主人 | the first" || c.Body != "why?" {
		t.Errorf("%+v", c)
	}
	s.Quote(s.Owner(), "and this?", similink.Quoted{ID: id})
	if c := o.context(opts); c.ReplyToID != id || c.ReplyToBody != "" {
		t.Errorf("%+v", c)
	}
	s.SayVoice(s.Owner(), "说的话")
	if c := o.context(opts); c.Body != "说的话" {
		t.Errorf("%+v", c)
	}
	s.SayVoice(s.Owner(), "")
	if c := o.context(opts); c.Body != "[语音]" {
		t.Errorf("%+v", c)
	}
	o.behaved()
}

func TestOfficialFindsThePartQuoted(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{})
	o := newOfficial(t, s)
	opts := o.login()
	const whole, part = "一二三一二三四，五六一二三四", "二三四，五"
	if s.Quote(s.Owner(), "?", similink.Quoted{Part: "absent", Whole: whole}) != "" {
		t.Error("a part that is not there was quoted")
	}
	s.Quote(s.Owner(), "?", similink.Quoted{ID: "14000000000000000001", Part: part, Whole: whole})
	var got heard
	o.call(&got, apiModule, "getUpdates", opts)
	var m struct {
		Items []struct {
			Ref struct {
				Partial json.RawMessage `json:"partial_text"`
			} `json:"ref_msg"`
		} `json:"item_list"`
	}
	if len(got.Messages) != 1 || json.Unmarshal(got.Messages[0], &m) != nil {
		t.Fatalf("%s", got.Messages)
	}
	var found struct{ Resolved string }
	o.call(&found, "messaging/partial-quote.js", "resolvePartialQuote", whole, m.Items[0].Ref.Partial)
	if found.Resolved != part {
		t.Errorf("found %q by %s", found.Resolved, m.Items[0].Ref.Partial)
	}
}
