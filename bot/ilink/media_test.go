package ilink

import (
	"bytes"
	"context"
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
			"file, raw":     {similink.Media{Kind: similink.KindFile, Name: "ab.txt", Key: similink.KeyRaw}, bot.KindFile},
		} {
			c.m.Body = bytes.Repeat([]byte(name), 1000)
			id := w.srv.SayMedia("主人", c.m)
			heard := w.hear()
			if heard.ID != id || heard.Kind != c.kind || heard.Text != "" || heard.Medium == nil {
				t.Fatalf("%s: heard %+v", name, heard)
			}
			if m := heard.Medium; len(m.Ref) > 8<<10 || c.kind == bot.KindFile && (m.Name != "ab.txt" || m.Size != int64(len(c.m.Body))) {
				t.Errorf("%s: %+v", name, m)
			}
			got, err := w.c.Fetch(w.ctx, heard.Medium.Ref, len(c.m.Body))
			if err != nil || !bytes.Equal(got, c.m.Body) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		for _, m := range []similink.Media{{Kind: similink.KindVideo}, {Kind: similink.KindVoice}} {
			w.srv.SayMedia("主人", m)
			if heard := w.hear(); heard.Medium != nil {
				t.Errorf("%s can be fetched", heard.Kind)
			}
		}
		for _, r := range w.srv.Requests() {
			if r.Host == similink.CDNHost && r.Header.Get("Authorization") != "" {
				t.Error("the token was shown to the content network")
			}
		}
		w.behaved()
	}
}

// A reference is good for another process, too, also before it is logged in.
func TestFetchAfterRestart(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.srv.SayImage("主人", []byte("a picture"))
	m := w.hear().Medium
	w.stop()
	w.build(nil)
	if got, err := w.c.Fetch(w.ctx, m.Ref, 9); err != nil || string(got) != "a picture" {
		t.Errorf("%q, %v", got, err)
	}
	w.srv.ForgetMedia()
	if f := faultOf(t, fetching(w, m.Ref, 9)); f.Code != bot.MediumGone || f.Status != 404 {
		t.Errorf("%v", f)
	}
}

func fetching(w *world, ref string, most int) error {
	_, err := w.c.Fetch(w.ctx, ref, most)
	return err
}

func TestFetchIsBounded(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	for _, key := range []similink.KeyForm{similink.KeyDecoy, similink.KeyPlain} {
		for _, size := range []int{100, 111, 112, 113} {
			w.srv.SayMedia("主人", similink.Media{Kind: similink.KindImage, Body: bytes.Repeat([]byte{byte(size)}, size), Key: key})
			ref := w.hear().Medium.Ref
			if err := fetching(w, ref, size); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			for _, most := range []int{size - 1, size - 20, 1, 0, -1} {
				before := w.srv.Count("download")
				if f := faultOf(t, fetching(w, ref, most)); f.Code != bot.MediumTooLarge || w.srv.Count("download")-before > 1 {
					t.Errorf("%d of %d bytes: %v", most, size, f)
				}
			}
		}
	}
	w.srv.SayImage("主人", make([]byte, maxMedium+100))
	if f := faultOf(t, fetching(w, w.hear().Medium.Ref, 2*maxMedium)); f.Code != bot.MediumTooLarge {
		t.Errorf("%v", f)
	}
}

// What is not as it should be is tried again, and told if it stays so.
func TestFetchFromOddServers(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	body := bytes.Repeat([]byte("something"), 100)
	w.srv.SayFile("主人", "x", body)
	file := w.hear().Medium.Ref
	w.srv.SayMedia("主人", similink.Media{Kind: similink.KindImage, Body: body, Key: similink.KeyPlain})
	plain := w.hear().Medium.Ref
	for name, c := range map[string]struct {
		failure similink.Failure
		net     string
	}{
		"a page for a file": {similink.HTML(200), "decode"},
		"odd length":        {similink.Failure{Body: "not a multiple of sixteen"}, "decode"},
		"cut off":           {similink.Failure{CutBody: true}, ""},
		"reset":             {similink.Failure{Reset: true}, ""},
		"a gateway's page":  {similink.HTML(502), ""},
	} {
		for _, ref := range []string{file, plain} {
			if name == "odd length" && ref == plain {
				continue // nothing tells
			}
			w.srv.Fail("download", c.failure, mediaTries-1)
			if got, err := w.c.Fetch(w.ctx, ref, 1000); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			w.srv.Fail("download", c.failure, -1)
			f := faultOf(t, fetching(w, ref, 1000))
			if w.srv.Heal(); f.Code != "" || c.net != "" && string(f.Net) != c.net {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
	w.srv.SayMedia("主人", similink.Media{Kind: similink.KindFile, Body: body, Key: similink.KeyWrong})
	before := w.srv.Count("download")
	if f := faultOf(t, fetching(w, w.hear().Medium.Ref, 1000)); f.Net != "decode" || w.srv.Count("download")-before != mediaTries {
		t.Errorf("%v", f)
	}
	for status, tries := range map[int]int{400: 1, 403: 1, 404: 1, 429: mediaTries, 503: mediaTries} {
		w.srv.Fail("download", similink.HTML(status), tries)
		before := w.srv.Count("download")
		f := faultOf(t, fetching(w, file, 1000))
		if gone := status == 403 || status == 404; f.Status != status || (f.Code == bot.MediumGone) != gone || w.srv.Count("download")-before != tries {
			t.Errorf("%d: %v", status, f)
		}
	}
}

// A server that sends the half and then nothing holds nobody up for longer than
// they wait.
func TestFetchStalls(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.srv.SayFile("主人", "x", make([]byte, 100_000))
	ref := w.hear().Medium.Ref
	w.srv.Fail("download", similink.Failure{Stall: true}, 1)
	ctx, cancel := context.WithTimeout(w.ctx, 200*time.Millisecond)
	defer cancel()
	_, err := w.c.Fetch(ctx, ref, 200_000)
	if f := faultOf(t, err); f.Net != "timeout" {
		t.Errorf("%v", f)
	}
}

// Media come from WeChat's own hosts.
func TestFetchFromStrangers(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	for _, ref := range []string{"", "17", "u1 - ", "u1  x", "x1 - x", "u1 00 x", "u1 - x y", "p1 - " + strings.Repeat("p", 2*maxToken), "u1 - \x07"} {
		if f := faultOf(t, fetching(w, ref, 100)); f.Code != bot.MediumGone {
			t.Errorf("%q: %v", ref, f)
		}
	}
	for _, address := range []string{"https://evil.example/x", "http://novac2c.cdn.weixin.qq.com/x", "https://novac2c.cdn.weixin.qq.com:8443/x", "https://u:p@novac2c.cdn.weixin.qq.com/x", "file:///etc/passwd", "%", "a b", strings.Repeat("h", 2*maxToken)} {
		w.srv.Push(map[string]any{
			"create_time_ms": time.Now().Add(time.Duration(len(address)) * time.Minute).UnixMilli(),
			"item_list":      []any{map[string]any{"type": 2, "image_item": map[string]any{"media": map[string]any{"full_url": address}}}},
		})
		m := w.hear().Medium
		if m == nil {
			continue
		}
		if b, err := w.c.Fetch(w.ctx, m.Ref, 100); err == nil {
			t.Errorf("%d bytes came from %s", len(b), address)
		}
	}
	if n := w.srv.Count("download"); n != 0 {
		t.Errorf("%d downloads", n)
	}
}

func TestQuotedMedia(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	pictureID := w.srv.SayImage("主人", []byte("a picture"))
	picture := w.hear().Medium
	fileID := w.srv.SayFile("主人", "a.txt", []byte("a file"))
	file := w.hear().Medium
	for name, c := range map[string]struct {
		q    similink.Quoted
		want *bot.Medium
	}{
		"a picture":       {similink.Quoted{ID: pictureID, Item: true}, picture},
		"a picture by id": {similink.Quoted{ID: pictureID}, picture},
		"unknown":         {similink.Quoted{ID: "17"}, nil},
		"a file":          {similink.Quoted{ID: fileID, Item: true}, file},
		"a file by id":    {similink.Quoted{ID: fileID}, file},
	} {
		w.srv.Quote("主人", "what is that? "+name, c.q)
		m := w.hear()
		if m.Kind != bot.KindText || (m.Medium != nil) != (c.want != nil) || m.Medium != nil && *m.Medium != *c.want {
			t.Errorf("%s: %+v", name, m)
		}
	}
	media := map[string]any{"encrypt_query_param": "p", "aes_key": "MDEyMzQ1Njc4OWFiY2RlZg=="}
	for name, item := range map[string]any{
		"picture": map[string]any{"type": 2, "image_item": map[string]any{"media": media}},
		"file":    map[string]any{"type": 4, "file_item": map[string]any{"media": media, "file_name": "a.txt"}},
	} {
		w.srv.Push(map[string]any{"item_list": []any{item, map[string]any{"type": 1, "text_item": map[string]any{"text": "both " + name}}}})
		if m := w.hear(); m.Kind != bot.KindText || m.Text != "both "+name || m.Medium == nil || (m.Medium.Name != "") != (name == "file") {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// Pictures without words that follow each other are not copies.
func TestPicturesInARow(t *testing.T) {
	w := newWorld(t, similink.Options{FullURLs: true}, nil)
	w.start(true)
	refs := map[string]bool{}
	for range 3 {
		w.srv.SayImage("主人", []byte("the same picture"))
		refs[w.hear().Medium.Ref] = true
	}
	if len(refs) != 3 {
		t.Errorf("%d pictures", len(refs))
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

func TestSendFile(t *testing.T) {
	for _, full := range []bool{false, true} {
		w, alice := chatting(t, similink.Options{FullURLs: full}, nil)
		body := bytes.Repeat([]byte("# words\n"), 5000)
		part := bot.Part{To: bot.Chat{ID: alice}, Text: "below it", ID: 7}
		if err := w.c.SendFile(w.ctx, part, "answer.md", body); err != nil {
			t.Fatal(err)
		}
		part.Text, part.ID = "", 8
		if err := w.c.SendFile(w.ctx, part, "../../etc/pass\nwd", body[:16]); err != nil {
			t.Fatal(err)
		}
		sent, err := w.srv.WaitSent(w.ctx, 3)
		if err != nil || sent[0].Kind != similink.KindFile || sent[0].FileName != "answer.md" || !bytes.Equal(sent[0].Media, body) {
			t.Fatalf("%+v, %v", sent[0].FileName, err)
		}
		if sent[1].Text != "below it" || sent[2].FileName != "pass_wd" || !bytes.Equal(sent[2].Media, body[:16]) {
			t.Errorf("%q, %q", sent[1].Text, sent[2].FileName)
		}
		part.ID = 7
		if err := w.c.SendFile(w.ctx, part, "answer.md", body); err != nil || len(w.srv.Sent()) != 3 {
			t.Errorf("%d messages, %v", len(w.srv.Sent()), err) // said once more, under its id
		}
		for _, size := range []int{0, maxMedium + 1} {
			if f := faultOf(t, w.c.SendFile(w.ctx, part, "x", make([]byte, size))); f.Source != "bot" {
				t.Errorf("%v", f)
			}
		}
		w.behaved()
	}
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "file", "a.md": "a.md", "/": "file", "..": "file", "../x": "x", ".bashrc": "bashrc", "a/b/c.txt": "c.txt",
		`c:\temp\x?.txt`: "c__temp_x_.txt", "a\u0000b\n.md": "ab_.md", "回答 1.md": "回答 1.md",
		strings.Repeat("字", 100) + ".md": strings.Repeat("字", 65) + ".md",
		"x." + strings.Repeat("y", 300):  "x." + strings.Repeat("y", 198),
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q became %q", name, got)
		}
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
	w.srv.Fail("upload", similink.Failure{Reset: true}, mediaTries)
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
