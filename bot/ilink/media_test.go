package ilink

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/similink"
)

func TestFetch(t *testing.T) {
	for _, full := range []bool{false, true} {
		w := newWorld(t, similink.Options{FullURLs: full}, nil)
		w.start(true)
		for name, c := range map[string]struct {
			m    similink.Media
			kind bot.Kind
		}{
			"picture":       {similink.Media{Kind: similink.KindImage}, bot.KindImage},
			"picture, hex":  {similink.Media{Kind: similink.KindImage, Key: similink.KeyHex}, bot.KindImage},
			"picture, raw":  {similink.Media{Kind: similink.KindImage, Key: similink.KeyRaw}, bot.KindImage},
			"plain picture": {similink.Media{Kind: similink.KindImage, Key: similink.KeyPlain}, bot.KindImage},
			"file":          {similink.Media{Kind: similink.KindFile, Name: "a\x07b.txt"}, bot.KindFile},
			"video":         {similink.Media{Kind: similink.KindVideo, Key: similink.KeyRaw}, bot.KindVideo},
			"voice":         {similink.Media{Kind: similink.KindVoice}, bot.KindVoice},
		} {
			c.m.Body = bytes.Repeat([]byte(name), 1000)
			id := w.srv.SayMedia("主人", c.m)
			heard := w.hear()
			if heard.ID != id || heard.Kind != c.kind || heard.Text != "" {
				t.Errorf("%s: heard %+v", name, heard)
			}
			got, err := w.c.Fetch(w.ctx, id)
			if err != nil || got.Kind != c.kind || !bytes.Equal(got.Body, c.m.Body) || got.Name != strings.ReplaceAll(c.m.Name, "\x07", "") {
				t.Errorf("%s: %d bytes of %s, %v", name, len(got.Body), got.Kind, err)
			}
		}
		for _, r := range w.srv.Requests() {
			if r.Host == similink.CDNHost && r.Header.Get("Authorization") != "" {
				t.Error("the token was shown to the content network")
			}
		}
	}
}

// Media come from WeChat's own hosts, and are bounded.
func TestFetchFromStrangers(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	if _, err := w.c.Fetch(w.ctx, "17"); err == nil {
		t.Error("something came of nothing")
	}
	for _, address := range []string{"https://evil.example/x", "http://novac2c.cdn.weixin.qq.com/x", "https://novac2c.cdn.weixin.qq.com:8443/x", "https://u:p@novac2c.cdn.weixin.qq.com/x", "file:///etc/passwd", "%", strings.Repeat("h", 2*maxToken)} {
		id := w.srv.Push(map[string]any{
			"create_time_ms": time.Now().Add(time.Duration(len(address)) * time.Minute).UnixMilli(),
			"item_list":      []any{map[string]any{"type": 2, "image_item": map[string]any{"media": map[string]any{"full_url": address}}}},
		})
		w.hear()
		if m, err := w.c.Fetch(w.ctx, id); err == nil {
			t.Errorf("%d bytes came from %s", len(m.Body), address)
		}
	}
	if n := w.srv.Count("download"); n != 0 {
		t.Errorf("%d downloads", n)
	}
	id := w.srv.SayImage("主人", make([]byte, maxMedium+100))
	w.hear()
	if _, err := w.c.Fetch(w.ctx, id); err == nil {
		t.Error("no bound")
	}
	id = w.srv.SayFile("主人", "x", []byte("something"))
	w.hear()
	w.srv.Fail("download", similink.Failure{Body: "not a multiple of sixteen"}, 1)
	if _, err := w.c.Fetch(w.ctx, id); err == nil {
		t.Error("nonsense was decrypted")
	}
	w.srv.Fail("download", similink.HTML(404), 1)
	if f := faultOf(t, func() error { _, err := w.c.Fetch(w.ctx, id); return err }()); f.Status != 404 {
		t.Errorf("%v", f)
	}
	if m, err := w.c.Fetch(w.ctx, id); err != nil || string(m.Body) != "something" {
		t.Errorf("%q, %v", m.Body, err)
	}
}

func TestShelfIsBounded(t *testing.T) {
	s := newShelf()
	for i := range 3 * maxShelf {
		s.put(string(rune('a'+i)), medium{})
	}
	if len(s.media) != maxShelf || len(s.order) != maxShelf {
		t.Errorf("%d media", len(s.media))
	}
}

func (w *world) picture(to, text string, id int64, png []byte) error {
	return w.c.SendPicture(w.ctx, bot.Part{To: bot.Chat{ID: to}, Text: text, ID: id}, png)
}

func TestSendPicture(t *testing.T) {
	for _, full := range []bool{false, true} {
		w, alice := chatting(t, similink.Options{FullURLs: full}, nil)
		png := bytes.Repeat([]byte("\x89PNG"), 5000)
		if err := w.picture(alice, "caption", 7, png); err != nil {
			t.Fatal(err)
		}
		if err := w.picture(alice, "", 8, png[:16]); err != nil {
			t.Fatal(err)
		}
		sent, err := w.srv.WaitSent(w.ctx, 3)
		if err != nil || sent[0].Kind != similink.KindImage || !bytes.Equal(sent[0].Media, png) || sent[1].Text != "caption" || !bytes.Equal(sent[2].Media, png[:16]) {
			t.Errorf("%v", err)
		}
		w.behaved()
	}
}

func TestSendPictureFails(t *testing.T) {
	w, alice := chatting(t, similink.Options{}, nil)
	png := []byte("\x89PNG")
	if f := faultOf(t, w.picture(alice, "", 1, nil)); f.Source != "bot" {
		t.Errorf("nothing: %v", f)
	}
	if f := faultOf(t, w.picture(alice, "", 1, make([]byte, maxMedium+1))); f.Source != "bot" {
		t.Errorf("too much: %v", f)
	}
	w.srv.Fail("upload", similink.HTML(403), 1)
	if f := faultOf(t, w.picture(alice, "", 1, png)); f.Status != 403 || f.Code != "" {
		t.Errorf("%v", f)
	}
	if n := w.srv.Count("upload"); n != 1 {
		t.Errorf("%d tries of what was refused", n)
	}
	for _, body := range []string{`{"ret":0}`, `{"ret":0,"upload_full_url":"https://evil.example/x"}`, `{`} {
		w.srv.Fail("getuploadurl", similink.Failure{Body: body}, 1)
		if err := w.picture(alice, "", 1, png); err == nil {
			t.Error("uploaded to", body)
		}
	}
	w.srv.Fail("upload", similink.HTML(500), 1)
	w.srv.Fail("upload", similink.Failure{Body: "no name"}, 1)
	if err := w.picture(alice, "", 2, png); err != nil {
		t.Error("not tried again:", err)
	}
	w.srv.Fail("upload", similink.Failure{Reset: true}, putTries)
	if f := faultOf(t, w.picture(alice, "", 3, png)); f.Net == "" || f.Code == bot.MaybeSent {
		t.Errorf("%v", f)
	}
	w.srv.Fail("sendmessage", similink.Failure{LoseAnswer: true}, 1)
	if f := faultOf(t, w.picture(alice, "", 4, png)); f.Code != bot.MaybeSent {
		t.Errorf("%v", f)
	}
	w.srv.Advance(25 * time.Hour)
	if f := faultOf(t, w.picture(alice, "caption", 5, png)); f.Entry != windowClosed {
		t.Errorf("%v", f)
	}
	if err := w.send(alice, "kept"); err != nil {
		t.Fatal(err)
	}
	if f := faultOf(t, w.picture(alice, "caption", 6, png)); f.Entry != windowClosed || !strings.Contains(cause(f), "earlier replies") {
		t.Errorf("%v", f)
	}
}
