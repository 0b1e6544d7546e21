package ilink

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/similink"
)

func TestSessionRevived(t *testing.T) {
	w := newWorld(t, similink.Options{Revive: true}, nil)
	w.start(true)
	w.srv.Say("主人", "one")
	w.hear()
	w.srv.Kick()
	w.srv.Say("主人", "two")
	if m := w.hear(); m.Text != "two" {
		t.Errorf("heard %q", m.Text)
	}
	if n := w.srv.Count("notifystart"); n != 2 {
		t.Errorf("%d notices of the start", n)
	}
	if n := w.srv.Count("get_bot_qrcode"); n != 1 {
		t.Error("somebody had to scan")
	}
	// One that ends again soon is over, or there would be a loop.
	w.srv.Kick()
	w.await(LoginLost)
}

func TestSessionOver(t *testing.T) {
	for _, form := range []bool{false, true} {
		w := newWorld(t, similink.Options{Assume: similink.Assume{RetForm: form}}, nil)
		w.start(true)
		w.srv.Say("主人", "one")
		w.hear()
		w.settled()
		w.srv.Kick()
		l := w.await(LoginLost)
		if l.Fault.Entry != sessionExpired || l.Fault.Ret != -14 {
			t.Errorf("%v", l.Fault)
		}
		w.await(LoginScan)
		w.await(LoginConfirmed)
		if n := w.srv.Count("notifystart"); n != 3 { // begin, plea, begin
			t.Errorf("%d notices of the start", n)
		}
		w.srv.Say("主人", "two")
		w.hear()
		if len(w.names) != 2 {
			t.Errorf("%d logins", len(w.names))
		}
	}
}

// While the session is over and nobody scans, an hour brings one request.
func TestSessionOverAndNobodyScans(t *testing.T) {
	w := newWorld(t, similink.Options{}, func(o *Options) { o.pauses.rest = 10 * time.Millisecond })
	w.start(true)
	w.srv.ExpireQR(3)
	w.srv.Kick()
	if l := w.await(LoginGivenUp); l.Wait != 10*time.Millisecond {
		t.Errorf("%+v", l)
	}
	began, before, polls := time.Now(), len(w.srv.Requests()), w.srv.Count("getupdates")
	w.polls(6)
	all := len(w.srv.Requests()) - before
	if n := w.srv.Count("getupdates") - polls; all != n {
		t.Errorf("%d requests, of which %d tried the session", all, n)
	}
	if most := 1 + int(time.Since(began)/(10*time.Millisecond)); all > most {
		t.Errorf("%d requests where %d are allowed", all, most)
	}
	w.c.LogIn()
	w.await(LoginConfirmed)
	w.srv.Say("主人", "two")
	w.hear()
}

// A session that comes back by itself is noticed.
func TestSessionComesBack(t *testing.T) {
	w := newWorld(t, similink.Options{}, func(o *Options) { o.pauses.rest = 5 * time.Millisecond })
	w.start(true)
	w.srv.ExpireQR(3)
	w.srv.Fail("getupdates", similink.Failure{Errcode: -14}, 6)
	w.await(LoginGivenUp)
	if l := w.await(LoginConfirmed); !l.Hot {
		t.Error("somebody had to scan")
	}
	w.srv.Say("主人", "two")
	w.hear()
	if err := w.send(w.srv.Owner(), "answer"); err != nil {
		t.Error(err)
	}
}

// The session ends while a process is away: the next one finds out.
func TestSessionOverAtStart(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.stop()
	w.srv.LoginElsewhere()
	w.build(nil)
	w.start(false)
	if l := w.await(LoginLost); l.Fault == nil {
		t.Error("no fault")
	}
	w.await(LoginConfirmed)
	if n := w.srv.Count("notifystart"); n != 3 { // of each beginning
		t.Errorf("%d notices of the start", n)
	}
}

// What a session that ended leaves is delivered in the next one, when the person
// writes again: their token is no longer good.
func TestReplyAcrossSessions(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	alice := w.srv.AddUser("alice")
	w.srv.Say("alice", "one")
	w.hear()
	w.srv.Fail("sendmessage", similink.Failure{Errcode: -14}, 1)
	if f := faultOf(t, w.send(alice, "answer")); f.Ret != -14 || f.Entry != sessionExpired || f.Code == bot.MaybeSent {
		t.Errorf("%v", f)
	}
	w.srv.Kick()
	w.await(LoginLost)
	w.await(LoginConfirmed)
	if err := w.send(alice, "answer"); err != nil {
		t.Fatal(err)
	}
	w.await(LoginHeld)
	w.srv.Say("alice", "two")
	if texts := w.sent(1); texts[0] != "answer" {
		t.Errorf("sent %q", texts)
	}
	var tokens []bool
	for _, r := range w.srv.Requests() {
		if r.Endpoint == "sendmessage" {
			tokens = append(tokens, strings.Contains(string(r.Body), "context_token"))
		}
	}
	if !slices.Equal(tokens, []bool{true, false, true}) {
		t.Errorf("replies went with tokens: %v", tokens)
	}
}

// The place in the stream of messages is another bot's after another login.
func TestCursorOfAnotherBot(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	w.start(true)
	w.srv.Say("主人", "one")
	w.hear()
	w.settled()
	w.srv.Kick()
	w.await(LoginLost)
	w.await(LoginConfirmed)
	w.srv.Say("主人", "two")
	w.hear()
	asked := map[string]bool{} // with a cursor, by token
	for _, r := range w.srv.Requests() {
		token := r.Header.Get("Authorization")
		with := !strings.Contains(string(r.Body), `"get_updates_buf":""`)
		if _, later := asked[token]; r.Endpoint == "getupdates" && !later {
			asked[token] = with
		}
	}
	if len(asked) != 2 {
		t.Errorf("%d logins", len(asked))
	}
	for _, with := range asked {
		if with {
			t.Error("the first poll of a login has a cursor")
		}
	}
}

// A poll that is held does not keep the channel from stopping.
func TestStopAtOnce(t *testing.T) {
	w := newWorld(t, similink.Options{Hold: never, PollTimeout: -1}, func(o *Options) { o.pauses.poll = never })
	w.start(true)
	if err := w.srv.WaitCount(w.ctx, "getupdates", 1); err != nil {
		t.Fatal(err)
	}
	w.stop()
}

// Nobody's request is repeated faster than once a second, in the scale of the
// pauses, whatever goes wrong.
func TestNoRequestLoops(t *testing.T) {
	const second = 5 * time.Millisecond
	for name, fail := range map[string]func(*similink.Server){
		"gateway":       func(s *similink.Server) { s.Fail("getupdates", similink.HTML(502), -1) },
		"524 at once":   func(s *similink.Server) { s.Fail("getupdates", similink.Failure{Status: 524}, -1) },
		"resets":        func(s *similink.Server) { s.Fail("getupdates", similink.Failure{Reset: true}, -1) },
		"nonsense":      func(s *similink.Server) { s.Fail("getupdates", similink.Failure{Body: "[]"}, -1) },
		"half":          func(s *similink.Server) { s.Fail("getupdates", similink.Failure{CutBody: true}, -1) },
		"a code":        func(s *similink.Server) { s.Fail("getupdates", similink.Failure{Ret: -1}, -1) },
		"empty at once": func(s *similink.Server) { s.Fail("getupdates", similink.Failure{Body: `{"ret":0}`}, -1) },
		"all over":      func(s *similink.Server) { s.Fail(similink.AnyEndpoint, similink.Failure{Errcode: -14}, -1) },
		"all down":      func(s *similink.Server) { s.Fail(similink.AnyEndpoint, similink.Failure{Reset: true}, -1) },
		"all confused":  func(s *similink.Server) { s.Fail(similink.AnyEndpoint, similink.Failure{Body: "{}"}, -1) },
		"flapping": func(s *similink.Server) {
			for range 500 {
				s.Fail("getupdates", similink.Failure{Errcode: -14}, 1)
				s.Fail("getupdates", similink.Failure{Body: `{"ret":0}`}, 1)
			}
		},
		"no codes":  func(s *similink.Server) { s.Kick(); s.Fail("get_bot_qrcode", similink.HTML(500), -1) },
		"no status": func(s *similink.Server) { s.Kick(); s.Fail("get_qrcode_status", similink.HTML(500), -1) },
		"waits at once": func(s *similink.Server) {
			s.Kick()
			s.Fail("get_qrcode_status", similink.Failure{Body: `{"status":"wait"}`}, -1)
		},
		"redirects": func(s *similink.Server) {
			s.Kick()
			s.Fail("get_qrcode_status", similink.Failure{Body: `{"status":"scaned_but_redirect"}`}, -1)
		},
		"a new state": func(s *similink.Server) {
			s.Kick()
			s.Fail("get_qrcode_status", similink.Failure{Body: `{"status":"moon"}`}, -1)
		},
		"expired at once": func(s *similink.Server) {
			s.Kick()
			s.Fail("get_qrcode_status", similink.Failure{Body: `{"status":"expired"}`}, -1)
		},
		"confirmed badly": func(s *similink.Server) {
			s.Kick()
			s.Fail("get_qrcode_status", similink.Failure{Body: `{"status":"confirmed"}`}, -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, similink.Options{ScanDelay: -1}, func(o *Options) {
				o.pauses = pauses{
					first: 2 * second, last: 60 * second, breath: second, long: never, poll: 35 * second, grace: 5 * second,
					code: 300 * second, cool: 30 * second, revive: 600 * second, rest: 3600 * second,
				}
			})
			w.srv.Scan()
			w.start(true)
			fail(w.srv)
			began, before := time.Now(), len(w.srv.Requests())
			time.Sleep(100 * second) // no less
			// A session's end costs a handful at once, which is what the sum is for.
			const handful = 8
			n := len(w.srv.Requests()) - before
			if most := handful + int(time.Since(began)/second); n > most {
				t.Errorf("%d requests in %v, where %d are allowed", n, time.Since(began), most)
			}
		})
	}
}

func TestRelayNotReady(t *testing.T) {
	w := newWorld(t, similink.Options{}, nil)
	fails := 3
	w.greet = func() error {
		if fails--; fails >= 0 {
			return errors.New("the store is locked")
		}
		return nil
	}
	w.srv.Say("主人", "early")
	w.start(true)
	w.hear()
	if fails != -1 {
		t.Errorf("told of the login %d times more", -1-fails)
	}
	if !strings.Contains(w.logs.String(), "the relay cannot take messages") {
		t.Error("nothing is said of it")
	}
}

// What comes while the bot stops, on a poll that was under way, is heard.
func TestLingers(t *testing.T) {
	w := newWorld(t, similink.Options{Hold: time.Minute}, func(o *Options) { o.Linger = time.Minute })
	w.start(true)
	if err := w.srv.WaitCount(w.ctx, "getupdates", 1); err != nil {
		t.Fatal(err)
	}
	w.srv.Say("主人", "one")
	w.hear()
	if err := w.srv.WaitCount(w.ctx, "getupdates", 2); err != nil {
		t.Fatal(err)
	}
	w.cancel(nil)
	w.srv.Say("主人", "two")
	if m := w.hear(); m.Text != "two" {
		t.Errorf("heard %q", m.Text)
	}
	w.stop()
	if kept := w.vault.killed().kept; len(kept[nameUnheard]) > 0 {
		t.Error("it is kept as if it had not been heard")
	}
	polls := w.srv.Count("getupdates")
	w.srv.Say("主人", "three")
	w.build(nil)
	w.start(false)
	if m := w.hear(); m.Text != "three" || w.srv.Count("getupdates") <= polls {
		t.Errorf("heard %q", m.Text)
	}
}

// Nobody waits where nothing is likely to come, or is for another process.
func TestDoesNotLinger(t *testing.T) {
	for name, c := range map[string]struct {
		linger time.Duration
		said   string
		cause  error
	}{
		"quiet":                {time.Hour, "", nil},
		"nothing came":         {10 * time.Millisecond, "one", nil},
		"never":                {-1, "one", nil},
		"another process's it": {time.Hour, "one", bot.ErrNotOwner},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, similink.Options{Hold: time.Hour}, func(o *Options) { o.Linger = c.linger })
			w.start(true)
			if c.said != "" {
				w.srv.Say("主人", c.said)
				w.hear()
			}
			if err := w.srv.WaitCount(w.ctx, "getupdates", 1); err != nil {
				t.Fatal(err)
			}
			w.cancel(c.cause)
			w.stop()
		})
	}
}
