package simwechat_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/internal/simwechat"
)

func TestHotLoginKeepsNamesScanLoginDoesNot(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	store := &storage{}
	first := newClient(t, s)
	if err := first.HotLogin(store, openwechat.NewRetryLoginOption()); err != nil {
		t.Fatal("first:", err)
	}
	s.Say(alice, "one")
	first.next(t)
	first.stop()
	s.Say(alice, "two")

	second := newClient(t, s)
	if err := second.HotLogin(store.again(t)); err != nil {
		t.Fatal("hot login:", err)
	}
	if m := second.next(t); m.Content != "two" || m.FromUserName != alice {
		t.Errorf("after hot login: %q from %s", m.Content, m.FromUserName)
	}
	second.stop()

	third := login(t, s)
	s.Say(alice, "three")
	m := third.next(t)
	if m.Content != "three" || m.FromUserName == alice || m.FromUserName != s.UserName(alice) {
		t.Errorf("after scan: %q from %s", m.Content, m.FromUserName)
	}
	if err := third.send(s, m.FromUserName, "ok"); err != nil {
		t.Fatal(err)
	}
	sent, _ := s.WaitSent(within(t), 1)
	if sent[0].To != alice {
		t.Errorf("sent to %s, want the handle %s", sent[0].To, alice)
	}
}

func TestStockHotLoginLosesItsCookies(t *testing.T) {
	for _, lax := range []bool{false, true} {
		s := start(t, simwechat.Options{Lax: lax})
		alice := s.AddFriend(simwechat.Person{Nick: "alice"})
		store := &storage{}
		first := newClient(t, s)
		if err := first.HotLogin(store, openwechat.NewRetryLoginOption()); err != nil {
			t.Fatal(err)
		}
		s.Say(alice, "one")
		first.next(t)
		first.stop()
		second := newClient(t, s)
		if err := second.HotLogin(&storage{last: store.last}); err != nil {
			t.Fatal("hot login:", err)
		}
		if lax {
			s.Say(alice, "two")
			second.next(t)
			continue
		}
		if err := second.end(t); !isRet(err, 1102) {
			t.Errorf("ended with %v, want 1102", err)
		}
	}
}

func TestLoginSaysScannedThenConfirmed(t *testing.T) {
	s := start(t, simwechat.Options{ScanDelay: -1})
	c := newClient(t, s)
	scanned := make(chan struct{}, 1)
	c.UUIDCallback = func(string) { s.ScanOnly() }
	c.ScanCallBack = func(openwechat.CheckLoginResponse) {
		scanned <- struct{}{}
		s.Scan()
	}
	if err := c.Login(); err != nil {
		t.Fatal(err)
	}
	<-scanned
	if n := s.Count("login"); n != 2 {
		t.Errorf("%d polls, want 2", n)
	}
}

func TestUnscannedCodeIsPolledThenExpires(t *testing.T) {
	s := start(t, simwechat.Options{ScanDelay: -1, Hold: time.Millisecond})
	c := newClient(t, s)
	failed := make(chan error, 1)
	go func() { failed <- c.Login() }()
	if err := s.WaitCount(within(t), "login", 3); err != nil { // 408 is said and polled on
		t.Fatal(err)
	}
	s.ExpireQR(1)
	if err := <-failed; !errors.Is(err, openwechat.ErrLoginTimeout) {
		t.Errorf("login: %v", err)
	}
}

func TestCodeExpiresByItself(t *testing.T) {
	s := start(t, simwechat.Options{ScanDelay: -1, QRLife: time.Millisecond})
	if err := newClient(t, s).Login(); !errors.Is(err, openwechat.ErrLoginTimeout) {
		t.Errorf("login: %v", err)
	}
}

func TestExpireQR(t *testing.T) {
	s := start(t, simwechat.Options{})
	s.ExpireQR(2)
	for i := range 3 {
		err := newClient(t, s).Login()
		if expired := errors.Is(err, openwechat.ErrLoginTimeout); expired != (i < 2) {
			t.Errorf("login %d: %v", i, err)
		}
	}
}

func TestRefusedLogins(t *testing.T) {
	s := start(t, simwechat.Options{RefuseNormal: true})
	normal := newClient(t, s)
	openwechat.Normal.Prepare(normal.Bot)
	if err := normal.Login(); err == nil || !strings.Contains(err.Error(), "不能登录网页微信") {
		t.Errorf("normal mode: %v", err)
	}
	s.RefuseLogin(1203, "当前登录环境异常")
	if err := newClient(t, s).Login(); err == nil || err.Error() != "当前登录环境异常" {
		t.Errorf("refused: %v", err)
	}
	s.RefuseLogin(1102, "")
	banned := login(t, s)
	if err := banned.end(t); !isRet(err, 1102) {
		t.Errorf("ended with %v", err)
	}
	if s.LoggedIn() {
		t.Error("still logged in")
	}
	s.RefuseLogin(0, "")
	login(t, s)
}

func TestKicks(t *testing.T) {
	for _, ret := range []int{1100, 1101, 1102} {
		s := start(t, simwechat.Options{})
		store := &storage{}
		c := newClient(t, s)
		if err := c.HotLogin(store, openwechat.NewRetryLoginOption()); err != nil {
			t.Fatal(err)
		}
		if err := s.WaitCount(within(t), "synccheck", 1); err != nil {
			t.Fatal(err)
		}
		s.Kick(ret)
		if err := c.end(t); !isRet(err, ret) {
			t.Errorf("kick %d: ended with %v", ret, err)
		}
		if err := newClient(t, s).HotLogin(store.again(t)); err == nil {
			t.Errorf("kick %d: hot login went through", ret)
		}
		fresh := login(t, s)
		if err := fresh.send(s, "filehelper", "back"); err != nil {
			t.Error(err)
		}
	}
}

func TestSecondLoginEndsTheFirst(t *testing.T) {
	s := start(t, simwechat.Options{})
	first := login(t, s)
	login(t, s)
	if err := first.end(t); !isRet(err, 1101) {
		t.Errorf("ended with %v", err)
	}
}

func TestPushLogin(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	store := &storage{}
	c := newClient(t, s)
	if err := c.HotLogin(store, openwechat.NewRetryLoginOption()); err != nil {
		t.Fatal(err)
	}
	s.Kick(1100)
	c.end(t)
	again := newClient(t, s)
	if err := again.PushLogin(store.again(t)); err != nil {
		t.Fatal("push login:", err)
	}
	s.Say(alice, "hi")
	if m := again.next(t); m.FromUserName == alice {
		t.Error("UserName survived a push login")
	}
	stranger := store.again(t)
	stranger.last = bytes.ReplaceAll(stranger.last, []byte(`"WxUin":`), []byte(`"WxUin":1`))
	if err := newClient(t, s).PushLogin(stranger); err == nil {
		t.Error("a strange uin may log in")
	}
}

func TestLogout(t *testing.T) {
	s := start(t, simwechat.Options{})
	c := login(t, s)
	if err := c.Caller.Logout(t.Context(), c.Storage.LoginInfo); err != nil {
		t.Fatal(err)
	}
	if err := c.end(t); !isRet(err, 1101) {
		t.Errorf("ended with %v", err)
	}
}

func TestQRPicture(t *testing.T) {
	s := start(t, simwechat.Options{})
	c := newClient(t, s)
	resp, err := c.Caller.Client.GetLoginQrcode(t.Context(), "abc==")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "image/png" || resp.StatusCode != 200 {
		t.Errorf("%s %s", resp.Status, got)
	}
}

// isRet tells whether err is a code of the protocol.
func isRet(err error, ret int) bool {
	var r openwechat.Ret
	return errors.As(err, &r) && int(r) == ret
}

// end waits until the bot gave up and returns why.
func (c *client) end(t *testing.T) error {
	t.Helper()
	select {
	case <-c.Context().Done():
		return c.CrashReason()
	case <-within(t).Done():
		t.Fatal("the bot goes on")
		return nil
	}
}
