package configs

import (
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
)

// state checks what is kept where, for whom.
func (l *loader) state(c *Config) {
	if text := c.Store.URL.Reveal(); text != "" && !l.bad("store.url") {
		l.database(text, "store.url")
	}
	if n := len(c.Store.Key.Reveal()); n > 0 && n < minKey {
		l.add("store.key", ruleShort, minKey)
	}
	l.name(c.Node, "node")
	taken := map[string]string{}
	for i, a := range c.Accounts {
		at := "accounts[" + strconv.Itoa(i) + "]"
		if a.Name == "" {
			l.add(at+".name", ruleMissing)
		}
		l.name(a.Name, at+".name")
		l.unique(taken, a.Name, at+".name")
	}
	for i, remark := range c.AdminRemarks {
		at := "admin_remarks[" + strconv.Itoa(i) + "]"
		if strings.TrimSpace(remark) == "" {
			l.add(at, ruleEmpty)
		}
		l.short(at, remark, 32)
	}
}

// database checks the URL of a PostgreSQL, whose host may be a directory with a
// socket and is in the query then: postgres:///diagbot?host=/run/postgresql.
func (l *loader) database(text, path string) {
	if u, err := url.Parse(text); err == nil && u.Host == "" && u.Query().Get("host") != "" {
		u.Host, u.Path = "socket", "/"
		text = u.String()
	}
	l.url(text, path, "postgres", "postgresql")
}

// minKey is the length of the shortest text, in bytes, that encrypts logins.
const minKey = 16

// alerts checks where alerts go.
func (l *loader) alerts(all []Alert) {
	taken := map[string]string{}
	for i := range all {
		a, at := &all[i], "alerts["+strconv.Itoa(i)+"]"
		if a.Name == "" {
			l.add(at+".name", ruleMissing)
		}
		l.name(a.Name, at+".name")
		l.unique(taken, a.Name, at+".name")
		if a.Kind == AlertEmail {
			l.mailbox(a, at)
			continue
		}
		if a.URL.Empty() {
			if !l.bad(at + ".url") {
				l.add(at+".url", ruleMissing)
			}
			continue
		}
		l.url(a.URL.Reveal(), at+".url", "https", "http")
	}
}

// mailbox checks an alert that goes out by mail.
func (l *loader) mailbox(a *Alert, at string) {
	if host, _, err := net.SplitHostPort(a.Host); err != nil || host == "" {
		l.add(at+".host", ruleHostPort)
	}
	if _, err := mail.ParseAddress(a.From); err != nil {
		l.add(at+".from", ruleMail)
	}
	if len(a.To) == 0 {
		l.add(at+".to", ruleMissing)
	}
	for i, to := range a.To {
		if _, err := mail.ParseAddress(to); err != nil {
			l.add(at+".to["+strconv.Itoa(i)+"]", ruleMail)
		}
	}
}
