package similink_test

import (
	"io"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
)

// outcome is how a login of the official client ended.
type outcome struct {
	Connected        bool
	AlreadyConnected bool
	BotToken         string
	AccountID        string
	BaseURL          string
	UserID           string
	Message          string
}

// beginLogin shows a QR code and begins to wait for its scan.
func (o *official) beginLogin() {
	o.t.Helper()
	var shown struct{ QRCodeURL, SessionKey, Message string }
	o.call(&shown, loginModule, "startWeixinLoginWithQr", object{"accountId": "test", "force": true})
	if !strings.HasPrefix(shown.QRCodeURL, "https://liteapp.weixin.qq.com/") || shown.SessionKey != "test" {
		o.t.Fatalf("no QR code: %+v", shown)
	}
	o.begin(loginModule, "waitForWeixinLogin", object{"sessionKey": "test", "timeoutMs": 60000})
}

func (o *official) endLogin() (out outcome) {
	o.t.Helper()
	if text := o.end(&out); text != "" {
		o.t.Fatal(text)
	}
	return out
}

// login logs in and returns what every call of the API wants to know.
func (o *official) login() object {
	o.t.Helper()
	o.beginLogin()
	out := o.endLogin()
	if !out.Connected {
		o.t.Fatalf("not logged in: %+v", out)
	}
	return object{"baseUrl": out.BaseURL, "token": out.BotToken}
}

// polled waits until the QR code's state was asked for n times.
func (o *official) polled(n int) {
	o.t.Helper()
	if err := o.s.WaitCount(within(o.t), "get_qrcode_status", n); err != nil {
		o.t.Fatal(err)
	}
}

func TestOfficialLogin(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{ScanDelay: -1})
	o := newOfficial(t, s)
	o.beginLogin()
	o.polled(1)
	s.Fail("get_qrcode_status", similink.Failure{Status: 524}, 1) // it goes on
	o.polled(2)
	s.ScanOnly()
	o.polled(4)
	s.Scan()
	out := o.endLogin()
	bot, token := s.Bot()
	if !out.Connected || out.AccountID != bot || out.BotToken != token || out.UserID != s.Owner() || out.BaseURL != "https://"+similink.APIHost {
		t.Errorf("%+v", out)
	}
	if !strings.Contains(o.printed.String(), "正在验证") {
		t.Errorf("the scan went unnoticed:\n%s", o.printed)
	}
	o.behaved()
}

func TestOfficialLoginRedirected(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{Redirect: true})
	o := newOfficial(t, s)
	opts := o.login()
	if opts["baseUrl"] != "https://"+similink.RedirectHost {
		t.Errorf("the account lives at %v", opts["baseUrl"])
	}
	o.call(nil, apiModule, "notifyStart", opts)
	o.behaved()
}

func TestOfficialVerifyCode(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{VerifyCode: "4711"})
	o := newOfficial(t, s)
	o.beginLogin()
	for i, digits := range []string{"1", "2", "3", "1", "4711"} { // the third blocks the code, a new one comes
		polls := i + 1
		if i > 2 {
			polls++ // the answer to the third digits was no question
		}
		o.polled(polls)
		if _, err := io.WriteString(o.digits, digits+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if out := o.endLogin(); !out.Connected {
		t.Errorf("%+v\n%s", out, o.printed)
	}
	if n := s.Count("get_bot_qrcode"); n != 2 {
		t.Errorf("%d QR codes", n)
	}
	for _, text := range []string{"输入手机微信显示的数字", "数字不匹配", "多次输入错误"} {
		if !strings.Contains(o.printed.String(), text) {
			t.Errorf("%s was not printed:\n%s", text, o.printed)
		}
	}
	o.behaved()
}

func TestOfficialQRExpires(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{})
	o := newOfficial(t, s)
	s.ExpireQR(3)
	o.beginLogin()
	if out := o.endLogin(); out.Connected || s.Count("get_bot_qrcode") != 3 {
		t.Errorf("%+v after %d QR codes", out, s.Count("get_bot_qrcode"))
	}
	s.ExpireQR(1)
	o.login()
	o.behaved()
}

func TestOfficialAlreadyBound(t *testing.T) {
	t.Parallel()
	s := start(t, similink.Options{})
	o := newOfficial(t, s)
	opts := o.login()
	o.call(nil, accountsModule, "saveWeixinAccount", "a", object{"token": opts["token"], "baseUrl": opts["baseUrl"]})
	o.call(nil, accountsModule, "registerWeixinAccountId", "a")
	o.beginLogin()
	if out := o.endLogin(); out.Connected || !out.AlreadyConnected {
		t.Errorf("%+v", out)
	}
	if _, token := s.Bot(); token != opts["token"] || !s.LoggedIn() {
		t.Error("the login changed")
	}
	s.Kick()
	if again := o.login(); again["token"] == opts["token"] {
		t.Error("the token of a dead session was confirmed")
	}
	o.behaved()
}
