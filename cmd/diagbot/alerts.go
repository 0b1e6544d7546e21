package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/configs"
	"github.com/diagbot/diagbot/internal/alert"
	"github.com/diagbot/diagbot/troubleshoot"
)

// alarm tells the operator outside WeChat what cannot be said inside.
type alarm struct {
	*app
	*alert.Alerter
	catalogue func() *troubleshoot.Catalogue // as it is now
	affairs   affairs
}

// newAlarm prepares the configured targets, or tells the operator what is wrong
// with them.
func (a *app) newAlarm(cfg *configs.Config, o alert.Options, catalogue func() *troubleshoot.Catalogue) (*alarm, error) {
	o.Targets = targets(cfg)
	alerter, err := alert.New(o)
	if err != nil {
		for _, why := range problemsOf(err) {
			fmt.Fprintln(a.err, a.say("alert_bad", "why", why))
		}
		return nil, statusUsage
	}
	return &alarm{app: a, Alerter: alerter, catalogue: catalogue}, nil
}

// problemsOf lists what errors.Join has joined.
func problemsOf(err error) []string { return strings.Split(err.Error(), "\n") }

// hush gives the last alerts some time to go out.
func (m *alarm) hush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = m.Close(ctx) // what did not go out is in the log
}

func targets(cfg *configs.Config) []alert.Target {
	all := make([]alert.Target, len(cfg.Alerts))
	for i, a := range cfg.Alerts {
		all[i] = alert.Target{
			Name: a.Name, Kind: a.Kind, Events: a.Events, URL: a.URL.Reveal(), Secret: a.Secret.Reveal(),
			Host: a.Host, User: a.User, Password: a.Password.Reveal(), From: a.From, To: a.To, Security: a.Security,
		}
	}
	return all
}

// The troubles that alerts are about; each is one per account.
const (
	alarmLogin = "login" // nobody is logged in
	alarmScan  = "scan"  // a code waits to be scanned
	alarmHeld  = "held"  // WeChat takes no replies for a chat
	alarmEnd   = "end"   // serve has given the account up
)

// eventOf names what an alert about a trouble counts as.
func eventOf(kind string) string {
	switch kind {
	case bot.TroubleStore:
		return alert.EventStore
	case alarmEnd:
		return alert.EventStop
	}
	return alert.EventLogin
}

// tell tells of a trouble whose page is the fault's.
func (m *alarm) tell(account, kind string, f *troubleshoot.Fault) {
	c := m.catalogue()
	entry, tag := c.Diagnose(f).Entry, m.chatLocale(c)
	m.Tell(alert.Alert{
		Key: account + "/" + kind, Event: eventOf(kind), Account: account, Severity: alert.Severity(entry.Severity), At: time.Now(),
		Title: c.Title(entry.ID, tag),
		Text:  c.Explain(entry.ID, troubleshoot.Telling{Audience: troubleshoot.AudienceAdmin, Locale: tag}),
	})
}

// scanEvery is how often the operator gets a fresh link while a login waits for a
// scan: a link is good for some minutes only.
const scanEvery = 30 * time.Minute

// scan hands the operator the link of a login.
func (m *alarm) scan(account, link string) {
	now := time.Now()
	m.Tell(alert.Alert{
		Key: fmt.Sprint(account, "/", alarmScan, "/", now.Truncate(scanEvery).Unix()), Event: alert.EventLogin, Account: account, Severity: alert.Critical, At: now,
		Title: m.say("alert_scan"), Text: m.say("alert_scan_text"), Link: link,
	})
}

// unscanned tells that no more links of a login follow by themselves.
func (m *alarm) unscanned(account string) {
	m.Tell(alert.Alert{
		Key: account + "/" + alarmLogin, Event: alert.EventLogin, Account: account, Severity: alert.Critical, At: time.Now(),
		Title: m.say("alert_unscanned"), Text: m.say("login_given_up"),
	})
}

// over tells that a trouble has ended, whoever was told of it.
func (m *alarm) over(account, kind, title string) {
	m.Tell(alert.Alert{
		Key: account + "/" + kind, Event: eventOf(kind), Account: account, Severity: alert.Info, At: time.Now(), Title: title, Recovered: true,
	})
}

// gone tells that serve ends although nobody asked it to.
func (m *alarm) gone(account string, err error) {
	m.Tell(alert.Alert{
		Key: account + "/" + alarmEnd, Event: alert.EventStop, Account: account, Severity: alert.Critical, At: time.Now(),
		Title: m.say("alert_end"), Text: err.Error(),
	})
}
