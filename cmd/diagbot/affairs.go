package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/alert"
	"github.com/diagbot/diagbot/troubleshoot"
)

// affairs are the outages of AI services that the accounts of this process have. As
// accounts share the services, one outage is one alert, and over when it is for all.
type affairs struct {
	mu  sync.Mutex
	all map[affair]*stricken
}

// affair names an outage.
type affair struct{ entry, provider string }

// stricken is whom an outage has met.
type stricken struct {
	key      string // of its alerts
	accounts map[string]bool
}

// meets notes that an account has an outage, and returns what its alerts go by.
func (a *affairs) meets(account string, o bot.Outage) (key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = make(map[affair]*stricken)
	}
	name := affair{o.Entry, o.Provider}
	s := a.all[name]
	if s == nil {
		s = &stricken{key: fmt.Sprint("ai/", o.Entry, "/", o.Provider, "/", o.Since.Unix()), accounts: make(map[string]bool)}
		a.all[name] = s
	}
	s.accounts[account] = true
	return s.key
}

// leaves notes that an account has an outage no more, and reports whether nobody
// has.
func (a *affairs) leaves(account string, name affair) (key string, over bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.all[name]
	if s == nil || !s.accounts[account] {
		return "", false
	}
	delete(s.accounts, account)
	if len(s.accounts) > 0 {
		return "", false
	}
	delete(a.all, name)
	return s.key, true
}

// forget notes that an account is served here no more, whatever became of its
// outages.
func (a *affairs) forget(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, s := range a.all {
		delete(s.accounts, account)
		if len(s.accounts) == 0 {
			delete(a.all, name)
		}
	}
}

// outage tells of trouble with an AI service, or that it is over.
func (m *alarm) outage(account string, o bot.Outage) {
	c := m.catalogue()
	entry, ok := c.Entry(o.Entry)
	if !ok {
		return
	}
	tag := m.chatLocale(c)
	al := alert.Alert{
		Event: alert.EventAI, Account: account, Severity: alert.Severity(entry.Severity), At: time.Now(),
		Title: c.Title(o.Entry, tag) + c.Say(tag, "join") + c.Say(tag, "ref", "code", entry.Code, "ref", o.Ref), Text: o.Words(tag),
	}
	if !o.Urgent {
		al.Event = alert.EventAILasting
	}
	if o.Over {
		if al.Key, al.Recovered = m.affairs.leaves(account, affair{o.Entry, o.Provider}); !al.Recovered {
			return
		}
		al.Severity, al.Title = alert.Info, c.Say(tag, "notice_recovered", "title", al.Title)
		m.Tell(al)
		return
	}
	al.Key = m.affairs.meets(account, o)
	al.Steps = c.Explain(o.Entry, troubleshoot.Telling{Audience: troubleshoot.AudienceAdmin, Locale: tag})
	m.Tell(al)
}
