package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/diagbot/diagbot/internal/similink"
)

// onILink is the configuration of one account on the official API.
const onILink = "accounts: [{name: main, channel: ilink}]\n"

// configured has every process read a configuration.
func (n *internet) configured(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	n.args = append(n.args, "--config", path)
}

// told waits for the nth message that the bot sent over the official API and
// returns it.
func (n *internet) told(t *testing.T, nth int) similink.Sent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	sent, err := n.ilink.WaitSent(ctx, nth)
	if err != nil {
		t.Fatalf("answer %d: %v", nth, err)
	}
	return sent[nth-1]
}

func TestServeILink(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.configured(t, onILink)
	alice := n.ilink.AddUser("Alice")

	p := n.start(t, "serve")
	p.waitFor(t, "https://liteapp.weixin.qq.com/")
	p.waitFor(t, "Answering.")
	n.ilink.Say(alice, "Hello there!")
	if got := n.told(t, 1); got.To != alice || got.Text == "" {
		t.Errorf("answer: %+v", got)
	}
	n.ilink.Say(alice, "Now fail: !401")
	if got := n.told(t, 2).Text; !strings.Contains(got, "(401 · ") {
		t.Errorf("explanation: %q", got)
	}
	n.ilink.Say(n.ilink.Owner(), "/diag")
	if got := n.told(t, 3); got.To != n.ilink.Owner() || !strings.Contains(got.Text, "openai") {
		t.Errorf("health: %q", got.Text)
	}
	if h := n.start(t, "health"); h.status(t) != 0 || !strings.Contains(h.text(), "online") {
		t.Errorf("health: %s", h.text())
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("serve ended with %d", status)
	}
	_, token := n.ilink.Bot()
	if said := p.text(); strings.Contains(said, token) || strings.Contains(said, "sk-only-this-key") {
		t.Error("a secret was printed")
	}

	n.ilink.Say(alice, "While you were away.")
	codes := n.ilink.Count("get_bot_qrcode")
	p = n.start(t, "serve", "--lang", "zh-Hans")
	p.waitFor(t, "已用保存的会话登录。")
	if got := n.told(t, 4); got.To != alice {
		t.Errorf("answer after the restart: %+v", got)
	}
	if status := p.stop(t); status != 0 || n.ilink.Count("get_bot_qrcode") != codes {
		t.Errorf("status %d, %d more QR codes", status, n.ilink.Count("get_bot_qrcode")-codes)
	}
	if complaints := n.ilink.Complaints(); len(complaints) > 0 {
		t.Errorf("WeChat complained: %q", complaints)
	}
}

// TestServeILinkOver holds that a session that is over is told, and that a new code
// follows at once.
func TestServeILinkOver(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.configured(t, onILink)
	alice := n.ilink.AddUser("Alice")
	p := n.start(t, "serve")
	p.waitFor(t, "Answering.")
	p.forget()
	n.ilink.Kick()
	p.waitFor(t, "WeChat ended the session.")
	p.waitFor(t, "IL-14")
	p.waitFor(t, "https://liteapp.weixin.qq.com/")
	p.waitFor(t, "Answering.")
	n.ilink.Say(alice, "And now?")
	if got := n.told(t, 1); got.To != alice {
		t.Errorf("answer: %+v", got)
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
}

// TestServeILinkDigits holds that a login that needs digits ends with words where
// nobody can enter them.
func TestServeILinkDigits(t *testing.T) {
	t.Parallel()
	n := newInternetWith(t, sims{ilink: similink.Options{VerifyCode: "4711"}})
	n.configured(t, onILink)
	p := n.start(t, "serve")
	p.waitFor(t, "diagbot serve once on a terminal")
	p.waitFor(t, "no more codes follow")
	if h := n.start(t, "health"); h.status(t) != 0 || !strings.Contains(h.text(), "logged out") {
		t.Errorf("health: %s", h.text())
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
}
