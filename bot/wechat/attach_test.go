package wechat

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/troubleshoot"
)

var _ bot.Pictures = (*Channel)(nil)
var _ bot.Files = (*Channel)(nil)
var _ bot.Fetcher = (*Channel)(nil)
var _ bot.Remarked = (*Channel)(nil)
var _ bot.Owned = (*Channel)(nil)

// drawn is a picture of at least so many bytes.
func drawn(t testing.TB, least int) []byte {
	t.Helper()
	side := 8
	for {
		noise := image.NewGray(image.Rect(0, 0, side, side))
		for i := range noise.Pix {
			noise.Pix[i] = byte(rand.N(256))
		}
		var b bytes.Buffer
		if err := png.Encode(&b, noise); err != nil {
			t.Fatal(err)
		}
		if b.Len() >= least {
			return b.Bytes()
		}
		side *= 2
	}
}

func TestSendPicture(t *testing.T) {
	for name, least := range map[string]int{"small": 1, "in several pieces": 600 << 10} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, simwechat.Options{}, nil)
			alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
			picture := drawn(t, least)
			if f := fault(t, w.c.SendPicture(w.ctx, bot.Part{To: alice, ID: 1}, picture)); f.Entry != sessionExpired {
				t.Errorf("before the login: %v", f)
			}
			w.start(true)
			if err := w.c.SendPicture(w.ctx, bot.Part{To: alice, ID: lastID.Add(1)}, picture); err != nil {
				t.Fatal(err)
			}
			if err := w.c.SendPicture(w.ctx, bot.Part{To: alice, Text: "below it", ID: lastID.Add(1)}, picture); err != nil {
				t.Fatal(err)
			}
			sent, err := w.srv.WaitSent(w.ctx, 3)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(sent[0].Media, picture) || sent[0].Type != simwechat.TypeImage || !bytes.Equal(sent[1].Media, picture) || sent[2].Text != "below it" {
				t.Errorf("sent %d %d bytes and %q", len(sent[0].Media), len(sent[1].Media), sent[2].Text)
			}
			if c := w.srv.Complaints(); len(c) > 0 {
				t.Error(c)
			}
		})
	}
}

func TestSendFile(t *testing.T) {
	for name, size := range map[string]int{"small": 10, "in several pieces": 1200 << 10} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, simwechat.Options{}, nil)
			alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
			body := bytes.Repeat([]byte("# words\n"), size/8+1)
			if f := fault(t, w.c.SendFile(w.ctx, bot.Part{To: alice, ID: 1}, "a.md", body)); f.Entry != sessionExpired {
				t.Errorf("before the login: %v", f)
			}
			w.start(true)
			for _, p := range []struct{ name, text string }{{"answer.md", "below it"}, {"a <b> & \"c\"\n.md", ""}, {"", ""}} {
				if err := w.c.SendFile(w.ctx, bot.Part{To: alice, Text: p.text, ID: lastID.Add(1)}, p.name, body); err != nil {
					t.Fatal(err)
				}
			}
			sent, err := w.srv.WaitSent(w.ctx, 4)
			if err != nil {
				t.Fatal(err)
			}
			if m := sent[0]; m.Type != simwechat.TypeApp || m.FileName != "answer.md" || !bytes.Equal(m.Media, body) || !strings.Contains(m.Text, "<title>answer.md</title>") || !strings.Contains(m.Text, "<fileext>md</fileext>") {
				t.Errorf("sent %q, %d bytes, %s", m.FileName, len(m.Media), m.Text)
			}
			if sent[1].Text != "below it" || !strings.Contains(sent[2].Text, "<title>a _b_ &amp; _c__.md</title>") || sent[3].FileName != "file.txt" {
				t.Errorf("sent %q, %q, %q", sent[1].Text, sent[2].Text, sent[3].FileName)
			}
			if c := w.srv.Complaints(); len(c) > 0 {
				t.Error(c)
			}
		})
	}
}

// TestAttachmentsToFileHelper has the owner not answered for what the bot itself
// sent there.
func TestAttachmentsToFileHelper(t *testing.T) {
	w := newWorld(t, simwechat.Options{Echo: true}, nil)
	w.start(true)
	to := bot.Chat{ID: fileHelper}
	for range 5 {
		if err := w.c.SendFile(w.ctx, bot.Part{To: to, ID: lastID.Add(1)}, "a.md", []byte("words")); err != nil {
			t.Fatal(err)
		}
		if err := w.c.SendPicture(w.ctx, bot.Part{To: to, ID: lastID.Add(1)}, drawn(t, 1)); err != nil {
			t.Fatal(err)
		}
	}
	w.srv.SayMediaFromPhone(fileHelper, simwechat.Media{Type: simwechat.TypeApp, FileName: "a.md", Body: []byte("words")})
	if m := w.hear(); m.Kind != bot.KindFile || !m.Sender.Owner || m.Medium == nil || m.Medium.Name != "a.md" {
		t.Errorf("heard %+v", m)
	}
}

// TestSendPictureAfterHotLogin has the ticket for uploads survive a restart.
func TestSendPictureAfterHotLogin(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.stop()
	w.build(w.srv.Transport(), nil)
	w.start(true)
	if err := w.c.SendPicture(w.ctx, bot.Part{To: bot.Chat{ID: alice}, ID: lastID.Add(1)}, drawn(t, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestSendPictureFailures(t *testing.T) {
	const upload, say = "webwxuploadmedia", "webwxsendmsgimg"
	for name, test := range map[string]struct {
		endpoint string
		failure  simwechat.Failure
		want     troubleshoot.Fault // Ret, Net, Code
	}{
		"file not said":          {"webwxsendappmsg", simwechat.Failure{Ret: -1}, troubleshoot.Fault{Ret: -1}},
		"file said, answer lost": {"webwxsendappmsg", simwechat.Failure{LoseAnswer: true}, troubleshoot.Fault{Code: bot.MaybeSent}},
		"not uploaded":           {upload, simwechat.HTML(502), troubleshoot.Fault{Net: troubleshoot.NetConfig}},
		"upload reset":           {upload, simwechat.Failure{Reset: true}, troubleshoot.Fault{Net: troubleshoot.NetConfig}},
		"upload unreadable":      {upload, simwechat.Failure{Body: "{}"}, troubleshoot.Fault{Net: troubleshoot.NetConfig}},
		"upload not allowed":     {upload, simwechat.Failure{Ret: -14}, troubleshoot.Fault{Net: troubleshoot.NetConfig}},
		"upload too often":       {upload, simwechat.Failure{Ret: 1205}, troubleshoot.Fault{Ret: 1205}},
		"upload logged out":      {upload, simwechat.Failure{Ret: 1101}, troubleshoot.Fault{Ret: 1101}},
		"not said":               {say, simwechat.Failure{Ret: -1}, troubleshoot.Fault{Ret: -1}},
		"said, answer lost":      {say, simwechat.Failure{LoseAnswer: true}, troubleshoot.Fault{Code: bot.MaybeSent}},
		"answered with no file":  {upload, simwechat.Failure{Body: `{"BaseResponse":{"Ret":0}}`}, troubleshoot.Fault{Net: troubleshoot.NetConfig}},
		"said, answer broken":    {say, simwechat.Failure{CutBody: true}, troubleshoot.Fault{Code: bot.MaybeSent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simwechat.Options{}, nil)
			alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
			w.start(true)
			w.srv.Fail(test.endpoint, test.failure, 1)
			part, send := bot.Part{To: alice, ID: lastID.Add(1)}, func(p bot.Part) error { return w.c.SendPicture(w.ctx, p, drawn(t, 1)) }
			if strings.HasPrefix(name, "file") {
				send = func(p bot.Part) error { return w.c.SendFile(w.ctx, p, "a.md", []byte("words")) }
			}
			f := fault(t, send(part))
			if f.Ret != test.want.Ret || test.want.Net != "" && f.Net != test.want.Net || f.Code != test.want.Code || f.Phase != troubleshoot.PhaseSend {
				t.Errorf("fault %+v, want %+v", f, &test.want)
			}
		})
	}
}

func TestAttachmentsAreBounded(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.start(true)
	for _, size := range []int{0, maxFile + 1} {
		if err := w.c.SendFile(w.ctx, bot.Part{To: bot.Chat{ID: fileHelper}, ID: 1}, "a.md", make([]byte, size)); err == nil {
			t.Errorf("%d bytes were sent", size)
		}
	}
	for _, size := range []int{0, maxPicture + 1} {
		if err := w.c.SendPicture(w.ctx, bot.Part{To: bot.Chat{ID: fileHelper}, ID: 1}, make([]byte, size)); err == nil {
			t.Errorf("%d bytes were sent", size)
		}
	}
}
