package main

import (
	"fmt"
	"strings"
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

// affairKey begins the keys of their alerts.
const affairKey = "ai/"

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
	s := a.stricken(affair{o.Entry, o.Provider}, fmt.Sprint(affairKey, o.Entry, "/", o.Provider, "/", o.Since.Unix()))
	s.accounts[account] = true
	return s.key
}

// recall notes that an account had an outage whose alerts went by a key, when it was
// answered for last.
func (a *affairs) recall(account, key string) {
	rest, ok := strings.CutPrefix(key, affairKey)
	entry, rest, _ := strings.Cut(rest, "/")
	end := strings.LastIndexByte(rest, '/')
	if !ok || end < 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stricken(affair{entry, rest[:end]}, key).accounts[account] = true
}

// stricken returns whom an outage has met, whose alerts go by the key if it is new.
func (a *affairs) stricken(name affair, key string) *stricken {
	if a.all == nil {
		a.all = make(map[affair]*stricken)
	}
	s := a.all[name]
	if s == nil {
		s = &stricken{key: key, accounts: make(map[string]bool)}
		a.all[name] = s
	}
	return s
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
