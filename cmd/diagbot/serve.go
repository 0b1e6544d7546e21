package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/alert"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func (a *app) serve() *cobra.Command {
	var channel string
	c := &cobra.Command{
		Use:   "serve",
		Short: a.say("serve_short"),
		Long:  a.say("serve_long"),
		Args:  a.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a.saveMemory()
			a.spareProcessor()
			a.outliveReaders()
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			return a.serveWith(c.Context(), cfg, channel)
		},
	}
	c.Flags().StringVar(&channel, "channel", "", a.say("serve_flag_channel"))
	return c
}

// serveWith runs the bot until ctx ends or WeChat refuses all accounts. channel is
// the way to log in that the command line asks for; empty: none.
func (a *app) serveWith(ctx context.Context, cfg *configs.Config, channel string) error {
	unlock, err := a.lockDir(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	keys := a.newKeyboard()
	if err := a.choose(ctx, cfg, channel, keys); err != nil {
		return err
	}
	if ctx.Err() != nil { // while the question was open
		fmt.Fprintln(a.out, "\n"+a.say("serve_stopped"))
		return nil
	}
	defer a.speakAside()()
	catalogue, err := catalogueWith(cfg.Catalogue.Dir)
	if err != nil {
		return err
	}
	redactor := troubleshoot.NewRedactor(secrets(cfg)...)
	logger, written := a.logger(cfg, redactor)
	defer written.Close()
	client, err := llm.New(llm.Options{Providers: providers(cfg), Logger: logger, Catalogue: catalogue})
	if err != nil {
		return err
	}
	defer client.Close()
	db, err := a.openStore(ctx, cfg, logger)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(a.out, a.say("serve_stopped"))
		return nil
	case err != nil:
		return err
	}
	defer func() {
		if err := db.Close(); err != nil {
			logger.Error("the store was not closed well", "error", err)
		}
	}()
	var shelf atomic.Pointer[troubleshoot.Catalogue]
	shelf.Store(catalogue)
	alarm, err := a.newAlarm(cfg, newSlate(db, logger), alert.Options{Redactor: redactor, Logger: logger}, shelf.Load)
	if err != nil {
		return err
	}
	defer alarm.hush(ctx)
	o := &office{app: a, cfg: cfg, catalogue: shelf.Load, client: client, db: db, logger: logger, redactor: redactor, alarm: alarm,
		pulse: newPulse(cfg.DataDir), keys: keys, node: nodeName(cfg)}
	o.control, o.doors = o.newControl(&shelf), newDoors(len(cfg.Accounts))
	o.crier = newCrier(shelf.Load, o.control.others)
	return o.run(ctx)
}

// speakAside has all that is printed go out in the background, until the function it
// returns is called.
func (a *app) speakAside() (end func()) {
	v := newVoice(a.out)
	a.out = v
	return v.close
}

// run answers for all accounts, with the heart beating, and says how it ended.
func (o *office) run(ctx context.Context) error {
	beating, still := context.WithCancel(context.WithoutCancel(ctx))
	var heart sync.WaitGroup
	heart.Go(func() { o.pulse.beat(beating) })
	heart.Go(func() { o.keys.run(beating) })
	heart.Go(func() { o.crier.run(beating) })
	heart.Go(func() { o.alarm.slate.run(beating) })
	if !o.cfg.Store.URL.Empty() { // else nobody shares the store
		heart.Go(func() { o.control.follow(beating, followEvery) })
	}
	defer heart.Wait()
	defer still()
	defer context.AfterFunc(ctx, o.halt)()
	err := o.serveAll(ctx)
	if err == nil {
		fmt.Fprintln(o.out, o.say("serve_stopped"))
	}
	return err
}

// lockDir makes the data directory and keeps other processes out of it.
func (a *app) lockDir(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, a.dirBad(dir, err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	switch free, err := lock.TryLock(); {
	case err != nil:
		return nil, a.dirBad(dir, err)
	case !free:
		fmt.Fprintln(a.err, a.say("data_dir_locked", "path", dir))
		return nil, statusUsage
	}
	return func() { _ = lock.Unlock() }, nil
}

// dirBad tells the operator why a data directory cannot be used. The error it
// returns asks for another start later where there may be room then.
func (a *app) dirBad(dir string, err error) error {
	fmt.Fprintln(a.err, a.say("data_dir_bad", "path", dir, "why", reason(err)))
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return statusFailed
	}
	return statusUsage
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

// forever is how long conversations are kept that never expire.
const forever = 100 * 365 * 24 * time.Hour

// openStore opens the database, or tells the operator what is wrong with it.
func (a *app) openStore(ctx context.Context, cfg *configs.Config, logger *slog.Logger) (*store.DB, error) {
	o := storeOptions(cfg)
	o.Logger = logger
	db, err := store.Open(ctx, o)
	switch {
	case err != nil && ctx.Err() != nil: // the operator does not want it any more
		return nil, err
	case err != nil:
		return nil, a.storeBad(cfg, err)
	}
	return db, nil
}

func storeOptions(cfg *configs.Config) store.Options {
	return store.Options{
		Dir: cfg.DataDir, URL: cfg.Store.URL.Reveal(), Key: []byte(cfg.Store.Key.Reveal()),
		Retention: store.Retention{Conversations: cmp.Or(cfg.MemoryExpiry, forever)},
	}
}

// storeBad tells the operator why the store cannot be used. The error it returns
// asks for another start later where the reason may go away by itself.
func (a *app) storeBad(cfg *configs.Config, err error) error {
	fmt.Fprintln(a.err, a.whyStore(cfg, err))
	var trouble *store.Error
	if errors.As(err, &trouble) && trouble.Kind != store.Damaged && trouble.Kind != store.Other {
		return statusFailed
	}
	return statusUsage
}

// whyStore says why the store cannot be used, and which setting chooses it.
func (a *app) whyStore(cfg *configs.Config, err error) string {
	key, setting := "store_bad", "data_dir"
	if !cfg.Store.URL.Empty() {
		setting = "store.url"
	}
	if errors.Is(err, store.ErrNewerSchema) {
		key = "store_newer"
	}
	return a.say(key, "why", err.Error(), "setting", setting)
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
		MailboxSize: cfg.MailboxSize, MaxMessage: cfg.MaxMessage, StaleAfter: cfg.StaleAfter,
		MemoryTurns: cfg.MemoryTurns, MemoryExpiry: cfg.MemoryExpiry,
		SendInterval: cfg.SendInterval, SendBurst: cfg.SendBurst,
		Limits: bot.Limits{
			PersonMinute: cfg.Limits.PersonMinute, PersonDay: cfg.Limits.PersonDay,
			GroupMinute: cfg.Limits.GroupMinute, GroupDay: cfg.Limits.GroupDay,
		},
	}
}
