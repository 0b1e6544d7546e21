package configs

import (
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
)

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
		l.events(a.Events, at+".events")
		if a.Kind == AlertEmail {
			l.mailbox(a, at)
			l.unused(at, field{"url", !a.URL.Empty()}, field{"secret", !a.Secret.Empty()})
			continue
		}
		l.webhook(a, at)
		l.unused(at, field{"host", a.Host != ""}, field{"user", a.User != ""}, field{"password", !a.Password.Empty()},
			field{"from", a.From != "" && a.From != a.User}, field{"to", len(a.To) > 0})
	}
}

// field is a setting of an alert, and whether it is there.
type field struct {
	name string
	set  bool
}

// unused reports what the kind of an alert has no use for: who sets it expects
// something of it.
func (l *loader) unused(at string, fields ...field) {
	for _, f := range fields {
		if f.set {
			l.add(at+"."+f.name, ruleUnused)
		}
	}
}

func (l *loader) events(events []string, at string) {
	if len(events) == 0 && !l.bad(at) {
		l.add(at, ruleEmpty)
	}
	for i, event := range events {
		if !slices.Contains(AlertEvents(), event) {
			l.add(at+"["+strconv.Itoa(i)+"]", ruleOneOf, quoted(event), strings.Join(AlertEvents(), ", "))
		}
	}
}

// webhook checks an alert that is posted. Only the operator's own servers ask for a
// user and a password; the others have what they need elsewhere in the URL.
func (l *loader) webhook(a *Alert, at string) {
	at += ".url"
	if a.URL.Empty() {
		if !l.bad(at) {
			l.add(at, ruleMissing)
		}
		return
	}
	u := l.url(a.URL.Reveal(), at, "https", "http")
	switch {
	case u == nil:
	case u.Scheme == "http" && !local(a.URL.Reveal()):
		l.add(at, ruleAlertPlain)
	case u.User != nil && !slices.Contains([]string{"generic", "ntfy", "bark"}, a.Kind):
		l.add(at, ruleURLLogin)
	case u.Fragment != "":
		l.add(at, ruleURLFragment)
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
