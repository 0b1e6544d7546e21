package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func (a *app) serve() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: a.say("serve_short"),
		Long:  a.say("serve_long"),
		Args:  a.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a.saveMemory()
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			return a.serveWith(c.Context(), cfg)
		},
	}
}

// serveWith runs the bot until ctx ends or WeChat refuses the account.
func (a *app) serveWith(ctx context.Context, cfg *configs.Config) error {
	unlock, err := a.claim(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	catalogue, err := catalogueWith(cfg.Catalogue.Dir)
	if err != nil {
		return err
	}
	logger, written := a.logger(cfg)
	defer written.Close()
	client, err := llm.New(llm.Options{Providers: providers(cfg), Logger: logger, Catalogue: catalogue})
	if err != nil {
		return err
	}
	defer client.Close()
	p := newPulse(cfg.DataDir)
	view := &loginView{app: a, catalogue: catalogue, pulse: p}
	options := relayOptions(cfg)
	options.Completer, options.Catalogue, options.Logger = client, catalogue, logger
	options.Sources, options.Prober = client, client
	channel := wechat.New(wechat.Options{
		Session: session(cfg), Mode: cfg.WeChatMode, ShowLogin: view.show, Logger: logger,
	})
	defer channel.Close()
	options.Channel = channel
	relay, err := bot.New(options)
	if err != nil {
		return err
	}
	return a.relay(ctx, relay, p, cfg.Grace.String())
}

// relay runs the bot, with its heart beating, and says how it ended.
func (a *app) relay(ctx context.Context, relay *bot.Relay, p *pulse, grace string) error {
	beating, still := context.WithCancel(context.WithoutCancel(ctx))
	var heart sync.WaitGroup
	heart.Go(func() { p.beat(beating) })
	defer heart.Wait()
	defer still()
	stopWords := context.AfterFunc(ctx, func() {
		fmt.Fprintln(a.out, a.say("serve_stopping", "grace", grace))
	})
	defer stopWords()
	err := relay.Run(ctx)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		fmt.Fprintln(a.out, a.say("serve_stopped"))
		return nil
	case troubleshoot.FaultOf(err).Source == troubleshoot.SourceWeChat:
		return statusLost // the login view has explained it
	}
	fmt.Fprintln(a.err, a.say("serve_lost"))
	return err
}

// claim makes the data directory and keeps other processes out of it.
func (a *app) claim(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		fmt.Fprintln(a.err, a.say("data_dir_bad", "path", dir, "why", reason(err)))
		return nil, statusUsage
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	switch free, err := lock.TryLock(); {
	case err != nil:
		fmt.Fprintln(a.err, a.say("data_dir_bad", "path", dir, "why", reason(err)))
		return nil, statusUsage
	case !free:
		fmt.Fprintln(a.err, a.say("data_dir_locked", "path", dir))
		return nil, statusUsage
	}
	return func() { _ = lock.Unlock() }, nil
}

// reason is an error of the file system without the path, which is said
// already.
func reason(err error) string {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// session is where the login is kept: nowhere if the operator wants a scan at
// every start.
func session(cfg *configs.Config) wechat.Session {
	if !cfg.HotReload {
		return nil
	}
	return store.NewSession(filepath.Join(cfg.DataDir, "wechat-session.json"))
}

func relayOptions(cfg *configs.Config) bot.Options {
	thinking := cfg.ThinkingAfter
	if thinking == 0 {
		thinking = -1 // never
	}
	return bot.Options{
		PrivatePrefixes: cfg.PrivatePrefixes, PrivateReplyPrefix: cfg.ReplyPrefix,
		GroupPrefixes: cfg.GroupPrefixes, Groups: cfg.Groups,
		System: cfg.System, Locale: cfg.Locale,
		Deadline: cfg.Deadline, ThinkingAfter: thinking, Grace: cfg.Grace,
		MailboxSize: cfg.MailboxSize, MaxMessage: cfg.MaxMessage,
		MemoryTurns: cfg.MemoryTurns, MemoryExpiry: cfg.MemoryExpiry,
		SendInterval: cfg.SendInterval, SendBurst: cfg.SendBurst,
	}
}
