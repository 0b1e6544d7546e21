package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
	"github.com/diagbot/diagbot/internal/simwechat"
	"github.com/diagbot/diagbot/troubleshoot"
)

// sideBySide configures an account on each channel, old and new.
func (n *internet) sideBySide(t *testing.T, admins ...string) {
	t.Helper()
	n.configured(t, "accounts: [{name: old}, {name: new, channel: ilink, admins: ["+strings.Join(admins, ", ")+"]}]\n")
}

// serveBoth starts a process with both accounts, and waits for them.
func (n *internet) serveBoth(t *testing.T, admins ...string) *process {
	t.Helper()
	n.sideBySide(t, admins...)
	n.wechat.Scan()
	p := n.start(t, "serve")
	p.waitFor(t, "[old] Answering.")
	p.waitFor(t, "[new] Answering.")
	return p
}

// TestKickedIsToldElsewhere holds that the owner of the account on the official API
// hears there, in their language, that the other account was kicked, how to log it
// in again, and that it is back; so do listed admins, and nobody else does.
func TestKickedIsToldElsewhere(t *testing.T) {
	t.Parallel()
	n := newInternetWith(t, sims{wechat: simwechat.Options{ScanDelay: -1}})
	lena, bob := n.ilink.AddUser("Lena"), n.ilink.AddUser("Bob")
	p := n.serveBoth(t, "'"+lena+"'")
	for who, says := range map[string]string{n.ilink.Owner(): "你好，在吗？", lena: "Hello, are you there?", bob: "Hi!"} {
		n.ilink.Say(who, says)
	}
	n.told(t, 3)

	n.wechat.Kick(1100)
	kicked := time.Now()
	heard := n.letters(t, 5)
	t.Logf("told after %v", time.Since(kicked))
	for who, words := range map[string][]string{
		n.ilink.Owner(): {"关于账号 old：", "WX-1102 微信把机器人登出了", "1. ", "请在它的手机微信里打开", "https://login.weixin.qq.com/l/"},
		lena:            {"About the account old:", "WX-1102 WeChat signed the bot out", "open this link", "https://login.weixin.qq.com/l/"},
	} {
		for _, word := range words {
			if !strings.Contains(heard[who], word) {
				t.Errorf("no %q in %s", word, heard[who])
			}
		}
	}
	n.wechat.Scan()
	for who, words := range map[string]string{n.ilink.Owner(): "账号 old 已经重新登录。", lena: "The account old is logged in again."} {
		if got := n.letters(t, 7)[who]; got != words {
			t.Errorf("said %q", got)
		}
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	if c := n.ilink.Complaints(); len(c) > 0 {
		t.Errorf("WeChat complained: %q", c)
	}
}

// ears is admins who can be told, or not.
type ears struct {
	mu    sync.Mutex
	open  bool
	heard []string

	strange bool // not trusted with links
}

func (e *ears) Tell(write func(string, bool) string) (told, trusted int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open {
		if text := write("en", !e.strange); text != "" {
			e.heard, told = append(e.heard, text), 1
		}
	}
	if !e.strange {
		trusted = told
	}
	return told, trusted
}

func (e *ears) admit(open bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open = open
}

// TestCrier holds when admins hear of a trouble: once, as it is then, with few
// links, and of its end if they heard of it.
func TestCrier(t *testing.T) {
	words, err := troubleshoot.Load()
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		e := &ears{}
		c := newCrier(func() *troubleshoot.Catalogue { return words }, func(string) []teller { return []teller{e} })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); c.run(ctx) }()
		pass := func(d time.Duration, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			e.mu.Lock()
			defer e.mu.Unlock()
			if len(e.heard) != len(want) {
				t.Fatalf("heard %q, want %q", e.heard, want)
			}
			for i, parts := range want {
				for part := range strings.SplitSeq(parts, "|") {
					if !strings.Contains(e.heard[i], part) {
						t.Errorf("heard %q, without %q", e.heard[i], part)
					}
				}
			}
			e.heard = nil
		}
		kicked := &troubleshoot.Fault{Source: troubleshoot.SourceWeChat, Ret: 1100, Phase: troubleshoot.PhaseSync}
		c.trouble("old", kicked)
		c.over("old")
		e.admit(true)
		pass(time.Minute) // nobody heard of it
		e.admit(false)
		c.trouble("old", kicked)
		c.scan("old", "https://a/1")
		pass(time.Minute)
		c.scan("old", "https://a/2")
		e.admit(true)
		pass(2*cryAgain, "account old|WX-1102|https://a/2")
		for i := range 300 {
			c.scan("old", fmt.Sprint("https://a/", 3+i))
			time.Sleep(time.Minute)
		}
		pass(0, "https://a/3", "https://a/6")
		c.over("old")
		pass(cryAfter, "logged in again")
		c.scan("old", "https://b/1")
		c.unscanned("old")
		pass(time.Minute)
		c.scan("old", "https://b/2")
		pass(cryAfter, "https://b/2")
		c.over("old")
		c.trouble("old", kicked) // before anybody heard that it was back
		pass(time.Minute, "WX-1102")
		c.over("old")
		c.over("old")
		pass(time.Minute, "logged in again")
		trust := func(yes bool) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.strange = !yes
		}
		trust(false)
		c.trouble("old", kicked)
		c.scan("old", "https://c/1")
		pass(time.Minute, "WX-1102")
		c.scan("old", "https://c/2")
		pass(time.Minute)
		trust(true)
		pass(cryAgain, "account old|https://c/2")
		c.over("old")
		pass(time.Minute, "logged in again")
		cancel()
		<-ended
	})
}

// letters waits for n messages over the official API in all, and returns the last
// that each person got.
func (n *internet) letters(t *testing.T, count int) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	sent, err := n.ilink.WaitSent(ctx, count)
	if err != nil {
		t.Fatalf("message %d: %v", count, err)
	}
	last := make(map[string]string)
	for _, m := range sent {
		last[m.To] = m.Text
	}
	return last
}

// TestOverIsToldElsewhere is the same the other way: File Transfer hears of the
// account on the official API. Who cannot be told at once is told later.
func TestOverIsToldElsewhere(t *testing.T) {
	t.Parallel()
	n := newInternetWith(t, sims{wechat: simwechat.Options{ScanDelay: -1}, ilink: similink.Options{ScanDelay: -1}})
	n.sideBySide(t)
	n.ilink.Scan()
	p := n.start(t, "serve")
	p.waitFor(t, "[new] Answering.")
	n.ilink.Kick()
	p.waitFor(t, "[new] WeChat ended the session.")
	n.wechat.Scan()
	p.waitFor(t, "[old] Answering.")
	if got := n.answer(t, 1); got.To != "filehelper" || !strings.Contains(got.Text, "IL-14") || !strings.Contains(got.Text, "https://liteapp.weixin.qq.com/") {
		t.Errorf("said %+v", got)
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
}
