package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

// office is what the accounts of a running serve share.
type office struct {
	*app
	cfg       *configs.Config
	catalogue func() *troubleshoot.Catalogue // as it is now
	control   *control
	client    *llm.Client
	db        *store.DB
	logger    *slog.Logger
	alarm     *alarm
	pulse     *pulse
	node      string
}

// serveAll answers for every account until ctx ends or all of them are lost. One
// account's end is not another's.
func (o *office) serveAll(ctx context.Context) error {
	errs := make([]error, len(o.cfg.Accounts))
	var work sync.WaitGroup
	for i, account := range o.cfg.Accounts {
		work.Go(func() { errs[i] = o.serveOne(ctx, account) })
	}
	work.Wait()
	for _, err := range errs { // the worst is the process's status
		if err != nil && !errors.Is(err, statusLost) {
			return err
		}
	}
	return errors.Join(errs...)
}

// serveOne answers for an account whenever it is this process's.
func (o *office) serveOne(ctx context.Context, account configs.Account) error {
	for {
		o.pulse.set(account.Name, "waiting")
		owned, err := o.claim(ctx, account.Name)
		if err != nil {
			return err
		}
		if owned == nil {
			return nil // ctx has ended
		}
		err = o.attend(ctx, account, owned)
		o.release(owned)
		if !errors.Is(err, bot.ErrNotOwner) || ctx.Err() != nil {
			return o.ended(account.Name, err)
		}
		o.logger.Warn("another process answers for the account now", "account", account.Name)
		o.print(account.Name, o.say("serve_not_owner"))
	}
}

// ended tells of an account that nobody answers for any more.
func (o *office) ended(account string, err error) error {
	if err != nil {
		o.pulse.set(account, "offline")
	}
	if err != nil && !errors.Is(err, statusLost) { // that was told when it happened
		o.alarm.gone(account, err)
	}
	return err
}

// claimPatience is how long claiming takes where nobody else owns the account.
const claimPatience = 500 * time.Millisecond

// claim waits until the account is this process's. It returns nil when ctx ends.
func (o *office) claim(ctx context.Context, account string) (*store.Account, error) {
	note := time.AfterFunc(claimPatience, func() { o.print(account, o.say("serve_waiting_turn")) })
	defer note.Stop()
	owned, err := o.db.Claim(ctx, account, o.node)
	if err != nil && ctx.Err() != nil {
		return nil, nil
	}
	return owned, err
}

// release hands the account to the process that waits for it, if there is one.
func (o *office) release(owned *store.Account) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := owned.Release(ctx); err != nil && !errors.Is(err, bot.ErrNotOwner) {
		o.logger.Warn("the account was not handed back", "error", err)
	}
}

// attend answers for an account until ctx ends (nil), another process owns it
// (bot.ErrNotOwner), or WeChat refuses it.
func (o *office) attend(ctx context.Context, account configs.Account, owned *store.Account) error {
	owning, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(owned.Context(), func() { stop(bot.ErrNotOwner) })()
	if err := o.control.join(owning, account.Name, owned); err != nil {
		o.logger.Warn("what admins changed was not read", "account", account.Name, "error", err)
	}
	defer o.control.leave(account.Name)
	view := &loginView{office: o, account: account.Name}
	channel := wechat.New(wechat.Options{
		Session: o.session(owned), Mode: o.cfg.WeChatMode, ShowLogin: view.show, Logger: o.logger.With("account", account.Name),
	})
	defer channel.Close()
	options := relayOptions(o.cfg)
	options.Account, options.Channel, options.Store = account.Name, channel, owned
	options.Completer, options.Sources, options.Prober = o.client, o.client, o.client
	options.Catalogue, options.Logger = o.catalogue(), o.logger
	options.Control, options.Draw, options.Invite = o.control, drawn, func(code string) { o.invite(account.Name, code) }
	options.Admins, options.AdminRemarks = account.Admins, o.cfg.AdminRemarks
	options.Trouble = func(kind string, f *troubleshoot.Fault) { o.trouble(account.Name, kind, f) }
	relay, err := bot.New(options)
	if err != nil {
		return err
	}
	o.control.serves(account.Name, relay)
	err = relay.Run(owning)
	switch {
	case context.Cause(owning) == bot.ErrNotOwner:
		return bot.ErrNotOwner
	case err == nil || errors.Is(err, context.Canceled):
		return nil
	case troubleshoot.FaultOf(err).Source == troubleshoot.SourceWeChat:
		return statusLost // the login view has explained it
	}
	o.print(account.Name, o.say("serve_lost"))
	return err
}

// trouble tells the operator of something that began, or ended if f is nil, and
// that nobody can be told in a chat.
func (o *office) trouble(account, kind string, f *troubleshoot.Fault) {
	if f == nil {
		o.pulse.set(account, "online")
		o.print(account, o.say("trouble_over"))
		o.alarm.over(account, kind, o.say("trouble_over"))
		return
	}
	o.pulse.set(account, "store")
	o.print(account, "\n"+o.explanation(f)+"\n")
	o.alarm.tell(account, kind, f)
}

// explanation is what the catalogue has on a fault, for the operator.
func (o *office) explanation(f *troubleshoot.Fault) string {
	c := o.catalogue()
	return c.Explain(c.Diagnose(f).Entry.ID, troubleshoot.Telling{
		Audience: troubleshoot.AudienceAdmin, Locale: o.chatLocale(c),
	})
}

// invite tells the operator how to become an admin.
func (o *office) invite(account, code string) {
	args := []string{"pair"}
	if len(o.cfg.Accounts) > 1 {
		args = append(args, account)
	}
	o.print(account, o.say("pair_invite", "code", code, "command", "diagbot "+strings.Join(args, " ")))
}

// session is where the login is kept: nowhere if the operator wants a scan at
// every start.
func (o *office) session(owned *store.Account) wechat.Session {
	if !o.cfg.HotReload {
		return nil
	}
	return owned.Session()
}

// print tells the operator about one account.
func (o *office) print(account, text string) {
	if len(o.cfg.Accounts) > 1 {
		text = "[" + account + "] " + text
	}
	fmt.Fprintln(o.out, text)
}

// nodeName names this process among those that share the database: the same after
// a restart, another for another process, as no two use one data directory.
func nodeName(cfg *configs.Config) string {
	if cfg.Node != "" {
		return cfg.Node
	}
	host, _ := os.Hostname()
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		dir = cfg.DataDir
	}
	sum := sha256.Sum256([]byte(dir))
	return host + "-" + hex.EncodeToString(sum[:4])
}
