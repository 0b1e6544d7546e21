package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/internal/world"
)

// hasty makes pauses after a throttling short.
func hasty(o *world.Options) {
	o.Bot = func(o *bot.Options) { o.Deadline, o.ThrottlePause = 20*time.Second, 50*time.Millisecond }
}

// TestHostileThrottle holds that replies refused as too fast are kept and said
// later, in order and once, and that nothing else is sent meanwhile.
func TestHostileThrottle(t *testing.T) {
	t.Parallel()
	a := newArena(t, hasty)
	alice, bob := a.friend("Alice"), a.friend("Bob")
	a.WeChat.Fail("webwxsendmsg", simwechat.Failure{Ret: 1205}, 4)
	for i := range 3 {
		a.say(alice, fmt.Sprintf("alice %d", i))
		a.say(bob, fmt.Sprintf("bob %d", i))
	}
	for i := range 3 {
		a.expect(alice, fmt.Sprintf("alice %d", i))
		a.expect(bob, fmt.Sprintf("bob %d", i))
	}
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
	if n := len(a.WeChat.Sent()); n != 6 {
		t.Errorf("%d answers to 6 messages", n)
	}
	if n := a.WeChat.Count("webwxsendmsg"); n != 10 {
		t.Errorf("%d sends for 6 answers and 4 refusals", n)
	}
}

// TestHostileSends holds what becomes of a reply when sending fails once: said
// exactly once when WeChat tells that it did not take it, and once more, under
// the same name, when it may have: a repeat confuses less than a gap.
func TestHostileSends(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		failure simwechat.Failure
		copies  int
	}{
		{"lost answer", simwechat.Failure{LoseAnswer: true}, 2},
		{"cut answer", simwechat.Failure{CutBody: true}, 2},
		{"reset", simwechat.Failure{Reset: true}, 1},
		{"bad gateway", simwechat.HTML(http.StatusBadGateway), 1},
		{"empty answer", simwechat.Failure{Status: http.StatusOK}, 1},
		{"garbage", simwechat.Failure{Body: "<xml>"}, 1},
		{"system error", simwechat.Failure{Ret: -1}, 1},
		{"wrong argument", simwechat.Failure{Ret: 1}, 1},
		{"unavailable", simwechat.HTML(http.StatusServiceUnavailable), 1},
		{"too many requests", simwechat.HTML(http.StatusTooManyRequests), 1},
		{"not a friend", simwechat.Failure{Ret: 1204}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArena(t, hasty)
			alice, bob := a.friend("Alice"), a.friend("Bob")
			a.expectAfter(bob, "morning from bob")
			a.WeChat.Fail("webwxsendmsg", c.failure, 1)
			a.say(alice, "the first")
			if err := a.WeChat.WaitCount(a.ctx, "webwxsendmsg", 2); err != nil {
				t.Fatal(err)
			}
			a.say(alice, "the second")
			for got := ""; !strings.Contains(got, "the second"); {
				got = a.hear(alice)
			}
			a.expectAfter(bob, "bye from bob")
			if err := a.Stop(); err != nil {
				t.Error(err)
			}
			copies := 0
			for _, s := range a.WeChat.Sent() {
				if strings.Contains(s.Text, "the first") {
					copies++
					if s.Resent != (copies > 1) {
						t.Errorf("copy %d: resent is %v", copies, s.Resent)
					}
				}
			}
			if copies != c.copies {
				t.Errorf("said %d times, want %d", copies, c.copies)
			}
		})
	}
}

// expectAfter says text and waits for an answer that repeats it.
func (a *arena) expectAfter(p world.Person, text string) {
	a.t.Helper()
	a.say(p, text)
	a.expect(p, text)
}

// TestHostileKick ends the session while answers are being made, and holds that
// the bot survives, logs in again and answers.
func TestHostileKick(t *testing.T) {
	t.Parallel()
	for _, ret := range []int{1100, 1101, 1102} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d kept %v", ret, kept), func(t *testing.T) {
				t.Parallel()
				open := make(chan struct{})
				a := newArena(t, func(o *world.Options) {
					if kept {
						o.Session = newAccount(t).Session()
					}
					_, clients := newSource(t, o.Logger, patient)
					o.Bot = func(o *bot.Options) { o.Completer = gated{bySource(clients), open} }
				})
				alice, bob := a.friend("Alice"), a.friend("Bob")
				team := a.group("team", bob)[0]
				a.expectAfter(bob, "quite early")
				a.say(alice, "while it works !gate")
				a.say(team, "while it works !gate")
				a.expectAfter(bob, "both have been heard")
				logins := a.WeChat.Count("webwxinit")
				a.WeChat.Kick(ret)
				close(open) // the answers now meet a session that is over
				if err := a.WeChat.WaitCount(a.ctx, "webwxinit", logins+1); err != nil {
					t.Fatal(err)
				}
				if err := a.WeChat.WaitLogin(a.ctx); err != nil {
					t.Fatal(err)
				}
				a.say(bob, "after the kick")
				for got := ""; !strings.Contains(got, "after the kick"); {
					got = a.hear(bob)
				}
				a.say(team, "after the kick")
				for got := ""; !strings.Contains(got, "after the kick"); {
					got = a.hear(team)
				}
				if err := a.Stop(); err != nil {
					t.Error(err)
				}
				if strings.Contains(a.log.String(), "panic") {
					t.Error("something panicked")
				}
			})
		}
	}
}
