package ilink

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

func TestScanByHand(t *testing.T) {
	w := newWorld(t, similink.Options{ScanDelay: -1}, nil)
	w.start(false)
	if l := w.await(LoginScan); !strings.HasPrefix(l.URL, "https://liteapp.weixin.qq.com/") {
		t.Errorf("shown: %q", l.URL)
	}
	w.srv.ScanOnly()
	w.await(LoginScanned)
	w.srv.Scan()
	if l := w.await(LoginConfirmed); l.Hot {
		t.Error("said that nobody had to scan")
	}
	var l login
	if err := json.Unmarshal(w.vault.killed().kept[nameLogin], &l); err != nil || l.User != w.srv.Owner() || l.check() != nil {
		t.Errorf("kept: %v", err)
	}
	w.behaved()
}

func TestCodeExpires(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.srv.ExpireQR(2)
	w.start(false)
	for range 2 {
		w.await(LoginScan)
		if l := w.await(LoginExpired); l.Reason == "" {
			t.Error("no reason")
		}
	}
	w.await(LoginScan)
	w.await(LoginConfirmed)
}

// After three codes nobody scanned it waits, with not one request, until somebody
// asks.
func TestNobodyScans(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.srv.ExpireQR(3)
	w.start(false)
	if l := w.await(LoginGivenUp); l.Wait != never || l.Reason == "" {
		t.Errorf("%+v", l)
	}
	if n := w.srv.Count("get_bot_qrcode"); n != 3 {
		t.Errorf("%d codes", n)
	}
	before := len(w.srv.Requests())
	time.Sleep(20 * time.Millisecond) // to give a loop its chance
	if n := len(w.srv.Requests()) - before; n != 0 {
		t.Errorf("%d requests while nobody scans", n)
	}
	w.c.LogIn()
	w.await(LoginScan)
	w.await(LoginConfirmed)
}

// Somebody who is not at the terminal gets the link of the code that is shown, or a
// new one where none is.
func TestLoginLink(t *testing.T) {
	w := newWorld(t, similink.Options{ScanDelay: -1}, nil)
	if link, out := w.c.LoginLink(); link != "" || out {
		t.Errorf("before Run: %q, %v", link, out)
	}
	w.start(false)
	shown := w.await(LoginScan).URL
	if link, out := w.c.LoginLink(); link != shown || !out {
		t.Errorf("shown: %q, %v", link, out)
	}
	w.srv.Scan()
	w.await(LoginConfirmed)
	if link, out := w.c.LoginLink(); link != "" || out {
		t.Errorf("logged in: %q, %v", link, out)
	}
	w.srv.ExpireQR(3)
	w.srv.Kick()
	w.await(LoginGivenUp)
	if link, out := w.c.LoginLink(); link != "" || !out {
		t.Errorf("given up: %q, %v", link, out)
	}
	shown = w.await(LoginScan).URL
	if link, out := w.c.LoginLink(); link != shown || !out {
		t.Errorf("shown again: %q, %v", link, out)
	}
	w.stop()
	if _, out := w.c.LoginLink(); out {
		t.Error("out after the end")
	}
}

func TestNobodyScansForAnHour(t *testing.T) {
	w := newWorld(t, similink.Options{}, func(o *Options) { o.pauses.rest = 10 * time.Millisecond })
	w.srv.ExpireQR(3)
	w.start(false)
	w.await(LoginGivenUp)
	w.await(LoginConfirmed)
	if n := w.srv.Count("get_bot_qrcode"); n != 4 {
		t.Errorf("%d codes", n)
	}
}

func TestRedirect(t *testing.T) {
	w := newWorld(t, similink.Options{Redirect: true}, nil)
	w.start(true)
	w.srv.Say("主人", "from afar")
	w.hear()
	if err := w.send(w.srv.Owner(), "answer"); err != nil {
		t.Fatal(err)
	}
	w.sent(1)
	for _, r := range w.srv.Requests() {
		if r.Endpoint == "sendmessage" && r.Host != similink.RedirectHost {
			t.Errorf("%s asked at %s", r.Endpoint, r.Host)
		}
	}
	w.behaved()
}

// Whoever answers for WeChat must not lead the credentials away.
func TestRedirectToStrangers(t *testing.T) {
	for _, host := range []string{"", "evil.example", "weixin.qq.com.evil.example", "evil.example/weixin.qq.com", "a@evil.example", "ilinkai.weixin.qq.com:8443", "EVIL.weixin.qq.com\n"} {
		t.Run(host, func(t *testing.T) {
			w := newWorld(t, similink.Options{}, nil)
			body, _ := json.Marshal(map[string]string{"status": "scaned_but_redirect", "redirect_host": host})
			w.srv.Fail("get_qrcode_status", similink.Failure{Body: string(body)}, 1)
			w.start(true)
			for _, r := range w.srv.Requests() {
				if r.Host != similink.APIHost {
					t.Errorf("%s asked at %s", r.Endpoint, r.Host)
				}
			}
		})
	}
}

func TestConfirmedByStrangers(t *testing.T) {
	for name, answer := range map[string]map[string]any{
		"no bot":     {"status": "confirmed", "bot_token": "hush", "baseurl": "https://ilinkai.weixin.qq.com"},
		"no token":   {"status": "confirmed", "ilink_bot_id": "b", "baseurl": "https://ilinkai.weixin.qq.com"},
		"odd token":  {"status": "confirmed", "bot_token": "hush\r\nX: y", "ilink_bot_id": "b"},
		"elsewhere":  {"status": "confirmed", "bot_token": "hush", "ilink_bot_id": "b", "baseurl": "https://evil.example"},
		"plain HTTP": {"status": "confirmed", "bot_token": "hush", "ilink_bot_id": "b", "baseurl": "http://ilinkai.weixin.qq.com"},
		"numbers":    {"status": "confirmed", "bot_token": 5, "ilink_bot_id": 7},
		"bound":      {"status": "binded_redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, similink.Options{}, nil)
			body, _ := json.Marshal(answer)
			w.srv.Fail("get_qrcode_status", similink.Failure{Body: string(body)}, 1)
			w.start(false)
			w.await(LoginExpired)
			w.await(LoginConfirmed)
			if n := w.srv.Count("get_bot_qrcode"); n != 2 {
				t.Errorf("%d codes", n)
			}
		})
	}
}

func TestCodeFromStrangers(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.srv.Fail("get_bot_qrcode", similink.Failure{Body: `{"ret":0,"qrcode":"x","qrcode_img_content":"https://evil.example/"}`}, 1)
	w.srv.Fail("get_bot_qrcode", similink.Failure{Body: `{"ret":0,"qrcode":"","qrcode_img_content":"https://liteapp.weixin.qq.com/q/"}`}, 1)
	w.srv.Fail("get_bot_qrcode", similink.Failure{Body: `{"ret":0,`}, 1)
	w.srv.Fail("get_bot_qrcode", similink.HTML(502), 1)
	w.srv.Fail("get_bot_qrcode", similink.Failure{Ret: -1, ErrMsg: "system busy"}, 1)
	w.srv.Fail("get_bot_qrcode", similink.Failure{Reset: true}, 1)
	w.start(false)
	for range 6 {
		if l := w.await(LoginWaiting); l.Fault == nil || l.Wait <= 0 {
			t.Errorf("%+v", l)
		}
	}
	w.await(LoginConfirmed)
}

func TestStatusPollsFail(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	for _, f := range []similink.Failure{{Status: 524}, {Reset: true}, {Body: "nonsense"}, {Body: `{"status":7}`}, {Errcode: -1}, similink.HTML(500)} {
		w.srv.Fail("get_qrcode_status", f, 1)
	}
	w.start(true)
	if n := w.srv.Count("get_bot_qrcode"); n != 1 {
		t.Errorf("%d codes", n)
	}
}

// digits answers with codes, one after the other.
func digits(codes ...string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if len(codes) == 0 {
			return "", errors.New("nobody there")
		}
		code := codes[0]
		codes = codes[1:]
		return code, nil
	}
}

func TestVerifyCode(t *testing.T) {
	w := newWorld(t, similink.Options{VerifyCode: "042"}, func(o *Options) { o.AskCode = digits("1", "042") })
	w.start(false)
	if l := w.await(LoginDigits); l.Again {
		t.Error("said to be wrong before it was asked for")
	}
	if l := w.await(LoginDigits); !l.Again {
		t.Error("not said to be wrong")
	}
	w.await(LoginConfirmed)
	if n := w.srv.Count("get_bot_qrcode"); n != 1 {
		t.Errorf("%d codes", n)
	}
	w.behaved()
}

func TestVerifyCodeBlocked(t *testing.T) {
	w := newWorld(t, similink.Options{VerifyCode: "042"}, func(o *Options) { o.AskCode = digits("1", "2", "3", "042") })
	w.start(false)
	if l := w.await(LoginExpired); l.Reason != errCodeBlocked.Error() {
		t.Errorf("%+v", l)
	}
	w.await(LoginConfirmed)
}

// Digits that are always wrong, entered at once each time, end with three codes.
func TestVerifyCodeAlwaysWrong(t *testing.T) {
	asked := 0
	w := newWorld(t, similink.Options{}, func(o *Options) {
		o.AskCode = func(context.Context) (string, error) { asked++; return "7", nil }
	})
	w.srv.Fail("get_qrcode_status", similink.Failure{Body: `{"status":"need_verifycode"}`}, -1)
	w.start(false)
	w.await(LoginGivenUp)
	if asked != maxCodes*maxDigits {
		t.Errorf("asked %d times", asked)
	}
}

func TestNobodyToAskForDigits(t *testing.T) {
	for name, ask := range map[string]func(context.Context) (string, error){"nobody": nil, "no answer": digits(), "empty": digits("")} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, similink.Options{VerifyCode: "042"}, func(o *Options) { o.AskCode = ask })
			w.start(false)
			w.await(LoginDigits)
			if l := w.await(LoginGivenUp); l.Reason != errNoDigits.Error() {
				t.Errorf("%+v", l)
			}
			if n := w.srv.Count("get_bot_qrcode"); n != 1 {
				t.Errorf("%d codes", n)
			}
		})
	}
}

func TestDigitsComeTooLate(t *testing.T) {
	w := newWorld(t, similink.Options{VerifyCode: "042"}, func(o *Options) {
		o.pauses.code = 300 * time.Millisecond
		o.AskCode = func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }
	})
	w.start(false)
	if l := w.await(LoginExpired); l.Reason != errCodeExpired.Error() {
		t.Errorf("%+v", l)
	}
}

// A token that is still good is not replaced: WeChat says so when the same person
// scans again.
func TestBoundAlready(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.srv.Fail("getupdates", similink.Failure{Errcode: -14, ErrMsg: "session timeout"}, 2)
	w.await(LoginLost)
	w.await(LoginConfirmed)
	w.srv.Say("主人", "hello")
	w.hear()
	tokens := []string{}
	for _, r := range w.srv.Requests() {
		if a := r.Header.Get("Authorization"); r.Endpoint == "getupdates" && !slices.Contains(tokens, a) {
			tokens = append(tokens, a)
		}
	}
	if len(tokens) != 1 {
		t.Errorf("%d tokens were used", len(tokens))
	}
}

func TestStopWhileScanning(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"unscanned": func(w *world) { w.await(LoginScan) },
		"hanging": func(w *world) {
			w.srv.Fail("get_qrcode_status", similink.Failure{Hang: true}, -1)
			_ = w.srv.WaitCount(w.ctx, "get_qrcode_status", 1)
		},
		"no code": func(w *world) {
			w.srv.ExpireQR(1)
			w.srv.Fail("get_bot_qrcode", similink.Failure{Reset: true}, -1)
			w.await(LoginWaiting)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, similink.Options{ScanDelay: -1}, nil)
			w.start(false)
			prepare(w)
			w.stop()
		})
	}
}
