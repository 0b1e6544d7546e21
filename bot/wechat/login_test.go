package wechat

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestScanStates(t *testing.T) {
	w := newWorld(t, simwechat.Options{ScanDelay: -1}, nil)
	w.start(false)
	l := w.await(LoginScan)
	if !strings.HasPrefix(l.URL, "https://login.weixin.qq.com/l/") {
		t.Errorf("URL %q", l.URL)
	}
	w.srv.ScanOnly()
	w.await(LoginScanned)
	w.srv.Scan()
	if l := w.await(LoginConfirmed); l.Name != "小诊" || l.Hot {
		t.Errorf("confirmed %+v", l)
	}
}

func TestLoginLink(t *testing.T) {
	w := newWorld(t, simwechat.Options{ScanDelay: -1}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	if link, out := w.c.LoginLink(); link != "" || out {
		t.Errorf("before Run: %q, %v", link, out)
	}
	for range 2 {
		if w.cancel == nil {
			w.start(false)
		} else {
			w.srv.Kick(1100)
		}
		shown := w.await(LoginScan).URL
		if link, out := w.c.LoginLink(); link != shown || !out {
			t.Errorf("shown: %q, %v", link, out)
		}
		w.srv.Scan()
		w.await(LoginConfirmed)
		if link, out := w.c.LoginLink(); link != "" || out {
			t.Errorf("logged in: %q, %v", link, out)
		}
		w.silent(alice) // a session that never did anything is not replaced
	}
	w.stop()
	if _, out := w.c.LoginLink(); out {
		t.Error("out after the end")
	}
}

func TestExpiredCodesAreRenewed(t *testing.T) {
	w := newWorld(t, simwechat.Options{ScanDelay: -1}, nil)
	w.srv.ExpireQR(3)
	w.start(false)
	urls := map[string]bool{}
	for range 3 {
		urls[w.await(LoginScan).URL] = true
		if l := w.await(LoginExpired); l.Wait <= 0 {
			t.Errorf("a code that expired at once is renewed at once: %+v", l)
		}
	}
	urls[w.await(LoginScan).URL] = true
	if len(urls) != 4 {
		t.Errorf("codes %v", urls)
	}
	w.srv.Scan()
	w.await(LoginConfirmed)
}

func TestHotLoginKeepsNamesAndCookies(t *testing.T) {
	for _, domain := range []string{"wx.qq.com", "wx2.qq.com", "web.wechat.com"} {
		t.Run(domain, func(t *testing.T) {
			w := newWorld(t, simwechat.Options{Domain: domain}, nil)
			alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
			w.start(true)
			w.silent(alice)
			for range 3 { // also a second restart has cookies
				w.stop()
				id := w.srv.Say(alice, "while away")
				w.build(w.srv.Transport(), nil)
				w.start(false)
				if l := w.await(LoginConfirmed); !l.Hot || l.Name != "小诊" {
					t.Fatalf("login %+v", l)
				}
				if m := w.hear(); m.ID != id || m.Chat.ID != alice {
					t.Fatalf("heard %+v", m)
				}
				w.silent(alice)
				if err := send(w.ctx, w.c, bot.Chat{ID: alice}, "back"); err != nil {
					t.Fatal(err)
				}
			}
			if n := w.srv.Count("jslogin"); n != 1 {
				t.Errorf("%d QR codes", n)
			}
			if c := w.srv.Complaints(); len(c) > 0 {
				t.Errorf("server complains: %v", c)
			}
		})
	}
}

func TestRenewedCookiesReplaceRestoredOnes(t *testing.T) {
	w := newWorld(t, simwechat.Options{RenewCookies: true}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	for range 3 {
		w.silent(alice)
		w.stop()
		w.build(w.srv.Transport(), nil)
		w.start(true)
	}
	w.silent(alice)
	if c := w.srv.Complaints(); len(c) > 0 {
		t.Errorf("server complains: %v", c)
	}
}

func TestUnusableSessions(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.start(true)
	w.silent(w.srv.AddFriend(simwechat.Person{Nick: "Alice"}))
	w.stop()
	good := w.session.b
	edit := func(change func(map[string]any)) string {
		var doc map[string]any
		if err := json.Unmarshal(good, &doc); err != nil {
			t.Fatal(err)
		}
		change(doc)
		b, _ := json.Marshal(doc)
		return string(b)
	}
	for content, reason := range map[string]string{
		"{":               "not a session",
		"null":            "LoginInfo",
		"{}":              "LoginInfo",
		"[]":              "not a session",
		"\x00\xff binary": "not a session",
		edit(func(d map[string]any) { d["Jar"] = nil }):                             "cookies",
		edit(func(d map[string]any) { d["Jar"] = map[string]any{} }):                "cookies",
		edit(func(d map[string]any) { d["Jar"] = 7 }):                               "not a session",
		edit(func(d map[string]any) { delete(d, "SyncKey") }):                       "SyncKey",
		edit(func(d map[string]any) { d["SyncKey"].(map[string]any)["Count"] = 1 }): "SyncKey",
		edit(func(d map[string]any) { d["BaseRequest"] = nil }):                     "BaseRequest",
		edit(func(d map[string]any) { d["LoginInfo"] = nil }):                       "LoginInfo",
		edit(func(d map[string]any) { d["WechatDomain"] = "evil.example" }):         "WechatDomain",
		edit(func(d map[string]any) { d["WechatDomain"] = "x@wx.qq.com" }):          "WechatDomain",
		edit(func(d map[string]any) { d["WechatDomain"] = "wx.qq.com/.qq.com" }):    "WechatDomain",
	} {
		kept := &memory{b: []byte(content)}
		w.build(w.srv.Transport(), func(o *Options) { o.Session = kept })
		w.start(false)
		if l := w.await(LoginUnusable); !strings.Contains(l.Reason, reason) {
			t.Errorf("%q: reason %q, want %q", content, l.Reason, reason)
		}
		w.await(LoginScan)
		w.await(LoginConfirmed)
		w.stop()
		if string(kept.aside) != content {
			t.Errorf("%q set aside as %q", content, kept.aside)
		}
		if _, err := readDocument(kept.b); err != nil {
			t.Errorf("%q: new session: %v", content, err)
		}
	}
	if logs := w.logs.String(); strings.Contains(logs, "binary") {
		t.Error("the session's content was logged")
	}
}

// unread is a session that another key opens.
type unread struct{ *memory }

func (unread) Load() ([]byte, error) { return nil, errors.New("secret place: wrong key") }

// TestUnreadSession: what cannot be read now stays where it is, until there is a
// new login to take its place.
func TestUnreadSession(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	kept := unread{&memory{b: []byte("good")}}
	w.build(w.srv.Transport(), func(o *Options) { o.Session = kept })
	w.start(false)
	if l := w.await(LoginUnusable); !strings.Contains(l.Reason, "store.key") || strings.Contains(l.Reason, "secret") {
		t.Errorf("reason %q", l.Reason)
	}
	w.await(LoginScan)
	w.await(LoginConfirmed)
	w.stop()
	if kept.aside != nil {
		t.Errorf("%q was set aside", kept.aside)
	}
	if _, err := readDocument(kept.b); err != nil {
		t.Error("new session:", err)
	}
}

func TestSessionThatCannotBeKept(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.session.err = errors.New("disk full")
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.silent(alice)
	w.session.mu.Lock()
	w.session.err = nil
	w.session.mu.Unlock()
}

func TestLoginRefused(t *testing.T) {
	for _, ret := range []int{1203, 1100, 1101, 1102} {
		w := newWorld(t, simwechat.Options{}, nil)
		w.srv.RefuseLogin(ret, "")
		w.start(false)
		f := fault(t, w.end())
		if f.Entry != "wechat-login-blocked" || f.Ret != ret || f.Source != troubleshoot.SourceWeChat || f.Phase != troubleshoot.PhaseLogin {
			t.Errorf("%d: %v", ret, f)
		}
		if n := w.srv.Count("jslogin"); n != 1 {
			t.Errorf("%d: %d logins", ret, n)
		}
		if w.session.b != nil {
			t.Errorf("%d: the session is still there", ret)
		}
		w.await(LoginRefused)
	}
}

func TestInitRefusedAfterScan(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.srv.Fail("webwxinit", simwechat.Failure{Ret: 1102}, 1)
	w.start(false)
	if f := fault(t, w.end()); f.Entry != "wechat-login-blocked" || f.Ret != 1102 {
		t.Errorf("%v", f)
	}
}

func TestKickedShowsNewCode(t *testing.T) {
	for _, ret := range []int{1100, 1101, 1102} {
		w := newWorld(t, simwechat.Options{}, nil)
		alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
		w.start(true)
		w.silent(alice)
		w.srv.Kick(ret)
		if l := w.await(LoginLost); l.Fault == nil || l.Fault.Ret < 1100 || l.Fault.Phase != troubleshoot.PhaseSync {
			t.Errorf("%d: lost %+v", ret, l)
		}
		w.await(LoginScan)
		w.await(LoginConfirmed)
		w.srv.Say(alice, "new names")
		if m := w.hear(); m.Text != "new names" || m.Chat.ID == alice || m.Chat.Name != "Alice" {
			t.Errorf("%d: heard %+v", ret, m)
		}
		hot := 0
		if ret == 1101 {
			hot = 1 // tried once, and refused
		}
		if n := w.srv.Count("webwxinit"); n != 2+hot {
			t.Errorf("%d: %d logins", ret, n)
		}
	}
}

func TestReplyAfterLogout(t *testing.T) {
	w := newWorld(t, simwechat.Options{ScanDelay: -1}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(false)
	w.await(LoginScan)
	w.srv.Scan()
	w.await(LoginConfirmed)
	w.silent(alice)
	w.srv.Kick(1100)
	w.await(LoginLost)
	f := fault(t, send(w.ctx, w.c, bot.Chat{ID: alice}, "late"))
	if f.Source != troubleshoot.SourceWeChat || f.Phase != troubleshoot.PhaseSend || f.Entry != "wechat-session-expired" {
		t.Errorf("%v", f)
	}
}

func TestReplyAfterStop(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.stop()
	if err := send(w.ctx, w.c, bot.Chat{ID: alice}, "what was in flight"); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenLogins(t *testing.T) {
	for name, test := range map[string]struct {
		endpoint string
		failure  simwechat.Failure
		times    int
		codes    int // QR codes it may take
	}{
		"jslogin 502":         {"jslogin", simwechat.HTML(502), 3, 4},
		"jslogin reset":       {"jslogin", simwechat.Failure{Reset: true}, 2, 3},
		"jslogin refuses":     {"jslogin", simwechat.Failure{Ret: 400}, 2, 3},
		"jslogin escape":      {"jslogin", simwechat.Failure{Body: "window.QRLogin.code = 200; window.QRLogin.uuid = \"\x1b[2J\";"}, 1, 2},
		"poll 502":            {"login", simwechat.HTML(502), 2, 1},
		"poll reset":          {"login", simwechat.Failure{Reset: true}, 1, 1},
		"poll unknown code":   {"login", simwechat.Failure{Ret: 403}, 1, 1},
		"poll leads away":     {"login", simwechat.Failure{Body: `window.code=200;window.redirect_uri="https://evil.example/x"`}, 1, 1},
		"ticket cut":          {"webwxnewloginpage", simwechat.Failure{CutBody: true}, 1, 2},
		"ticket without keys": {"webwxnewloginpage", simwechat.Failure{Body: "<error><ret>0</ret></error>"}, 1, 2},
		"init 502":            {"webwxinit", simwechat.HTML(502), 2, 1},
		"init cut":            {"webwxinit", simwechat.Failure{CutBody: true}, 1, 1},
		"init empty":          {"webwxinit", simwechat.Failure{Body: "{}"}, 1, 1},
		"init without user":   {"webwxinit", simwechat.Failure{Body: `{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]}}`}, 1, 1},
		"init null key":       {"webwxinit", simwechat.Failure{Body: `{"BaseResponse":{"Ret":0},"User":{"UserName":"@a"},"SyncKey":null}`}, 1, 1},
		"init short key":      {"webwxinit", simwechat.Failure{Body: `{"BaseResponse":{"Ret":0},"User":{"UserName":"@a"},"SyncKey":{"Count":0,"List":[{"Key":1,"Val":1}]}}`}, 1, 1},
		"init often":          {"webwxinit", simwechat.Failure{Ret: 1205}, 1, 1},
		"notify 502":          {"webwxstatusnotify", simwechat.HTML(502), 1, 1},
		"notify refused":      {"webwxstatusnotify", simwechat.Failure{Ret: 1}, 1, 1},
		"contacts refused":    {"webwxgetcontact", simwechat.Failure{Ret: 1205}, 2, 1},
		"contacts cut":        {"webwxgetcontact", simwechat.Failure{CutBody: true}, 2, 1},
		"contacts html":       {"webwxgetcontact", simwechat.HTML(502), -1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simwechat.Options{}, nil)
			alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
			w.srv.Fail(test.endpoint, test.failure, test.times)
			w.start(true)
			w.silent(alice)
			if n := w.srv.Count("jslogin"); n > test.codes {
				t.Errorf("%d QR codes, want %d", n, test.codes)
			}
		})
	}
}

func TestNoCodeIsGiven(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	w.srv.Fail("jslogin", simwechat.Failure{Ret: 400}, -1)
	w.start(false)
	if f := fault(t, w.end()); f.Entry != "wechat-login-blocked" || f.Code != "qrlogin_400" {
		t.Errorf("%v", f)
	}
	if n := w.srv.Count("jslogin"); n != maxRefusals {
		t.Errorf("asked %d times", n)
	}
}

func TestHotLoginWaitsForTheNetwork(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.silent(alice)
	w.stop()
	w.build(w.srv.Transport(), nil)
	w.srv.Fail(simwechat.AnyEndpoint, simwechat.Failure{Reset: true}, -1)
	w.start(false)
	for range hotTries {
		if l := w.await(LoginWaiting); l.Fault == nil || l.Fault.Net == "" {
			t.Errorf("waiting %+v", l)
		}
	}
	w.srv.Heal()
	if l := w.await(LoginConfirmed); !l.Hot {
		t.Errorf("login %+v", l)
	}
}

func TestShowLoginMayPanic(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, func(o *Options) {
		show := o.ShowLogin
		o.ShowLogin = func(l Login) { show(l); panic("broken terminal") }
	})
	w.start(true)
}

func TestDecide(t *testing.T) {
	const long = time.Hour
	for _, test := range []struct {
		ret            int
		hot            bool
		lived          time.Duration
		healthy, heard bool
		want           next
	}{
		{1203, false, long, true, true, nextRefuse},
		{1203, true, 0, false, false, nextRefuse},
		{1102, false, time.Second, true, false, nextRefuse},
		{1102, false, time.Second, true, true, nextScan},
		{1102, false, long, true, false, nextScan},
		{1102, true, time.Second, true, false, nextScan},
		{1100, false, time.Second, true, false, nextScan},
		{1100, false, time.Second, false, false, nextRefuse},
		{1100, true, time.Second, false, false, nextScan},
		{1101, false, long, true, true, nextHot},
		{1101, false, time.Second, true, true, nextHot},
		{1101, false, time.Second, false, false, nextRefuse},
		{1101, true, time.Second, true, true, nextScan},
		{1101, true, long, true, true, nextHot},
		{0, false, long, true, true, nextScan},
	} {
		e := ending{refusal("", test.ret, ""), test.hot, test.lived, test.healthy, test.heard}
		if got := decide(e); got != test.want {
			t.Errorf("%+v: %v, want %v", test, got, test.want)
		}
	}
}

// TestNamesOfLogins tells whether ids still hold: after a hot login they do, after
// a scan they do not. What has a remark keeps its key in both.
func TestNamesOfLogins(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice", Remark: "Mum"})
	login := func() (name string, m bot.Message) {
		t.Helper()
		w.srv.Say(alice, "hi")
		m = w.hear()
		select {
		case name = <-w.names:
		default:
			t.Fatal("heard a message before the login")
		}
		if len(w.names) > 0 {
			t.Error("told twice of one login")
		}
		return name, m
	}
	w.start(true)
	first, m := login()
	w.stop()
	w.c.Close()

	w.build(w.srv.Transport(), nil)
	w.start(true)
	again, n := login()
	if again != first || first == "" || n.Chat.ID != m.Chat.ID {
		t.Errorf("a hot login has the name %q after %q, and the id %q after %q", again, first, n.Chat.ID, m.Chat.ID)
	}
	w.srv.Kick(1102)
	w.await(LoginLost)
	w.await(LoginConfirmed)
	anew, o := login()
	if anew == first || anew == "" || o.Chat.ID == m.Chat.ID {
		t.Errorf("a scan has the name %q after %q, and the id %q after %q", anew, first, o.Chat.ID, m.Chat.ID)
	}
	if m.Chat.Key == "" || n.Chat.Key != m.Chat.Key || o.Chat.Key != m.Chat.Key {
		t.Errorf("keys %q, %q, %q", m.Chat.Key, n.Chat.Key, o.Chat.Key)
	}
}
