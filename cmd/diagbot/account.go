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
	redactor  *troubleshoot.Redactor // knows all secrets, those that admins add among them
	alarm     *alarm
	crier     *crier
	pulse     *pulse
	doors     *doors
	keys      *keyboard // nil: nobody sits here
	node      string

	printing sync.Mutex
	halted   bool // "Stopping" is printed
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

// release hands the account to the process that waits for it, if there is one.
func (o *office) release(owned *store.Account) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := owned.Release(ctx); err != nil && !errors.Is(err, bot.ErrNotOwner) {
		o.logger.Warn("the account was not handed back", "error", err)
	}
}

// explanation is what the catalogue has on a fault, for the operator.
func (o *office) explanation(f *troubleshoot.Fault) string {
	c := o.catalogue()
	return c.Explain(c.Diagnose(f).Entry.ID, troubleshoot.Telling{
		Audience: troubleshoot.AudienceAdmin, Locale: o.chatLocale(c),
	})
}

// invite tells the operator how to become an admin, unless serve stops: the next start
// makes another code.
func (o *office) invite(account, code string) {
	o.printing.Lock()
	defer o.printing.Unlock()
	if o.halted {
		return
	}
	args := []string{"pair"}
	if len(o.cfg.Accounts) > 1 {
		args = append(args, account)
	}
	o.print(account, o.say("pair_invite", "code", code, "command", "diagbot "+strings.Join(args, " ")))
}

// halt tells the operator that serve stops.
func (o *office) halt() {
	o.printing.Lock()
	defer o.printing.Unlock()
	o.halted = true
	fmt.Fprintln(o.out, o.say("serve_stopping", "grace", o.span(o.cfg.Grace)))
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
