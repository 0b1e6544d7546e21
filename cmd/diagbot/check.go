package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/diagbot/diagbot/bot/ilink"
	"github.com/diagbot/diagbot/bot/wechat"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/store"
	"github.com/diagbot/diagbot/llm"
	"github.com/diagbot/diagbot/troubleshoot"
)

func (a *app) check() *cobra.Command {
	var offline, alerts bool
	c := &cobra.Command{
		Use:   "check",
		Short: a.say("check_short"),
		Long:  a.say("check_long"),
		Args:  a.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			catalogue, err := catalogueWith(cfg.Catalogue.Dir)
			if err != nil {
				return err
			}
			recallChannel(cfg)
			r := &report{app: a, catalogue: catalogue}
			r.configuration(c.Context(), cfg, offline)
			r.alerts(c.Context(), cfg, alerts)
			if !offline {
				r.wechat(c.Context(), cfg)
				if err := r.providers(c.Context(), cfg); err != nil {
					return err
				}
			}
			return r.conclude()
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, a.say("check_flag_offline"))
	c.Flags().BoolVar(&alerts, "alerts", false, a.say("check_flag_alerts"))
	return c
}

// report prints the results of checks and counts them.
type report struct {
	*app
	catalogue     *troubleshoot.Catalogue
	total, failed int
	explained     []string // ids of entries
}

func (r *report) ok(key string, args ...string) {
	r.total++
	fmt.Fprintln(r.out, r.say(key, args...))
}

func (r *report) bad(key string, args ...string) {
	r.total++
	r.failed++
	fmt.Fprintln(r.out, r.say(key, args...))
}

func (r *report) conclude() error {
	if r.failed > 0 {
		fmt.Fprintln(r.out, r.say("check_failed", "count", strconv.Itoa(r.failed), "total", strconv.Itoa(r.total)))
		return statusFailed
	}
	fmt.Fprintln(r.out, r.say("check_all_ok"))
	return nil
}

func (r *report) configuration(ctx context.Context, cfg *configs.Config, offline bool) {
	file := cfg.File
	if file == "" {
		file = r.say("check_config_env")
	}
	r.ok("check_config_ok", "path", file)
	if err := writable(cfg.DataDir); err != nil {
		r.bad("check_data_bad", "path", cfg.DataDir, "why", reason(err))
		return
	}
	r.ok("check_data_ok", "path", cfg.DataDir)
	if cfg.Store.URL.Empty() || !offline {
		r.store(ctx, cfg)
	}
}

// store looks whether the store can be opened, where there is one already.
func (r *report) store(ctx context.Context, cfg *configs.Config) {
	o := storeOptions(cfg)
	err := store.Look(ctx, o)
	switch {
	case err != nil:
		r.total++
		r.failed++
		fmt.Fprintln(r.out, r.whyStore(cfg, err))
	case store.Made(o):
		r.ok("check_store_ok")
	}
}

// roomProbe is how much a check writes, in bytes: about what an empty store takes.
const roomProbe = 256 << 10

// writable makes the directory, if need be, and a file in it for a moment.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".check.*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, roomProbe))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// wechat looks whether the servers that the accounts need can be reached. Nothing
// is logged in.
func (r *report) wechat(ctx context.Context, cfg *configs.Config) {
	uses := func(channel string) bool {
		return slices.ContainsFunc(cfg.Accounts, func(a configs.Account) bool { return a.Channel == channel })
	}
	if uses(configs.ChannelOpenWeChat) {
		for _, v := range wechat.Reach(ctx, nil) {
			r.visited(v.Host, v.Took, v.Fault)
		}
	}
	if uses(configs.ChannelILink) {
		for _, v := range ilink.Reach(ctx, nil) {
			r.visited(v.Host, v.Took, v.Fault)
		}
	}
}

// visited prints what came of a visit to one of WeChat's servers.
func (r *report) visited(host string, took time.Duration, f *troubleshoot.Fault) {
	if f != nil {
		r.bad("check_wechat_bad", "host", host)
		r.explain(f)
		return
	}
	r.ok("check_wechat_ok", "host", host, "took", r.brief(took))
}

func (r *report) providers(ctx context.Context, cfg *configs.Config) error {
	logger, written := r.logger(cfg, troubleshoot.NewRedactor(secrets(cfg)...))
	defer written.Close()
	client, err := llm.New(llm.Options{Providers: providers(cfg), Logger: logger, Catalogue: r.catalogue})
	if err != nil {
		return err
	}
	defer client.Close()
	for _, c := range client.Check(ctx) {
		r.provider(c)
	}
	return nil
}

func (r *report) provider(c llm.Check) {
	if fault := c.Fault(); fault != nil {
		r.bad("check_provider_bad", "name", c.Provider, "key", c.Key)
		r.steps(c)
		r.explain(fault)
	} else {
		r.ok("check_provider_ok", "name", c.Provider, "key", c.Key, "took", r.brief(c.Took))
		r.steps(c)
	}
	if c.TryURL != "" {
		fmt.Fprintln(r.out, r.say("check_try_url", "url", c.TryURL))
	}
	if days, ok := c.CertDays(time.Now()); ok {
		fmt.Fprintln(r.out, r.lifetime(days))
	}
}

// lifetime says how many whole days a certificate is valid for, or has not been.
func (w words) lifetime(days int) string {
	switch {
	case days < -1:
		return w.say("probe_cert_over", "days", strconv.Itoa(-days))
	case days == -1:
		return w.say("probe_cert_over_one")
	case days == 0:
		return w.say("check_certificate_today")
	case days == 1:
		return w.say("check_certificate_one")
	}
	return w.say("check_certificate", "days", strconv.Itoa(days))
}

// steps prints how far a check got and what is to be said about its models.
func (r *report) steps(c llm.Check) {
	var passed []string
	for _, s := range c.Steps {
		mark := r.brief(s.Took)
		switch {
		case s.Fault != nil:
			mark = "✗"
		case s.Unknown:
			mark = "?"
		}
		passed = append(passed, strings.TrimSpace(s.Name+" "+s.Model+" "+mark))
	}
	if len(passed) > 0 {
		fmt.Fprintln(r.out, r.say("check_steps", "steps", strings.Join(passed, ", ")))
	}
	for _, s := range c.Steps {
		switch {
		case s.Name == llm.StepModel && s.Fault != nil:
			fmt.Fprintln(r.out, r.say("check_model_missing", "model", s.Model))
		case s.Name == llm.StepModel && s.Unknown:
			fmt.Fprintln(r.out, r.say("check_model_unlisted", "model", s.Model))
		}
	}
}

// explain prints what the catalogue has on a fault, indented; once for each entry.
func (r *report) explain(f *troubleshoot.Fault) {
	entry := r.catalogue.Diagnose(f).Entry
	if slices.Contains(r.explained, entry.ID) {
		fmt.Fprintln(r.out, r.say("check_above", "entry", entry.ID))
		return
	}
	r.explained = append(r.explained, entry.ID)
	text := r.catalogue.Explain(entry.ID, troubleshoot.Telling{
		Audience: troubleshoot.AudienceAdmin, Locale: r.chatLocale(r.catalogue),
	})
	fmt.Fprintln(r.out, "  "+strings.ReplaceAll(text, "\n", "\n  "))
}

func (r *report) brief(d time.Duration) string { return r.span(d.Round(time.Millisecond)) }
