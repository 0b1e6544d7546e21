package main

import (
	"context"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/ilink"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
)

// channel is a way to WeChat that its user closes.
type channel interface {
	bot.Channel
	linked
	Close()
}

// channel returns the account's way to WeChat, not logged in yet. The function
// returned is to be called when it is of no use any more.
func (d *desk) channel(owned *store.Account) (c channel, done func()) {
	view := &loginView{office: d.office, account: d.account.Name}
	log := d.logger.With("account", d.account.Name)
	if d.account.Channel != configs.ChannelILink {
		c := wechat.New(wechat.Options{Session: d.session(owned), Mode: d.cfg.WeChatMode, ShowLogin: view.show, Owns: owned.Owns, Logger: log})
		return c, c.Close
	}
	o := ilink.Options{Vault: owned, ShowLogin: view.showILink, Owns: owned.Owns, Agent: "diagbot/" + version(), Logger: log}
	o.Linger = max(1, min(2*time.Second, d.cfg.Grace/4)) // the relay waits for half of it
	if !d.cfg.HotReload {
		o.Vault = forgetful{owned}
	}
	if d.keys != nil {
		o.AskCode = d.keys.ask
	}
	c2 := ilink.New(o)
	forget := d.keys.onEnter(func() { d.asked(owned, c2) })
	return c2, func() { forget(); c2.Close() }
}

// asked asks for a new code, where nobody scanned the last ones, on behalf of who sits
// at the server.
func (d *desk) asked(owned *store.Account, c linked) {
	if link, out := c.LoginLink(); !out || link != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := owned.Audit(ctx, bot.AtConsole(d.operator(), "diagbot serve: a new login code")); err != nil {
		d.logger.Warn("not audited", "account", d.account.Name, "error", err)
	}
}

// forgetful is a vault that keeps everything but the credentials: every start
// needs a scan.
type forgetful struct{ ilink.Vault }

// Get implements ilink.Vault.
func (f forgetful) Get(ctx context.Context, name string) ([]byte, error) {
	if name == ilink.NameLogin {
		return nil, nil
	}
	return f.Vault.Get(ctx, name)
}

// Put implements ilink.Vault.
func (f forgetful) Put(ctx context.Context, name string, b []byte) error {
	if name == ilink.NameLogin {
		return nil
	}
	return f.Vault.Put(ctx, name, b)
}
