package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// canned answers every call with the same body.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: make(http.Header), Body: io.NopCloser(bytes.NewReader(c))}, nil
}

// tapped returns openwechat's caller over a tap over canned answers.
func tapped(t testing.TB, body []byte) (*openwechat.Caller, *link) {
	t.Helper()
	c := New(Options{Transport: canned(body)})
	c.opt.firstPause, c.opt.lastPause = 1, 1
	l := c.newLink(t.Context(), deaf{})
	l.dir = knownDirectory()
	l.tap.polls.SetLimit(1e9)
	l.tap.checks.SetLimit(1e9)
	l.tap.before, l.tap.opened = func() error { return nil }, func(*initAnswer, *http.Request) {}
	l.bot.Caller.Client.Domain = "wx.qq.com"
	l.bot.Storage.LoginInfo, l.bot.Storage.Request = &openwechat.LoginInfo{}, &openwechat.BaseRequest{}
	t.Cleanup(func() { l.stop(); l.bot.Exit() })
	return l.bot.Caller, l
}

// FuzzTap gives any body as the answer to each call, and does with what comes
// through what openwechat's own goroutines do with it. Those must not panic,
// for nobody could recover them.
func FuzzTap(f *testing.F) {
	for _, seed := range []string{
		`{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]},"User":{"UserName":"@me"},"AddMsgList":[{"MsgId":"1","MsgType":1,"FromUserName":"@alice","Content":"x"},null,5]}`,
		`{"BaseResponse":{"Ret":0},"SyncKey":{"Count":0,"List":[{"Key":1,"Val":1}]}}`,
		`{"BaseResponse":{"Ret":1101},"SyncKey":null}`,
		`window.synccheck={retcode:"0",selector:"2"}`,
		`window.code=200;window.redirect_uri="https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=x"`,
		`window.QRLogin.code = 200; window.QRLogin.uuid = "abc==";`,
		`<error><ret>0</ret><skey>k</skey><wxsid>s</wxsid><wxuin>1</wxuin><pass_ticket>p</pass_ticket></error>`,
		`{}`, `null`, ``, `<html>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		caller, l := tapped(t, body)
		ctx, info, request := t.Context(), l.bot.Storage.LoginInfo, l.bot.Storage.Request
		if uuid, err := caller.GetLoginUUID(ctx); err == nil && strings.ContainsFunc(uuid, func(r rune) bool { return r < '!' || r > '~' }) {
			t.Fatalf("uuid %q", uuid)
		}
		l.tap.misses = maxMisses
		if resp, err := caller.CheckLogin(ctx, "u", "0"); err == nil {
			if u, err := resp.RedirectURL(); err == nil && !known(u) {
				t.Fatalf("led to %s", u)
			}
		}
		init, err := caller.WebInit(ctx, request)
		if err == nil {
			if init.User == nil || init.User.UserName == "" || init.SyncKey == nil {
				t.Fatalf("init %+v", init)
			}
			check(t, caller, info, request, init)
		}
		sync, err := caller.WebWxSync(ctx, &openwechat.CallerWebWxSyncOptions{BaseRequest: request, LoginInfo: info, WebInitResponse: &openwechat.WebInitResponse{}})
		if err == nil {
			if sync.SyncKey == nil || len(sync.AddMsgList) > 0 {
				t.Fatalf("sync %+v", sync)
			}
			check(t, caller, info, request, &openwechat.WebInitResponse{SyncKey: sync.SyncKey})
		}
		if _, err := caller.WebWxSendMsg(ctx, &openwechat.CallerWebWxSendMsgOptions{LoginInfo: info, BaseRequest: request, Message: openwechat.NewTextSendMessage("x", "@me", "@a")}); err == nil && !json.Valid(body) {
			t.Fatal("a message was taken for sent")
		}
		if contacts, err := l.fetchOf(caller, body); err == nil {
			l.dir.learn(contacts...)
		}
	})
}

// fetchOf fetches contacts without a sender.
func (l *link) fetchOf(caller *openwechat.Caller, _ []byte) ([]rawContact, error) {
	a, err := readContacts(caller.Client.WebWxBatchGetContact(context.Background(), openwechat.Members{{UserName: "@a"}}, &openwechat.BaseRequest{}))
	return a.ContactList, err
}

func check(t *testing.T, caller *openwechat.Caller, info *openwechat.LoginInfo, request *openwechat.BaseRequest, init *openwechat.WebInitResponse) {
	t.Helper()
	_, err := caller.SyncCheck(t.Context(), &openwechat.CallerSyncCheckOptions{BaseRequest: request, LoginInfo: info, WebInitResponse: init})
	if err != nil {
		_ = faultOf(troubleshoot.PhaseSync, err)
	}
}

func FuzzSession(f *testing.F) {
	f.Add([]byte(`{"Jar":{"https://wx.qq.com":[{"Name":"wxsid","Value":"x"}]},"BaseRequest":{"Uin":1,"Sid":"s","Skey":"k","DeviceID":"e1"},"LoginInfo":{"WxUin":1,"WxSid":"s"},"WechatDomain":"wx.qq.com","SyncKey":{"Count":1,"List":[{"Key":1,"Val":2}]}}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"Jar":{"https://wx.qq.com":[null]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := readDocument(body)
		if err != nil {
			return
		}
		b := openwechat.NewBot(t.Context())
		b.Caller.Client.HTTPClient().Transport = canned(`{`)
		b.Caller.Client.MaxRetryTimes = 1
		if err := b.HotLogin(newStorage(d)); err == nil {
			t.Fatal("logged in to nothing")
		}
		b.Exit()
		if len(b.Caller.Client.Jar().Cookies(mustURL(d.host()))) == 0 {
			t.Fatalf("no cookies in %s", body)
		}
	})
}

func TestTapRefusesOtherHosts(t *testing.T) {
	for _, u := range []string{"http://wx.qq.com/x", "https://evil.example/", "https://wx.qq.com.evil.example/", "https://wx.qq.com:8443/", "https://qq.com/", "https://u:p@wx.qq.com/"} {
		tap := newTap(t.Context(), canned("{}"), slog.New(slog.DiscardHandler), 1)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tap.RoundTrip(r); err == nil || fault(t, err).Net != troubleshoot.NetConfig {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestTapBoundsAnswers(t *testing.T) {
	caller, _ := tapped(t, bytes.Repeat([]byte(" "), smallAnswer+1))
	if _, err := caller.GetLoginUUID(t.Context()); err == nil {
		t.Error("an answer over the limit was taken")
	}
}

func TestTapSurvivesItself(t *testing.T) {
	caller, l := tapped(t, []byte(`{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]}}`))
	l.tap.synced = func(*syncAnswer) (bool, error) { panic("bug") }
	_, err := caller.WebWxSync(t.Context(), &openwechat.CallerWebWxSyncOptions{BaseRequest: l.bot.Storage.Request, LoginInfo: l.bot.Storage.LoginInfo, WebInitResponse: &openwechat.WebInitResponse{}})
	if err == nil || faultOf(troubleshoot.PhaseSync, err).Source != troubleshoot.SourceWeChat {
		t.Errorf("error %v", err)
	}
}

func TestSeenIsBounded(t *testing.T) {
	s := newSeen(3)
	for _, id := range []string{"a", "b", "b", "c", "d"} {
		s.add(id)
	}
	if s.has("a") || !s.has("b") || !s.has("d") || len(s.ids) != 3 {
		t.Errorf("seen %+v", s)
	}
}

func TestSaverKeepsTheNewest(t *testing.T) {
	m := &memory{}
	s := newSaver(m, slog.New(slog.DiscardHandler))
	for _, b := range []string{"1", "2", "3"} {
		s.put([]byte(b))
	}
	s.close()
	s.close()
	if string(m.b) != "3" {
		t.Errorf("saved %q", m.b)
	}
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// deaf takes everything.
type deaf struct{}

func (deaf) LoggedIn(context.Context, string) error { return nil }

func (deaf) Hear(context.Context, []bot.Message) error { return nil }
