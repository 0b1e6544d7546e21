package similink_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/diagbot/diagbot/internal/similink"
)

func TestHeadersAreWanted(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	for _, name := range []string{"iLink-App-Id", "iLink-App-ClientVersion", "AuthorizationType", "X-WECHAT-UIN", "Content-Type", "Authorization"} {
		before := len(s.Complaints())
		c.strip = name
		if out := c.call("getupdates", nil); out.Errcode != -14 || out.Ret != nil {
			t.Errorf("without %s: %+v", name, out)
		}
		if len(s.Complaints()) != before+1 {
			t.Errorf("%q", s.Complaints())
		}
	}
	c.strip = "iLink-App-Id"
	for _, path := range []string{"get_bot_qrcode?bot_type=3", "get_qrcode_status?qrcode=x"} {
		if out, err := c.do(t.Context(), http.MethodGet, path, nil); err != nil || !out.over() {
			t.Errorf("%s: %+v, %v", path, out, err)
		}
	}
	c.strip = ""
	if out := c.call("msg/notifystart", nil); out.code() != 0 || !s.LoggedIn() {
		t.Errorf("%+v", out)
	}
}

func TestLaxForgivesHeaders(t *testing.T) {
	s := start(t, similink.Options{Lax: true})
	c := login(t, s)
	c.strip = "iLink-App-Id"
	if out := c.call("msg/notifystart", nil); out.code() != 0 {
		t.Errorf("%+v", out)
	}
	c.token = "invented"
	if out := c.call("msg/notifystart", nil); !out.over() {
		t.Errorf("%+v", out)
	}
}

func TestComplainsOfRepeatedUin(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	c.http.Transport = sameUin{c.http.Transport}
	c.call("msg/notifystart", nil)
	c.behaved()
	c.call("msg/notifystart", nil)
	if got := s.Complaints(); len(got) != 1 || !strings.Contains(got[0], "X-WECHAT-UIN") {
		t.Errorf("%q", got)
	}
}

type sameUin struct{ http.RoundTripper }

func (s sameUin) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-WECHAT-UIN", "MTIzNDU=")
	return s.RoundTripper.RoundTrip(r)
}

func TestComplainsOfBaseInfo(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	for i, base := range []map[string]string{{}, {"channel_version": "1", "bot_agent": "小诊/1.0"}, {"channel_version": "1", "bot_agent": strings.Repeat("a", 257)}} {
		if out := c.call("msg/notifystart", map[string]any{"base_info": base}); out.code() != 0 || len(s.Complaints()) != i+1 {
			t.Errorf("%v: %+v, %q", base, out, s.Complaints())
		}
	}
}

func TestKick(t *testing.T) {
	for _, form := range []bool{false, true} {
		s := start(t, similink.Options{Assume: similink.Assume{RetForm: form}})
		c := login(t, s)
		held := c.held()
		s.Kick()
		if out := <-held; !out.over() || (out.Ret != nil) != form || out.ErrMsg != "session timeout" {
			t.Errorf("the held poll got %+v", out)
		}
		for _, endpoint := range []string{"getupdates", "sendmessage", "getconfig", "sendtyping", "getuploadurl", "msg/notifystart", "msg/notifystop"} {
			if out := c.call(endpoint, nil); !out.over() {
				t.Errorf("%s: %+v", endpoint, out)
			}
		}
		if s.LoggedIn() {
			t.Error("still logged in")
		}
		c.behaved() // it could not know
	}
}

func TestRevive(t *testing.T) {
	s := start(t, similink.Options{Revive: true})
	c := login(t, s)
	s.Kick()
	if out := c.poll(); !out.over() {
		t.Errorf("%+v", out)
	}
	if out := c.call("msg/notifystart", nil); out.code() != 0 || !s.LoggedIn() {
		t.Errorf("%+v", out)
	}
	if m := c.hear(s.Owner(), "hi"); c.answer(m, "back").code() != 0 {
		t.Error("not revived")
	}
}

func TestRequestsAreKept(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	c.call("msg/notifystart", nil)
	all := s.Requests()
	last := all[len(all)-1]
	if last.Endpoint != "notifystart" || last.Host != similink.APIHost || last.Header.Get("Authorization") != "Bearer "+c.token || !strings.Contains(string(last.Body), "Test/1.0") {
		t.Errorf("%+v", last)
	}
	if first := all[0]; first.Query.Get("bot_type") != "3" || s.Count("get_bot_qrcode") != 1 {
		t.Errorf("%+v", first)
	}
}

func TestUnknownPlaces(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	for url, want := range map[string]string{
		"https://" + similink.APIHost + "/":                     "status 404",
		"https://" + similink.CDNHost + "/ilink/bot/getupdates": "status 404",
		"https://" + similink.APIHost + "/c2c/download":         "status 404",
		"https://" + similink.APIHost + "/ilink/bot/getupdates": "status 405",
		"https://" + s.Addr() + "/c2c/download":                 "not a simulated host",
		"https://example.com/":                                  "not a simulated host",
	} {
		if _, err := c.raw(t.Context(), http.MethodGet, url, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := c.raw(t.Context(), http.MethodPost, "https://"+c.host+"/ilink/bot/sendmessage", strings.Repeat("x", 300<<10)); err == nil {
		t.Errorf("a long body: %v", err)
	}
}

func TestByAddress(t *testing.T) {
	s := start(t, similink.Options{})
	c := newClient(t, s)
	transport := s.Authority().Transport(map[string]string{s.Addr(): s.Addr()})
	t.Cleanup(transport.CloseIdleConnections)
	c.http.Transport, c.host = transport, s.Addr()
	_, out := c.statuses(c.qr())
	if out.Status != "confirmed" || out.BaseURL != "https://"+similink.APIHost {
		t.Errorf("%+v", out)
	}
	c.token = out.Token
	if out := c.call("msg/notifystart", nil); out.code() != 0 {
		t.Errorf("%+v", out)
	}
}

func TestLittleHistory(t *testing.T) {
	s := start(t, similink.Options{History: 2, Quota: 100, Batch: 100})
	c := login(t, s)
	m := c.hear(s.Owner(), "hi")
	if n := c.manage(m, 20); n != 20 {
		t.Errorf("%d were sent", n)
	}
	if n := len(s.Sent()); n < 2 || n > 4 {
		t.Errorf("%d are kept", n)
	}
	for range 20 {
		s.Say(s.Owner(), "x")
	}
	if n := len(c.poll().Messages); n < 2 || n > 4 {
		t.Errorf("%d came", n)
	}
	if s.Redeliver(m.ID.String()) {
		t.Error("a forgotten message was redelivered")
	}
}

func TestOnlyLoopback(t *testing.T) {
	if s, err := similink.Start(similink.Options{Listen: "0.0.0.0:0"}); err == nil {
		_ = s.Close()
		t.Error("listens on every interface")
	}
}
