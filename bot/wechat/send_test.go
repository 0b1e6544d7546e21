package wechat

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/gate"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/troubleshoot"
)

func TestSendFailures(t *testing.T) {
	for name, test := range map[string]struct {
		failure simwechat.Failure
		want    troubleshoot.Fault // Ret, Status, Net, Code
	}{
		"too often":       {simwechat.Failure{Ret: 1205}, troubleshoot.Fault{Ret: 1205}},
		"not a friend":    {simwechat.Failure{Ret: 1204}, troubleshoot.Fault{Ret: 1204}},
		"logged out":      {simwechat.Failure{Ret: 1101}, troubleshoot.Fault{Ret: 1101}},
		"system":          {simwechat.Failure{Ret: -1}, troubleshoot.Fault{Ret: -1}},
		"502":             {simwechat.HTML(502), troubleshoot.Fault{Status: 502, Code: bot.MaybeSent}},
		"reset":           {simwechat.Failure{Reset: true}, troubleshoot.Fault{Code: bot.MaybeSent}},
		"answer lost":     {simwechat.Failure{LoseAnswer: true}, troubleshoot.Fault{Code: bot.MaybeSent}},
		"answer cut":      {simwechat.Failure{CutBody: true}, troubleshoot.Fault{Code: bot.MaybeSent}},
		"answer empty":    {simwechat.Failure{Body: "{}"}, troubleshoot.Fault{Net: troubleshoot.NetDecode, Code: bot.MaybeSent}},
		"answer html 200": {simwechat.Failure{Body: "<html>"}, troubleshoot.Fault{Net: troubleshoot.NetDecode, Code: bot.MaybeSent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simwechat.Options{}, nil)
			alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
			w.start(true)
			w.srv.Fail("webwxsendmsg", test.failure, 1)
			before := w.srv.Count("webwxsendmsg")
			f := fault(t, send(w.ctx, w.c, alice, "once"))
			if f.Source != troubleshoot.SourceWeChat || f.Phase != troubleshoot.PhaseSend {
				t.Errorf("fault %v", f)
			}
			if f.Ret != test.want.Ret || f.Status != test.want.Status || f.Code != test.want.Code {
				t.Errorf("fault %v, want %v", f, &test.want)
			}
			if test.want.Net != "" && f.Net != test.want.Net {
				t.Errorf("net %q, want %q", f.Net, test.want.Net)
			}
			if n := w.srv.Count("webwxsendmsg") - before; n != 1 {
				t.Errorf("sent %d times", n)
			}
			if err := send(w.ctx, w.c, alice, "again"); err != nil {
				t.Errorf("next message: %v", err)
			}
		})
	}
}

func TestSendDeadline(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
	w.start(true)
	w.srv.Fail("webwxsendmsg", simwechat.Failure{Hang: true}, 1)
	ctx, cancel := context.WithCancel(w.ctx)
	var giveUp sync.WaitGroup
	giveUp.Go(func() {
		if err := w.srv.WaitCount(w.ctx, "webwxsendmsg", 1); err != nil {
			t.Error(err)
		}
		cancel()
	})
	if f := fault(t, send(ctx, w.c, alice, "x")); f.Code != bot.MaybeSent {
		t.Errorf("fault %v", f)
	}
	giveUp.Wait()
	expired, cancel := context.WithDeadline(w.ctx, time.Now())
	defer cancel()
	if f := fault(t, send(expired, w.c, alice, "x")); f.Net != troubleshoot.NetTimeout || f.Code == bot.MaybeSent {
		t.Errorf("fault %v", f)
	}
	ctx, cancel = context.WithCancel(w.ctx)
	cancel()
	if f := fault(t, send(ctx, w.c, alice, "x")); f.Code == bot.MaybeSent {
		t.Errorf("fault %v for what never went out", f)
	}
}

// TestSendBeforeAnythingIsWritten fails dials: those are tried again.
func TestSendBeforeAnythingIsWritten(t *testing.T) {
	var fails atomic.Int32
	w := newWorld(t, simwechat.Options{}, nil)
	inner := w.srv.Transport()
	dial := inner.DialContext
	inner.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == "wx.qq.com:443" && fails.Add(-1) >= 0 {
			return nil, &net.DNSError{Err: "no such host", Name: addr}
		}
		return dial(ctx, network, addr)
	}
	inner.DisableKeepAlives = true
	w.build(inner, nil)
	alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
	w.start(true)
	if err := w.srv.WaitCount(w.ctx, "webwxgetcontact", 1); err != nil {
		t.Fatal(err)
	}
	fails.Store(2)
	if err := send(w.ctx, w.c, alice, "after two failed dials"); err != nil {
		t.Fatal(err)
	}
	fails.Store(100)
	if f := fault(t, send(w.ctx, w.c, alice, "never")); f.Net != troubleshoot.NetDNS || f.Code != "" {
		t.Errorf("fault %v", f)
	}
	fails.Store(0)
	sent, err := w.srv.WaitSent(w.ctx, 1)
	if err != nil || len(sent) != 1 {
		t.Errorf("sent %v, %v", sent, err)
	}
}

func TestSendChecksText(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
	w.start(true)
	for _, text := range []string{"", " \n", strings.Repeat("x", partRunes+1), strings.Repeat("𠀀", partBytes/4+1)} {
		if f := fault(t, send(w.ctx, w.c, alice, text)); f.Source != troubleshoot.SourceBot {
			t.Errorf("%d bytes: %v", len(text), f)
		}
	}
	if err := send(w.ctx, w.c, alice, "broken \xff\x00 text\r\n"); err != nil {
		t.Fatal(err)
	}
	sent, err := w.srv.WaitSent(w.ctx, 1)
	if err != nil || sent[0].Text != "broken \ufffd text" {
		t.Errorf("sent %+v, %v", sent, err)
	}
}

// TestSendWhileEverythingMoves sends from many goroutines through messages,
// hot logins and the end.
func TestSendWhileEverythingMoves(t *testing.T) {
	w := newWorld(t, simwechat.Options{RenewCookies: true}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	group := w.srv.AddGroup(simwechat.Group{Name: "G", Saved: true, Members: []simwechat.Member{{UserName: alice}}})
	w.start(true)
	var senders sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_ = send(w.ctx, w.c, bot.Chat{ID: alice}, "hi") // may fail while logged out, must not panic
			}
		})
	}
	for range 20 {
		w.srv.Say(alice, "x")
		w.srv.SayIn(group, alice, "@小诊 y")
		w.hear()
		w.hear()
	}
	w.srv.Kick(1101)
	w.await(LoginLost)
	w.await(LoginConfirmed)
	w.stop()
	close(stop)
	senders.Wait()
}

func TestNothingSecretIsLogged(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := w.srv.AddFriend(simwechat.Person{Nick: "Alice"})
	w.start(true)
	w.silent(alice)
	for _, endpoint := range []string{"synccheck", "webwxsync", "webwxsendmsg", "webwxbatchgetcontact"} {
		for _, f := range []simwechat.Failure{{Reset: true}, simwechat.HTML(502), {Ret: 1205}, {Body: "{"}} {
			w.srv.Fail(endpoint, f, 1)
		}
	}
	for range 6 {
		_ = send(w.ctx, w.c, bot.Chat{ID: alice}, "private words")
	}
	w.silent(alice)
	w.stop()
	d, err := readDocument(w.session.b)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{d.LoginInfo.SKey, d.LoginInfo.WxSid, d.LoginInfo.PassTicket, "private words", "marker", "skey=", "pass_ticket="}
	for _, c := range d.cookies() {
		if len(c.Value) > 6 {
			secrets = append(secrets, c.Value)
		}
	}
	for _, s := range secrets {
		if strings.Contains(w.logs.String(), s) {
			t.Errorf("the log has %q", s)
		}
	}
}

func TestOwnTransport(t *testing.T) {
	tr := newTransport(nil)
	if tr.Proxy == nil || tr.MaxIdleConnsPerHost < 100 || tr.ResponseHeaderTimeout <= holdTime {
		t.Errorf("transport %+v", tr)
	}
	if tr.TLSClientConfig != nil && (tr.TLSClientConfig.RootCAs != nil || tr.TLSClientConfig.InsecureSkipVerify) {
		t.Error("certificates are not the system's")
	}
	if _, ok := New(Options{}).transport.(*http.Transport); !ok {
		t.Error("no transport of our own")
	}
}

// TestNotOwner keeps what would be said in another process's account at the socket.
func TestNotOwner(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	owned := true
	own := New(Options{Owns: func() bool { return owned }}).transport.(*http.Transport)
	c, err := own.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Error(err)
	}
	owned = false
	if _, err := c.Write([]byte("hello")); !errors.Is(err, gate.ErrClosed) {
		t.Errorf("written: %v", err)
	}
}

func TestTraits(t *testing.T) {
	var c bot.Channel = New(Options{})
	if got := c.Traits(); !got.Groups || got.StableIDs || got.PartRunes != 1800 || got.PartBytes != 6000 {
		t.Errorf("traits %+v", got)
	}
}

// TestDoubtfulMessageKeepsItsID says again what may have arrived: once more
// under the same id, and then under another.
func TestDoubtfulMessageKeepsItsID(t *testing.T) {
	w := newWorld(t, simwechat.Options{}, nil)
	alice := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Alice"})}
	bob := bot.Chat{ID: w.srv.AddFriend(simwechat.Person{Nick: "Bob"})}
	w.start(true)
	w.srv.Fail("webwxsendmsg", simwechat.Failure{LoseAnswer: true}, 1)
	if f := fault(t, w.c.Send(w.ctx, bot.Part{To: alice, Text: "hi", ID: 1})); f.Code != bot.MaybeSent {
		t.Fatalf("fault %v", f)
	}
	for _, p := range []bot.Part{{To: bob, Text: "hi", ID: 2}, {To: alice, Text: "hi", ID: 1}, {To: alice, Text: "hi", ID: 3}} {
		if err := w.c.Send(w.ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	var resent []bool
	for _, s := range w.srv.Sent() {
		resent = append(resent, s.Resent)
	}
	if want := []bool{false, false, true, false}; !slices.Equal(resent, want) {
		t.Errorf("resent %v, want %v", resent, want)
	}
}
