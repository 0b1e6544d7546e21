package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/alert"
	"github.com/diagbot/diagbot/troubleshoot"
)

// alerts looks whether alerts can go out, and with send, whether they arrive.
func (r *report) alerts(ctx context.Context, cfg *configs.Config, send bool) {
	if len(cfg.Alerts) == 0 {
		if send {
			r.bad("check_alerts_none")
		}
		return
	}
	alerter, err := alert.New(alert.Options{Targets: targets(cfg), Redactor: troubleshoot.NewRedactor(secrets(cfg)...)})
	if err != nil {
		for _, why := range problemsOf(err) {
			r.bad("alert_bad", "why", why)
		}
		return
	}
	defer func() { _ = alerter.Close(ctx) }() // nothing waits
	if !send {
		r.ok("check_alerts_ok", "count", strconv.Itoa(len(cfg.Alerts)))
		return
	}
	test := alert.Alert{Severity: alert.Info, Title: r.say("alert_test"), Text: r.say("alert_test_text"), At: time.Now()}
	for _, result := range alerter.Test(ctx, test) {
		var failed *alert.Failure
		switch {
		case result.Err == nil:
			r.ok("check_alert_taken", "name", result.Target, "kind", result.Kind, "took", r.brief(result.Took))
		case errors.As(result.Err, &failed):
			r.bad("check_alert_failed", "why", failed.Error())
		}
	}
}
