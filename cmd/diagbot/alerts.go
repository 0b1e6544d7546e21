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
	slate     *slate
	targets   []string // names
	affairs   affairs
}

// newAlarm prepares the configured targets, or tells the operator what is wrong
// with them.
func (a *app) newAlarm(cfg *configs.Config, s *slate, o alert.Options, catalogue func() *troubleshoot.Catalogue) (*alarm, error) {
	o.Targets, o.Noted = targets(cfg), s.note
	alerter, err := alert.New(o)
	if err != nil {
		for _, why := range problemsOf(err) {
			fmt.Fprintln(a.err, a.say("alert_bad", "why", why))
		}
		return nil, statusUsage
	}
	m := &alarm{app: a, Alerter: alerter, catalogue: catalogue, slate: s}
	for _, t := range o.Targets {
		m.targets = append(m.targets, t.Name)
	}
	return m, nil
}

// problemsOf lists what errors.Join has joined.
func problemsOf(err error) []string { return strings.Split(err.Error(), "\n") }

// hush gives the last alerts some time to go out, and to be kept.
func (m *alarm) hush(ctx context.Context) {
	later := context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(later, 5*time.Second)
	defer cancel()
	_ = m.Close(ctx) // what did not go out is in the log
	ctx, cancel = context.WithTimeout(later, time.Second)
	defer cancel()
	_ = m.slate.dry(ctx) // so is what was not kept
}

// recall goes on from what the targets were told of an account, by this process or
// another, until leave is called. What cannot be read is told again.
func (m *alarm) recall(ctx context.Context, account string, from settings) error {
	if len(m.targets) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	notes, err := m.slate.read(ctx, account, from, m.targets)
	if err != nil {
		return err
	}
	m.Recall(account, notes)
	for _, n := range notes {
		m.affairs.recall(account, n.Key)
	}
	return nil
}

// leave forgets what the targets know of an account, which may be another process's
// from here on.
func (m *alarm) leave(account string) {
	m.affairs.forget(account)
	m.Recall(account, nil)
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

// keyOf is the key of an account's alerts about one of them.
func keyOf(account, kind string) string { return account + "/" + kind }

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
		Key: keyOf(account, kind), Event: eventOf(kind), Account: account, Severity: alert.Severity(entry.Severity), At: time.Now(),
		About:    entry.ID,
		Title:    c.Title(entry.ID, tag),
		Text:     c.Explain(entry.ID, troubleshoot.Telling{Audience: troubleshoot.AudienceAdmin, Locale: tag}),
		Fleeting: kind == bot.TroubleStore, // it would be kept there
	})
}

// scanEvery is how often the operator gets a fresh link while a login waits for a
// scan: a link is good for some minutes only.
const scanEvery = 30 * time.Minute

// linkAnew is how soon another process hands out a link after the last: that one died
// with the process that got it, but whoever restarts in a loop is not to ring all night.
const linkAnew = 5 * time.Minute

// scan hands the operator the link of a login.
func (m *alarm) scan(account, link string) {
	m.Tell(alert.Alert{
		Key: keyOf(account, alarmScan), Event: alert.EventLogin, Account: account, Severity: alert.Critical, At: time.Now(),
		Title: m.say("alert_scan"), Text: m.say("alert_scan_text"), Link: link, Every: scanEvery,
	})
}

// unscanned tells that no more links of a login follow by themselves.
func (m *alarm) unscanned(account string) {
	m.Tell(alert.Alert{
		Key: keyOf(account, alarmLogin), Event: alert.EventLogin, Account: account, Severity: alert.Critical, At: time.Now(),
		About: "unscanned", Title: m.say("alert_unscanned"), Text: m.say("login_given_up"),
	})
}

// over tells that a trouble has ended, whoever was told of it, and others with it.
func (m *alarm) over(account, title, kind string, others ...string) {
	al := alert.Alert{
		Key: keyOf(account, kind), Event: eventOf(kind), Account: account, Severity: alert.Info, At: time.Now(), Title: title, Recovered: true,
	}
	for _, other := range others {
		al.Also = append(al.Also, keyOf(account, other))
	}
	m.Tell(al)
}

// online tells that an account is logged in, and all that kept it from answering over.
func (m *alarm) online(account, title string) {
	m.over(account, title, alarmLogin, alarmScan, alarmEnd)
}

// gone tells that serve ends although nobody asked it to.
func (m *alarm) gone(account string, err error) {
	m.Tell(alert.Alert{
		Key: keyOf(account, alarmEnd), Event: alert.EventStop, Account: account, Severity: alert.Critical, At: time.Now(),
		Title: m.say("alert_end"), Text: err.Error(),
	})
}
