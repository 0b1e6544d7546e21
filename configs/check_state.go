package configs

import (
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
