package wechat

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
)

const (
	imageCall = "webwxgetmsgimg"
	fileCall  = "webwxgetmedia"
)

// shown has Alice send a picture and a file of the same bytes, and returns what was
// heard of them.
func (w *world) shown(body []byte) (image, file bot.Message) {
	w.t.Helper()
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.srv.SayMedia(alice, "", simwechat.Media{Type: simwechat.TypeImage, Body: body})
	image = w.hear()
	w.srv.SayMedia(alice, "", simwechat.Media{Type: simwechat.TypeApp, FileName: "a&b.txt", Body: body})
	file = w.hear()
	if image.Kind != bot.KindImage || file.Kind != bot.KindFile || image.Medium == nil || file.Medium == nil {
		w.t.Fatalf("heard %+v and %+v", image, file)
	}
	return image, file
}

func fetching(w *world, m bot.Message, most int) error {
	_, err := w.c.Fetch(w.ctx, m.Medium.Ref, most)
	return err
}

func TestFetch(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.start(true)
	body := drawn(t, 100_000)
	image, file := w.shown(body)
	if m := file.Medium; m.Name != "a&b.txt" || m.Size != int64(len(body)) || len(m.Ref) > maxRef {
		t.Errorf("%+v", m)
	}
	for _, m := range []bot.Message{image, file} {
		if got, err := w.c.Fetch(w.ctx, m.Medium.Ref, len(body)); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes, %v", m.Kind, len(got), err)
		}
		for _, most := range []int{len(body) - 1, 1, 0, -1} {
			if f := fault(t, fetching(w, m, most)); f.Code != bot.MediumTooLarge {
				t.Errorf("%s of %d bytes: %v", m.Kind, most, f)
			}
		}
	}
	if c := w.srv.Complaints(); len(c) > 0 {
		t.Error(c)
	}
}

func TestFetchOfOthers(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	group := w.srv.AddGroup(simwechat.Group{Name: "G", Saved: true, Members: []simwechat.Member{{UserName: alice}}})
	w.start(true)
	for _, kind := range []int{simwechat.TypeVoice, simwechat.TypeVideo, simwechat.TypeEmoji} {
		w.srv.SayMedia(alice, "", simwechat.Media{Type: kind, Body: []byte("x")})
		if m := w.hear(); m.Medium != nil {
			t.Errorf("%s can be fetched", m.Kind)
		}
	}
	w.srv.Push(map[string]any{"MsgType": 49, "AppMsgType": 6, "FromUserName": alice, "MediaId": strings.Repeat("x", maxRef)})
	if m := w.hear(); m.Kind != bot.KindFile || m.Medium != nil {
		t.Errorf("heard %+v", m)
	}
	for name, say := range map[string]func(simwechat.Media) string{
		"owner": func(m simwechat.Media) string { return w.srv.SayMediaFromPhone(fileHelper, m) },
		"group": func(m simwechat.Media) string { return w.srv.SayMedia(group, alice, m) },
	} {
		for _, kind := range []int{simwechat.TypeImage, simwechat.TypeApp} {
			body := drawn(t, 1)
			say(simwechat.Media{Type: kind, Body: body, FileName: "a.png"})
			m := w.hear()
			if got, err := w.c.Fetch(w.ctx, m.Medium.Ref, len(body)); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%s, type %d: %d bytes, %v", name, kind, len(got), err)
			}
		}
	}
}

// A reference is good for the login it was heard in, also when that is resumed.
func TestFetchInAnotherLogin(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.start(true)
	body := drawn(t, 1)
	image, file := w.shown(body)
	w.stop()
	if err := fetching(w, image, len(body)); err != nil {
		t.Errorf("while stopping: %v", err)
	}
	w.build(w.srv.Transport(), nil)
	if f := fault(t, fetching(w, image, len(body))); f.Entry != sessionExpired || f.Code != "" {
		t.Errorf("before the login: %v", f)
	}
	w.start(true)
	for _, m := range []bot.Message{image, file} {
		if got, err := w.c.Fetch(w.ctx, m.Medium.Ref, len(body)); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s, resumed: %d bytes, %v", m.Kind, len(got), err)
		}
	}
	w.srv.Kick(1100)
	w.await(LoginConfirmed)
	before := len(w.srv.Requests())
	for _, m := range []bot.Message{image, file} {
		if f := fault(t, fetching(w, m, len(body))); f.Code != bot.MediumGone {
			t.Errorf("%s, after another login: %v", m.Kind, f)
		}
	}
	for _, r := range w.srv.Requests()[before:] {
		if r.Endpoint == imageCall || r.Endpoint == fileCall {
			t.Error("asked for what is gone")
		}
	}
}

func TestFetchGone(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.start(true)
	body := drawn(t, 1)
	image, file := w.shown(body)
	w.srv.ForgetMedia()
	for _, m := range []bot.Message{image, file} {
		if f := fault(t, fetching(w, m, len(body))); f.Code != bot.MediumGone {
			t.Errorf("%s: %v", m.Kind, f)
		}
	}
	if n := w.srv.Count(imageCall); n != fetchTries {
		t.Errorf("%d tries", n)
	}
	for _, ref := range []string{"", "x", "{}", `{"i":"1"}`, `[]`, strings.Repeat(" ", maxRef) + "{}"} {
		if _, err := w.c.Fetch(w.ctx, ref, 100); fault(t, err).Code != bot.MediumGone {
			t.Errorf("%.20q: %v", ref, err)
		}
	}
}

// What is not as it should be is tried again, and told if it stays so.
func TestFetchFromOddServers(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.start(true)
	body := drawn(t, 1000)
	image, file := w.shown(body)
	for name, c := range map[string]struct {
		failure simwechat.Failure
		code    string
		status  int
	}{
		"a page":           {simwechat.HTML(200), "", 0},
		"a long page":      {simwechat.Failure{Body: "<html>" + strings.Repeat(" ", 5000)}, "", 0},
		"nothing":          {simwechat.Failure{Status: 200}, bot.MediumGone, 0},
		"cut off":          {simwechat.Failure{CutBody: true}, "", 0},
		"reset":            {simwechat.Failure{Reset: true}, "", 0},
		"a gateway's page": {simwechat.HTML(502), "", 502},
		"gone":             {simwechat.HTML(404), bot.MediumGone, 404},
		"a JSON refusal":   {simwechat.Failure{Ret: 1101}, "", 0},
	} {
		for call, m := range map[string]bot.Message{imageCall: image, fileCall: file} {
			if c.status != 404 {
				w.srv.Fail(call, c.failure, 1)
				if got, err := w.c.Fetch(w.ctx, m.Medium.Ref, 10_000); err != nil || !bytes.Equal(got, body) {
					t.Errorf("%s, once: %d bytes, %v", name, len(got), err)
				}
			}
			w.srv.Fail(call, c.failure, -1)
			f := fault(t, fetching(w, m, 10_000))
			if w.srv.Heal(); f.Code != c.code || f.Status != c.status {
				t.Errorf("%s of %s: %v", name, m.Kind, f)
			}
		}
	}
	if logged := w.logs.String(); strings.Contains(logged, "skey") || strings.Contains(logged, "webwx_data_ticket") {
		t.Error("the log holds credentials")
	}
}

func TestFetchStalls(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.start(true)
	image, file := w.shown(make([]byte, 100_000))
	for call, m := range map[string]bot.Message{imageCall: image, fileCall: file} {
		w.srv.Fail(call, simwechat.Failure{Stall: true}, 1)
		ctx, cancel := context.WithTimeout(w.ctx, 200*time.Millisecond)
		_, err := w.c.Fetch(ctx, m.Medium.Ref, 200_000)
		cancel()
		if f := fault(t, err); f.Net != "timeout" {
			t.Errorf("%s: %v", m.Kind, f)
		}
	}
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "file.txt", "a.md": "a.md", "/": "file.txt", "..": "file.txt", "../x": "x.txt", "a/b/c.txt": "c.txt",
		`c:\temp\x?.txt`: "c__temp_x_.txt", "a\u0000b\n.md": "ab_.md", "回答 1.md": "回答 1.md",
		strings.Repeat("字", 100) + ".md": strings.Repeat("字", 65) + ".md",
		"x." + strings.Repeat("y", 300):  "x." + strings.Repeat("y", 198),
	} {
		if got := sentName(name); got != want {
			t.Errorf("%q became %q", name, got)
		}
	}
}
