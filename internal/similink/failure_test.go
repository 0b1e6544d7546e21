package similink_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

func TestFailuresOfACall(t *testing.T) {
	var syntax *json.SyntaxError
	clean := func(err error) bool { return err == nil }
	cases := map[string]struct {
		failure similink.Failure
		want    func(error) bool
		ret     int // -1: no ret
		errcode int
		carried bool // the message was sent
	}{
		"gateway":   {failure: similink.Failure{Status: 524}, want: func(err error) bool { return err != nil && strings.Contains(err.Error(), "524") }},
		"page":      {failure: similink.Failure{Body: similink.HTML(200).Body}, want: func(err error) bool { return errors.As(err, &syntax) }},
		"malformed": {failure: similink.Failure{Body: `{"ret":0,"mess`}, want: func(err error) bool { return err != nil }},
		"reset":     {failure: similink.Failure{Reset: true}, want: func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		"lost":      {failure: similink.Failure{LoseAnswer: true}, want: func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }, carried: true},
		"cut":       {failure: similink.Failure{CutBody: true}, want: func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }, carried: true},
		"slow":      {failure: similink.Failure{Delay: time.Millisecond}, want: clean, carried: true},
		"ret":       {failure: similink.Failure{Ret: -2, ErrMsg: "rate limited"}, want: clean, ret: -2},
		"errcode":   {failure: similink.Failure{Errcode: -14}, want: clean, ret: -1, errcode: -14},
		"both":      {failure: similink.Failure{Ret: -1, Errcode: -3}, want: clean, ret: -1, errcode: -3},
		"odd":       {failure: similink.Failure{Body: `{"ret":0,"errcode":-14}`}, want: clean, errcode: -14},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, bot, m := ready(t, similink.Options{})
			s.Fail("sendmessage", c.failure, 1)
			out, err := bot.try(t.Context(), "sendmessage", bot.text(m.From, m.Token, "x"))
			if !c.want(err) || out.Errcode != c.errcode || out.ErrMsg != c.failure.ErrMsg {
				t.Errorf("%+v, %v", out, err)
			}
			if withRet := name == "ret" || name == "both"; withRet && (out.Ret == nil || *out.Ret != c.ret) || name == "errcode" && out.Ret != nil {
				t.Errorf("ret %v", out.Ret)
			}
			if (len(s.Sent()) == 1) != c.carried {
				t.Errorf("%d were sent", len(s.Sent()))
			}
			if out := bot.answer(m, "afterwards"); out.code() != 0 {
				t.Errorf("afterwards: %+v", out)
			}
		})
	}
}

func TestFailuresComeInOrder(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	s.Fail("notifystart", similink.Failure{Ret: -1}, 2)
	s.Fail("notifystart", similink.Failure{Ret: -2}, 1)
	s.Fail(similink.AnyEndpoint, similink.Failure{Ret: -3}, -1)
	s.Fail("notifystart", similink.Failure{Ret: -9}, 0)
	for i, want := range []int{-1, -1, -2, -3, -3} {
		if out := c.call("msg/notifystart", nil); out.code() != want {
			t.Errorf("request %d: %+v", i, out)
		}
	}
	s.Heal()
	if out := c.call("msg/notifystart", nil); out.code() != 0 {
		t.Errorf("healed: %+v", out)
	}
}

func TestHeldPollsMeetTheFailure(t *testing.T) {
	s := start(t, similink.Options{ScanDelay: -1}) // polls are held for 25 s
	c := newClient(t, s)
	code := c.qr()
	asked := make(chan said, 1)
	go func() {
		out, _ := c.do(within(t), http.MethodGet, "get_qrcode_status?qrcode="+code, nil)
		asked <- out
	}()
	if err := s.WaitCount(within(t), "get_qrcode_status", 1); err != nil {
		t.Fatal(err)
	}
	s.Fail("get_qrcode_status", similink.Failure{Status: 524}, 1)
	if out := <-asked; out.Status != "wait" {
		t.Errorf("%+v", out)
	}
	if _, err := c.do(t.Context(), http.MethodGet, "get_qrcode_status?qrcode="+code, nil); err == nil {
		t.Error("no failure")
	}
	s.Scan()
	_, out := c.statuses(code)
	c.token = out.Token
	held := c.held()
	s.Fail("getupdates", similink.Failure{Errcode: -14}, 1)
	if out := <-held; out.code() != 0 {
		t.Errorf("%+v", out)
	}
	if out := c.poll(); !out.over() || !s.LoggedIn() {
		t.Errorf("%+v", out)
	}
}

func TestHangEndsWithHeal(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	for _, failure := range []similink.Failure{{Hang: true}, {Stall: true}} {
		s.Fail("notifystart", failure, 2)
		for _, leave := range []bool{true, false} {
			ctx, cancel := context.WithCancel(within(t))
			requests := s.Count("notifystart")
			failed := make(chan error, 1)
			go func() {
				_, err := c.try(ctx, "msg/notifystart", nil)
				failed <- err
			}()
			if err := s.WaitCount(ctx, "notifystart", requests+1); err != nil {
				t.Fatal(err)
			}
			if leave {
				cancel()
			} else {
				s.Heal()
			}
			if err := <-failed; err == nil {
				t.Errorf("%+v: answered", failure)
			}
			cancel()
		}
	}
	if out := c.call("msg/notifystart", nil); out.code() != 0 {
		t.Errorf("%+v", out)
	}
}

func TestDelayEndsWithTheClient(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	s.Fail("notifystart", similink.Failure{Delay: time.Hour}, 2)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := c.try(ctx, "msg/notifystart", nil)
			failed <- err
		}()
	}
	if err := s.WaitCount(within(t), "notifystart", 2); err != nil {
		t.Fatal(err)
	}
	cancel()
	for range 2 {
		if err := <-failed; err == nil {
			t.Error("answered")
		}
	}
}

func TestCloseEndsEverything(t *testing.T) {
	s := start(t, similink.Options{})
	c := login(t, s)
	held := c.held()
	failed := make(chan error, 1)
	go func() {
		_, err := s.WaitSent(context.Background(), 1)
		failed <- err
	}()
	_ = s.Close()
	_ = s.Close()
	if out := <-held; len(out.Messages) > 0 {
		t.Errorf("the poll got %+v", out)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
