package simwechat_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/internal/simwechat"
)

func TestFailuresOfACall(t *testing.T) {
	var syntax *json.SyntaxError
	cases := map[string]struct {
		failure simwechat.Failure
		want    func(error) bool
	}{
		"throttled": {simwechat.Failure{Ret: 1205}, func(err error) bool { return isRet(err, 1205) }},
		"page":      {simwechat.HTML(502), func(err error) bool { return errors.As(err, &syntax) }},
		"empty":     {simwechat.Failure{Status: 200}, func(err error) bool { return errors.Is(err, io.EOF) }},
		"malformed": {simwechat.Failure{Body: `{"BaseResponse":`}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"cut":       {simwechat.Failure{CutBody: true}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"reset":     {simwechat.Failure{Reset: true}, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		"lost":      {simwechat.Failure{LoseAnswer: true}, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		"slow":      {simwechat.Failure{Delay: time.Millisecond}, func(err error) bool { return err == nil }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := start(t, simwechat.Options{})
			bot, _ := quiet(t, s)
			s.Fail("webwxsendmsg", c.failure, 1)
			if err := bot.send(s, "filehelper", "x"); !c.want(err) {
				t.Errorf("got %v", err)
			}
			if err := bot.send(s, "filehelper", "x"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestHangEndsWithHeal(t *testing.T) {
	s := start(t, simwechat.Options{})
	c, _ := quiet(t, s)
	s.Fail(simwechat.AnyEndpoint, simwechat.Failure{Hang: true}, -1)
	failed := make(chan error, 1)
	go func() { failed <- c.send(s, "filehelper", "x") }()
	if err := s.WaitCount(within(t), "webwxsendmsg", 1); err != nil {
		t.Fatal(err)
	}
	s.Heal()
	if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	if err := c.send(s, "filehelper", "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestStalledAnswerEndsWithTheClient(t *testing.T) {
	s := start(t, simwechat.Options{})
	c, began := quiet(t, s)
	s.SayFromPhone("filehelper", "news, so that no poll is held")
	s.Fail("synccheck", simwechat.Failure{Stall: true}, 2)
	for _, leave := range []bool{true, false} {
		polls := s.Count("synccheck")
		ctx, cancel := context.WithCancel(within(t))
		failed := make(chan error, 1)
		go func() {
			_, err := c.check(ctx, began.SyncKey)
			failed <- err
		}()
		if err := s.WaitCount(ctx, "synccheck", polls+1); err != nil {
			t.Fatal(err)
		}
		if leave {
			cancel()
		} else {
			s.Heal()
		}
		if err := <-failed; err == nil {
			t.Error("the answer came whole")
		}
		cancel()
	}
}

func TestHeldPollMeetsTheFailure(t *testing.T) {
	s := start(t, simwechat.Options{}) // polls are held for 25 s
	c := login(t, s)
	if err := s.WaitCount(within(t), "synccheck", 2); err != nil {
		t.Fatal(err)
	}
	s.Fail("synccheck", simwechat.Failure{Ret: 1205}, 1)
	if err := c.end(t); !isRet(err, 1205) {
		t.Errorf("ended with %v", err)
	}
}

func TestFailuresSpeakTheEndpointsForm(t *testing.T) {
	s := start(t, simwechat.Options{})
	fail := func(endpoint string, f simwechat.Failure) error {
		s.Fail(endpoint, f, 1)
		return newClient(t, s).Login()
	}
	if err := fail("jslogin", simwechat.Failure{Ret: 400}); err == nil {
		t.Error("jslogin: no error")
	}
	if err := fail("login", simwechat.Failure{Ret: 400}); !errors.Is(err, openwechat.ErrLoginTimeout) {
		t.Error("login:", err)
	}
	if err := fail("webwxnewloginpage", simwechat.Failure{Ret: 1203, ErrMsg: "不行"}); err == nil || err.Error() != "不行" {
		t.Error("login page:", err)
	}
	if err := fail("webwxinit", simwechat.Failure{Ret: 1101}); !isRet(err, 1101) {
		t.Error("webwxinit:", err)
	}
	if err := fail("webwxstatusnotify", simwechat.Failure{Ret: -1}); !isRet(err, -1) {
		t.Error("webwxstatusnotify:", err)
	}
	c, began := quiet(t, s)
	s.Fail("webwxsync", simwechat.Failure{Ret: 1205, ErrMsg: "slow down"}, 1)
	if r := c.syncFrom(t, began.SyncKey); r.BaseResponse.Ret != 1205 || r.SyncKey == nil {
		t.Errorf("webwxsync: %+v", r)
	}
	s.Fail("synccheck", simwechat.Failure{Selector: "7"}, 1)
	if r, err := c.check(t.Context(), began.SyncKey); err != nil || r.RetCode != "0" || r.Selector != "7" {
		t.Errorf("synccheck: %+v, %v", r, err)
	}
	s.Fail("webwxpushloginurl", simwechat.Failure{Ret: 1, ErrMsg: "need scan"}, 1)
	r, err := c.Caller.WebWxPushLogin(t.Context(), c.Storage.LoginInfo.WxUin)
	if err != nil || r.Ok() || !strings.Contains(r.Msg, "scan") {
		t.Errorf("push login: %+v, %v", r, err)
	}
}

func TestCutSyncLosesNothing(t *testing.T) {
	s := start(t, simwechat.Options{})
	alice := s.AddFriend(simwechat.Person{Nick: "alice"})
	c, began := quiet(t, s)
	s.Say(alice, "hi")
	s.Fail("webwxsync", simwechat.Failure{CutBody: true}, 1)
	_, err := c.Caller.WebWxSync(t.Context(), &openwechat.CallerWebWxSyncOptions{
		BaseRequest: c.Storage.Request, LoginInfo: c.Storage.LoginInfo,
		WebInitResponse: &openwechat.WebInitResponse{SyncKey: began.SyncKey},
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
	if got := texts(c.syncFrom(t, began.SyncKey)); len(got) != 1 {
		t.Errorf("then %v", got)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	s := start(t, simwechat.Options{ScanDelay: -1})
	c := newClient(t, s)
	failed := make(chan error, 2)
	go func() { failed <- c.Login() }()
	if err := s.WaitCount(within(t), "login", 1); err != nil {
		t.Fatal(err)
	}
	go func() { failed <- s.WaitLogin(context.Background()) }()
	_ = s.Close()
	_ = s.Close()
	for range 2 {
		if err := <-failed; err == nil {
			t.Error("went on after Close")
		}
	}
}

func TestOnlyLoopback(t *testing.T) {
	if s, err := simwechat.Start(simwechat.Options{Listen: "0.0.0.0:0"}); err == nil {
		_ = s.Close()
		t.Error("listens on every interface")
	}
}
