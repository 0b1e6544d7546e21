package alert

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The kinds of targets.
const (
	KindGeneric  = "generic"  // our own JSON, see [Message]
	KindFeishu   = "feishu"   // a custom bot of a Feishu or Lark group
	KindDingTalk = "dingtalk" // a custom robot of a DingTalk group
	KindWeCom    = "wecom"    // a robot of a WeCom group
	KindBark     = "bark"     // the iPhone app
	KindNtfy     = "ntfy"     // ntfy.sh or a server of one's own
	KindEmail    = "email"    // mail, by SMTP
)

// How the connection to a mail server is secured.
const (
	SecurityTLS      = "tls"      // TLS from the first byte, usually port 465
	SecurityStartTLS = "starttls" // TLS or nothing after STARTTLS, usually port 587
	SecurityNone     = "none"     // no encryption; the password is only sent by ways that hide it
)

// Target is a place where alerts go.
type Target struct {
	Name   string // unique; stands in logs and errors
	Kind   string
	Events []string // what it is told of; empty: all but EventAILasting

	// URL is the webhook as its vendor shows it: for Bark https://HOST/KEY, or
	// https://HOST with the key as Secret; for ntfy https://HOST/TOPIC. It is https,
	// or http within the machine or the local network. That of a server of
	// one's own (generic, ntfy, Bark) may hold a user name and a password, which are sent
	// as HTTP's basic authentication.
	URL string
	// Secret signs what goes to Feishu, DingTalk and generic webhooks, is the token
	// of a protected ntfy topic, and may be Bark's key. Empty: none.
	Secret string

	Host     string // of the mail server, "host" or "host:port"
	User     string // empty: no login
	Password string
	From     string   // an address, also "Name <address>"
	To       []string // one to 50 such addresses
	Security string   // empty: tls
}

// Problem is something wrong with a target.
type Problem struct {
	Target string // its name, or its number in the list, as in "#2"
	Field  string // the field of [Target], in lower case
	Why    string // in English, without secrets
}

func (p *Problem) Error() string {
	return fmt.Sprintf("alert target %q: %s: %s", p.Target, p.Field, p.Why)
}

// check returns all that is wrong with the targets, each a *Problem, joined.
func check(targets []Target) error {
	var found []error
	names := map[string]bool{}
	for i := range targets {
		t := &targets[i]
		c := checker{target: t.Name}
		if t.Name == "" {
			c.target = fmt.Sprintf("#%d", i+1)
			c.bad("name", "is missing")
		} else if names[t.Name] {
			c.bad("name", "is not unique")
		}
		names[t.Name] = true
		c.all(t)
		found = append(found, c.found...)
	}
	return errors.Join(found...)
}

// checker collects the problems of one target.
type checker struct {
	target string
	found  []error
}

func (c *checker) bad(field, why string) {
	c.found = append(c.found, &Problem{c.target, field, why})
}

func (c *checker) all(t *Target) {
	for i, event := range t.Events {
		if !slices.Contains(Events(), event) {
			c.bad(fmt.Sprintf("events[%d]", i), "is not one of "+strings.Join(Events(), ", "))
		}
	}
	switch t.Kind {
	case KindEmail:
		c.mail(t)
	case KindGeneric, KindFeishu, KindDingTalk, KindWeCom, KindBark, KindNtfy:
		c.hook(t)
	case "":
		c.bad("kind", "is missing")
	default:
		c.bad("kind", "is not one of generic, feishu, dingtalk, wecom, bark, ntfy, email")
	}
}

func (c *checker) hook(t *Target) {
	u, err := url.Parse(strings.TrimSpace(t.URL))
	switch {
	case t.URL == "":
		c.bad("url", "is missing")
		return
	case err != nil || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "":
		c.bad("url", "is not the address of a webhook") // the error would repeat it
		return
	case u.Scheme == "http" && !local(u.Hostname()):
		c.bad("url", "must be https outside the local network")
	case u.User != nil && !slices.Contains([]string{KindGeneric, KindNtfy, KindBark}, t.Kind):
		c.bad("url", "has a user name or password, which this kind has no use for")
	}
	path := strings.Trim(u.Path, "/")
	switch {
	case t.Kind == KindDingTalk && u.Query().Get("access_token") == "":
		c.bad("url", "has no access_token")
	case t.Kind == KindWeCom && u.Query().Get("key") == "":
		c.bad("url", "has no key")
	case t.Kind == KindFeishu && path == "":
		c.bad("url", "has no path")
	case t.Kind == KindBark && path == "" && t.Secret == "":
		c.bad("url", "has no key, as in https://api.day.app/KEY")
	case t.Kind == KindNtfy && (path == "" || strings.Contains(path, "/")):
		c.bad("url", "is not of the form https://ntfy.sh/TOPIC")
	case t.Kind == KindWeCom && t.Secret != "":
		c.bad("secret", "is not used by this kind")
	case strings.ContainsFunc(t.Secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		c.bad("secret", "has blanks or other characters that no secret has")
	}
}

func (c *checker) mail(t *Target) {
	host, port := splitHost(t.Host, t.Security)
	switch {
	case t.Host == "":
		c.bad("host", "is missing")
	case host == "" || port == 0 || strings.ContainsAny(host, " \t\r\n/@"):
		c.bad("host", "is not of the form HOST or HOST:PORT")
	}
	if !slices.Contains([]string{"", SecurityTLS, SecurityStartTLS, SecurityNone}, t.Security) {
		c.bad("security", "is not one of tls, starttls, none")
	}
	if (t.User == "") != (t.Password == "") {
		c.bad("password", "goes with a user, and the other way round")
	}
	if _, err := mail.ParseAddress(t.From); err != nil {
		c.bad("from", "is not a mail address")
	}
	if len(t.To) == 0 || len(t.To) > 50 {
		c.bad("to", "has no or more than 50 addresses")
	}
	for i, to := range t.To {
		if _, err := mail.ParseAddress(to); err != nil {
			c.bad(fmt.Sprintf("to[%d]", i), "is not a mail address")
		}
	}
}

// splitHost returns host and port, with the usual port of the security if none
// is given; port 0 if it is none.
func splitHost(s, security string) (host string, port int) {
	host, digits, err := net.SplitHostPort(s)
	if err != nil {
		usual := map[string]int{SecurityStartTLS: 587, SecurityNone: 25}
		if port = usual[security]; port == 0 {
			port = 465
		}
		host = strings.Trim(s, "[]")
		if _, err := netip.ParseAddr(host); err != nil && strings.Contains(host, ":") {
			return "", 0
		}
		return host, port
	}
	port, err = net.LookupPort("tcp", digits)
	if err != nil {
		return "", 0
	}
	return host, port
}

// hears reports whether the target is told of an event.
func (t *Target) hears(event string) bool {
	events := t.Events
	if len(events) == 0 {
		events = usually()
	}
	return event == "" || slices.Contains(events, event)
}

// local reports hosts that are reached without crossing the internet.
func local(host string) bool {
	host = strings.ToLower(host)
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
	}
	for _, suffix := range [...]string{".local", ".internal", ".lan", ".localhost"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	// 134744072 and 0x8080808 are addresses to some resolvers.
	return host != "" && !strings.Contains(host, ".") && (host[0] < '0' || host[0] > '9')
}

// secrets are the parts of the target that must appear nowhere.
func (t *Target) secrets() []string {
	all := []string{t.URL, t.Secret, t.Password}
	u, err := url.Parse(t.URL)
	if err != nil {
		return all
	}
	all = append(all, u.RawQuery, u.Path, u.EscapedPath())
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 8 {
			all = append(all, part)
		}
	}
	for _, values := range u.Query() {
		all = append(all, values...)
	}
	if password, ok := u.User.Password(); ok {
		all = append(all, password)
	}
	return all
}
