package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/internal/simwechat"
)

// TestLogInFromAnotherChat: an account that WeChat refused is tried again when an
// admin of the other one asks, who gets the link; nobody else does.
func TestLogInFromAnotherChat(t *testing.T) {
	t.Parallel()
	n := newInternetWith(t, sims{wechat: simwechat.Options{ScanDelay: -1}})
	lena, bob := n.ilink.AddUser("Lena"), n.ilink.AddUser("Bob")
	p := n.serveBoth(t, "'"+lena+"'")
	heard := 0
	ask := func(who, text, want string) {
		t.Helper()
		n.ilink.Say(who, text)
		for {
			heard++
			m := n.told(t, heard)
			if m.To == who && strings.Contains(m.Text, want) {
				return
			}
			if !strings.Contains(m.Text, "About the account old:") && !strings.Contains(m.Text, "is logged in again.") {
				t.Fatalf("%q was answered by %q", text, m.Text)
			}
		}
	}
	ask(lena, "/login", "My other accounts\nold: logged in\nSend /login")
	ask(lena, "/login old", "old is logged in and needs no code.")
	ask(lena, "/login new", "new is logged in and needs no code.")

	n.wechat.RefuseLogin(1203, "")
	n.wechat.Kick(1203)
	p.waitFor(t, "[old] WeChat refused the login.")
	n.waitHealth(t, "old: logged out")
	ask(lena, "/Login", "old: logged out") // the same words soon after would be taken for a copy
	ask(bob, "/login old", "Only my admin can do that.")
	pair := n.start(t, "pair", "new")
	pair.status(t)
	code := codeShown.FindStringSubmatch(pair.text())
	if code == nil {
		t.Fatalf("no code in %s", pair.text())
	}
	ask(bob, "/auth "+code[1], "You're an admin now.")
	ask(bob, "/login  old", "Codes for other accounts are for the owner of this one, and for admins named in the configuration.")
	n.wechat.RefuseLogin(0, "")
	ask(lena, "/login Old", "open this link in WeChat on its phone, or make a QR code of it and scan that there. It's good for a few minutes:\nhttps://login.weixin.qq.com/l/")
	n.wechat.Scan()
	for deadline := time.Now().Add(30 * time.Second); strings.Count(p.text(), "[old] Answering.") < 2 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond) // polls a process
	}
	ask(lena, "/LOGIN", "old: logged in")
	ask(lena, "/audit", "/login old, done")
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
}

// TestDoorsCloseWithTheLast: an account that was given up waits for somebody to ask,
// and no longer when nobody is left who could.
func TestDoorsCloseWithTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoors(2)
		answers := make(chan bool, 3)
		wait := func(ctx context.Context, account string) { go func() { answers <- d.again(ctx, account) }() }
		wait(t.Context(), "one")
		synctest.Wait()
		if s := d.state("one"); s.Elsewhere || s.In {
			t.Errorf("state %+v", s)
		}
		if d.knock("one") != nil || !<-answers {
			t.Error("not tried again")
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait(ctx, "one")
		synctest.Wait()
		cancel()
		if <-answers {
			t.Error("tried again although the process ends")
		}
		d = newDoors(2)
		wait(t.Context(), "one")
		wait(t.Context(), "two")
		for range 2 {
			if <-answers {
				t.Error("tried again although nobody could ask")
			}
		}
		if s := d.state("one"); !s.Elsewhere {
			t.Errorf("state %+v after the end", s)
		}
		shut := d.opens("one", nil)
		if shut(); d.state("one").Elsewhere {
			t.Error("elsewhere before anybody took it")
		}
		if d.away("one"); !d.state("one").Elsewhere {
			t.Error("not elsewhere although somebody has it")
		}
	})
}
