package similink_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

// statuses polls a QR code until it is done, and returns what was said without
// repetitions.
func (c *client) statuses(code string) (said []string, last said) {
	c.t.Helper()
	for range 100 {
		last = c.ask(code, "")
		if len(said) == 0 || said[len(said)-1] != last.Status {
			said = append(said, last.Status)
		}
		switch last.Status {
		case "confirmed", "expired", "binded_redirect", "need_verifycode":
			return said, last
		}
	}
	c.t.Fatal("no end:", said)
	return nil, last
}

func TestLogin(t *testing.T) {
	s := start(t, similink.Options{ScanDelay: -1, Hold: time.Millisecond})
	c := newClient(t, s)
	code := c.qr()
	for _, step := range []struct {
		do   func()
		want []string
	}{
		{func() {}, []string{"wait", "wait"}},
		{s.ScanOnly, []string{"scaned", "scaned"}},
		{s.Scan, []string{"confirmed", "confirmed"}},
	} {
		step.do()
		for _, want := range step.want {
			if out := c.ask(code, ""); out.Status != want {
				t.Errorf("%s instead of %s", out.Status, want)
			}
		}
	}
	out := c.ask(code, "")
	bot, token := s.Bot()
	if out.Bot != bot || out.Token != token || out.User != s.Owner() || out.BaseURL != "https://"+similink.APIHost {
		t.Errorf("%+v", out)
	}
	if !s.LoggedIn() || s.WaitLogin(within(t)) != nil || !strings.HasSuffix(bot, "@im.bot") {
		t.Error("nobody is logged in")
	}
	c.behaved()
}

func TestLoginByItself(t *testing.T) {
	s := start(t, similink.Options{ScanDelay: 20 * time.Millisecond})
	c := newClient(t, s)
	if said, _ := c.statuses(c.qr()); strings.Join(said, " ") != "scaned confirmed" {
		t.Errorf("%q", said)
	}
}

func TestScanBeforeTheCode(t *testing.T) {
	s := start(t, similink.Options{ScanDelay: -1})
	c := newClient(t, s)
	s.Scan()
	if said, _ := c.statuses(c.qr()); strings.Join(said, " ") != "scaned confirmed" {
		t.Errorf("%q", said)
	}
}

func TestQRCodeExpires(t *testing.T) {
	s := start(t, similink.Options{ScanDelay: -1})
	c := newClient(t, s)
	code := c.qr()
	s.Advance(5 * time.Minute)
	if out := c.ask(code, ""); out.Status != "expired" {
		t.Errorf("%+v", out)
	}
	if out := c.ask("unknown", ""); out.Status != "expired" {
		t.Errorf("%+v", out)
	}
	code = c.qr()
	s.ExpireQR(2)
	for _, code := range []string{code, c.qr()} {
		if out := c.ask(code, ""); out.Status != "expired" {
			t.Errorf("%+v", out)
		}
	}
	code = c.qr()
	s.Scan()
	if said, _ := c.statuses(code); said[len(said)-1] != "confirmed" {
		t.Errorf("%q", said)
	}
}

func TestQRCodeByGet(t *testing.T) {
	s := start(t, similink.Options{})
	c := newClient(t, s)
	out, err := c.do(t.Context(), http.MethodGet, "get_bot_qrcode?bot_type=3", nil)
	if err != nil || out.QRCode == "" || !strings.Contains(out.Image, out.QRCode) {
		t.Errorf("%+v, %v", out, err)
	}
	c.behaved()
	for path, body := range map[string]any{"get_bot_qrcode": nil, "get_bot_qrcode?bot_type=3": "no object"} {
		if out, err := c.do(t.Context(), http.MethodPost, path, body); err != nil || out.code() == 0 || out.QRCode != "" {
			t.Errorf("%s: %+v, %v", path, out, err)
		}
	}
}

func TestVerifyCode(t *testing.T) {
	s := start(t, similink.Options{VerifyCode: "0815"})
	c := newClient(t, s)
	code := c.qr()
	for _, step := range [][2]string{
		{"", "need_verifycode"}, {"1", "need_verifycode"}, {"", "need_verifycode"},
		{"0815", "scaned"}, {"", "confirmed"}, {"", "confirmed"},
	} {
		if out := c.ask(code, step[0]); out.Status != step[1] {
			t.Errorf("after %q: %s", step[0], out.Status)
		}
	}
	code = c.qr()
	for i, want := range []string{"need_verifycode", "need_verifycode", "verify_code_blocked", "verify_code_blocked"} {
		if out := c.ask(code, "9"); out.Status != want {
			t.Errorf("digits %d: %s", i, out.Status)
		}
	}
}

func TestRedirect(t *testing.T) {
	s := start(t, similink.Options{Redirect: true})
	c := newClient(t, s)
	code := c.qr()
	if out := c.ask(code, ""); out.Status != "scaned_but_redirect" || out.RedirectHost != similink.RedirectHost {
		t.Errorf("%+v", out)
	}
	c.host = similink.RedirectHost
	_, out := c.statuses(code)
	if out.BaseURL != "https://"+similink.RedirectHost {
		t.Errorf("%+v", out)
	}
	c.token = out.Token
	if out := c.call("msg/notifystart", nil); out.code() != 0 {
		t.Errorf("%+v", out)
	}
	c.behaved()
	c.host = similink.APIHost
	if out := c.call("msg/notifystart", nil); !out.over() || len(s.Complaints()) != 1 {
		t.Errorf("%+v, %q", out, s.Complaints())
	}
}

func TestRedirectAssumption(t *testing.T) {
	s := start(t, similink.Options{Redirect: true, Assume: similink.Assume{AnyHost: true}})
	c := newClient(t, s)
	code := c.qr()
	c.host = similink.RedirectHost
	_, out := c.statuses(code)
	c.token, c.host = out.Token, similink.APIHost
	if out := c.call("msg/notifystart", nil); out.code() != 0 {
		t.Errorf("%+v", out)
	}
}

func TestAlreadyBound(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	if said, out := c.statuses(c.qr("other", c.token)); said[0] != "binded_redirect" || out.Token != "" {
		t.Errorf("%q, %+v", said, out)
	}
	s.Kick()
	if said, out := c.statuses(c.qr(c.token)); said[len(said)-1] != "confirmed" || out.Token == c.token {
		t.Errorf("%q, %+v", said, out)
	}
}

func TestSecondLoginEndsTheFirst(t *testing.T) {
	s := start(t, similink.Options{Revive: true})
	first := login(t, s)
	held := first.held()
	second := login(t, s)
	if out := <-held; !out.over() {
		t.Errorf("the held poll got %+v", out)
	}
	if out := first.call("msg/notifystart", nil); !out.over() {
		t.Errorf("revived: %+v", out)
	}
	if second.hear(s.Owner(), "hi").Items[0].Text.Text != "hi" {
		t.Error("the second login hears nothing")
	}
	s.LoginElsewhere()
	if out := second.poll(); !out.over() || !s.LoggedIn() {
		t.Errorf("%+v", out)
	}
	first.behaved()
}

// held begins a poll and waits until the server holds it.
func (c *client) held() <-chan said {
	c.t.Helper()
	polls := c.s.Count("getupdates")
	out := make(chan said, 1)
	go func() {
		got, err := c.try(within(c.t), "getupdates", map[string]any{"get_updates_buf": c.cursor})
		if err != nil {
			got.ErrMsg = err.Error()
		}
		out <- got
	}()
	if err := c.s.WaitCount(within(c.t), "getupdates", polls+1); err != nil {
		c.t.Fatal(err)
	}
	return out
}
