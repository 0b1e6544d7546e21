// Package alert says outside WeChat what cannot be said inside: that a login is
// lost, an account was kicked or refused, the bot stopped, the store fails. It
// posts to group robots (Feishu, DingTalk, WeCom), to phones (Bark, ntfy), to a
// webhook of the operator's own, and sends mail.
//
// Telling never blocks. Each target has its own queue and goroutine, so that a
// dead one holds up no other. What fails for a passing reason is sent again for
// half an hour; what is told while nothing changed is sent every few hours; and a
// recovery is only sent to whom the trouble was sent.
//
// The package has no words of its own: the caller renders titles and texts in
// the operator's language. It does not decide what is worth an alert. It keeps
// nothing over a restart, but tells whoever does what the targets know, and is told
// that again ([Options.Noted], [Alerter.Recall]). The addresses of webhooks are secrets, as whoever knows
// one may post: errors and logs name a target and its host, nothing else.
package alert

import (
	"cmp"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/diagbot/diagbot/troubleshoot"
)

// Severity says how urgent an alert is; phones ring accordingly.
type Severity string

// The severities, with the catalogue's names.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Error    Severity = "error"
	Critical Severity = "critical"
)

// What alerts are about.
const (
	EventLogin     = "login"      // an account is logged out, refused, waits for a scan, or may not reply
	EventStore     = "store"      // the store fails
	EventStop      = "stop"       // nobody answers for an account any more
	EventAI        = "ai"         // an AI service fails and somebody has to do something about it
	EventAILasting = "ai_lasting" // an AI service has failed for some time in a way that may pass by itself
)

// Events returns all of them.
func Events() []string { return []string{EventLogin, EventStore, EventStop, EventAI, EventAILasting} }

// usually are the events of a target that names none.
func usually() []string { return []string{EventLogin, EventStore, EventStop, EventAI} }

// Alert is what the operator is to be told. Its texts are in the operator's
// language; they are redacted and cut to the lengths below before they leave.
type Alert struct {
	// Event says what kind of trouble it is; see the Event constants. Targets hear of
	// the events they are for. Empty: all do.
	Event string

	// Key says what it is about: alerts with the same key are the same trouble.
	// Empty: the title.
	Key      string
	Severity Severity // anything else than the four means Error

	Title string // one line, at most 120 characters
	Text  string // what happened, at most 2,000 characters
	Steps string // what to do, at most 2,000 characters

	Link    string // an http or https address to open, such as a login's, or empty; at most 800 bytes; not redacted
	Account string // which account, or empty; at most 60 characters
	At      time.Time

	// About says what is wrong, where a trouble has several causes: of another one a
	// target is told at once, however lately it was told of the trouble. At most 100
	// characters.
	About string

	// Every is how often the same trouble is told at most; 0: Options.Every. It cannot
	// be longer than that.
	Every time.Duration

	// Recovered says that the trouble is over. It is sent to the targets that
	// were told of the trouble, and the same trouble is then told anew. Also are the
	// keys of troubles that end with it: a target that knows of several is told once.
	Recovered bool
	Also      []string

	// Fleeting says that nobody is to keep what the targets know of it, such as
	// trouble with what it would be kept in.
	Fleeting bool

	owner string    // Account as it was given
	since time.Time // of a recovery: when the target was told first
}

// prefix begins every title. Group robots may be set up to take only messages
// with a keyword: this is it.
const prefix = "[diagbot] "

// cleaned returns the alert as it may leave.
func (al Alert) cleaned(r *troubleshoot.Redactor, now time.Time) Alert {
	tidy := func(s string, runes int) string { return cutRunes(r.Redact(printable(s)), runes) }
	key := func(s string) string { return tidy(s, 200) }
	al.Key = key(cmp.Or(al.Key, al.Title))
	al.Also, al.About = mapped(al.Also, key), tidy(al.About, 100)
	al.Title = tidy(strings.Join(strings.Fields(al.Title), " "), 120)
	al.owner = al.Account
	al.Text, al.Steps = tidy(strings.TrimSpace(al.Text), 2000), tidy(strings.TrimSpace(al.Steps), 2000)
	al.Account = tidy(strings.Join(strings.Fields(al.Account), " "), 60)
	al.Link = link(al.Link)
	if al.At.IsZero() {
		al.At = now
	}
	switch al.Severity {
	case Info, Warning, Error, Critical:
	default:
		al.Severity = Error
	}
	return al
}

func mapped(all []string, by func(string) string) []string {
	next := make([]string, len(all))
	for i, s := range all {
		next[i] = by(s)
	}
	return next
}

// link returns the address if it is one that is safe to open.
func link(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > 800 || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^`+"`", r) }) {
		return ""
	}
	return s
}

// printable drops what would garble a message: control characters but line
// feeds, marks that turn the direction of writing, and broken UTF-8.
func printable(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}

// title is the alert's title with the prefix.
func (al Alert) title() string { return prefix + al.Title }

// foot names the account and the time, of a recovery also when it began.
func (al Alert) foot() string {
	const layout = "2006-01-02 15:04:05 -07:00"
	at := al.At.Format(layout)
	if !al.since.IsZero() {
		at = al.since.In(al.At.Location()).Format(layout) + " – " + at
	}
	if al.Account == "" {
		return at
	}
	return al.Account + " · " + at
}

// paragraphs are the parts below the title that are not empty, without the link
// if linked elsewhere.
func (al Alert) paragraphs(withLink bool) []string {
	var all []string
	for _, p := range [...]string{al.Text, al.Steps} {
		if p != "" {
			all = append(all, p)
		}
	}
	if withLink && al.Link != "" {
		all = append(all, al.Link)
	}
	return append(all, al.foot())
}

// plain is the alert below its title as plain text.
func (al Alert) plain() string { return strings.Join(al.paragraphs(true), "\n\n") }
