package bot

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// AllGroups in Options.Groups stands for every group.
const AllGroups = "ALL_GROUP"

// Options is what a [Relay] needs to know. Channel, Completer and Catalogue are
// required; a zero value elsewhere means what its comment says.
type Options struct {
	Channel   Channel
	Completer Completer
	Catalogue *troubleshoot.Catalogue
	Logger    *slog.Logger // nil: nothing is logged
	Sources   Sources      // nil: the state of the AI sources is not known
	Prober    Prober       // nil: the line to them cannot be tested
	Control   Control      // nil: nothing about them can be changed from a chat
	Logins    Logins       // nil: the process has no other accounts
	Account   string       // which account the relay serves, for the log

	// Redactor knows the secrets that are configured, and learns those that admins
	// add. nil: only what looks like one is kept out of what is stored and said.
	Redactor *troubleshoot.Redactor

	Store Store // nil: what must outlive the process does not

	// Trouble hears of what an operator must know: of a kind, once when it begins,
	// and with nil once it is over. It must not block.
	Trouble func(kind string, f *troubleshoot.Fault)

	// Outage hears of trouble with AI sources that admins are told of. It must not
	// block, and may be called from several goroutines. nil: nobody else is told.
	Outage func(Outage)

	Admins        []string // ids of people who are admins, where Traits.StableIDs
	LoginByAdmins bool     // every admin may log other accounts in; otherwise the owner and those of Admins
	AdminRemarks  []string // who has one of these remarks, set by a human on the account's phone, is an admin

	// Draw makes a picture, for a phone, of what failed over time. nil: it is told in
	// words.
	Draw func(Trend) ([]byte, error)

	// Invite is given a pairing code that makes whoever sends it an admin, for the
	// operator to read: once in a login in which nobody has paired. It must not
	// block. nil: no code is made.
	Invite func(code string)

	Name               string         // the bot's name in help texts while the channel knows none; empty: "bot"
	PrivatePrefixes    []string       // what private texts must begin with to be answered; empty: all are
	PrivateReplyPrefix string         // put in front of replies in private chats
	GroupPrefixes      []string       // what addresses the bot in groups besides a mention
	Groups             []string       // names of the groups that are served, or AllGroups; empty: none
	System             string         // system prompt; empty: none
	Locale             string         // where nothing else is known; empty or "auto": by what people write
	Location           *time.Location // of the times an admin is told; nil: the machine's

	Limits Limits // how much people may ask

	// DigestHour is the hour of the day, in Location, from which on the owner is told
	// once what failed in the last 24 hours: 1 to 24, which is midnight. 0: they are not.
	DigestHour int

	Deadline      time.Duration // a message is answered, or its failure explained, so long after work on it began; 0: 120 s
	ThinkingAfter time.Duration // someone waiting in a private chat is told once after so long; 0: 15 s, negative: never
	Grace         time.Duration // to finish what is in flight when Run is told to stop; 0: 25 s
	StaleAfter    time.Duration // a message that waited for longer while the bot was away is not answered; 0: 10 min
	MailboxSize   int           // messages that may wait in one chat; 0: 8
	MaxMessage    int           // runes accepted from a person; 0: 20,000
	MemoryTurns   int           // questions with their answers that a chat remembers; 0: none
	MemoryExpiry  time.Duration // a chat that is quiet for so long is forgotten; 0: never

	SendInterval  time.Duration // shortest gap between two parts, per account; 0: none
	SendBurst     int           // parts that may go out at once after a quiet time; 0: 1
	ThrottlePause time.Duration // first pause of all sending when WeChat says "too often"; doubles to 30 min; 0: 60 s
}

// check completes o, or returns everything that is wrong with it.
func (o *Options) check() error {
	var errs []error
	missing := func(field string, absent bool) {
		if absent {
			errs = append(errs, fmt.Errorf("%s is missing", field))
		}
	}
	missing("Channel", o.Channel == nil)
	missing("Completer", o.Completer == nil)
	missing("Catalogue", o.Catalogue == nil)
	negative := func(field string, below bool) {
		if below {
			errs = append(errs, fmt.Errorf("%s is negative", field))
		}
	}
	negative("Limits.PersonMinute", o.Limits.PersonMinute < 0)
	negative("Limits.PersonDay", o.Limits.PersonDay < 0)
	negative("Limits.GroupMinute", o.Limits.GroupMinute < 0)
	negative("Limits.GroupDay", o.Limits.GroupDay < 0)
	if o.DigestHour < 0 || o.DigestHour > 24 {
		errs = append(errs, fmt.Errorf("DigestHour is %d", o.DigestHour))
	}
	negative("Deadline", o.Deadline < 0)
	negative("Grace", o.Grace < 0)
	negative("StaleAfter", o.StaleAfter < 0)
	negative("MailboxSize", o.MailboxSize < 0)
	negative("MaxMessage", o.MaxMessage < 0)
	negative("MemoryTurns", o.MemoryTurns < 0)
	negative("MemoryExpiry", o.MemoryExpiry < 0)
	negative("SendInterval", o.SendInterval < 0)
	negative("SendBurst", o.SendBurst < 0)
	negative("ThrottlePause", o.ThrottlePause < 0)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("relay options: %w", err)
	}
	o.complete()
	return nil
}

func (o *Options) complete() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Account != "" {
		o.Logger = o.Logger.With("account", o.Account)
	}
	if o.Name = oneLine(o.Name, maxName); o.Name == "" {
		o.Name = "bot"
	}
	if o.Locale == "auto" {
		o.Locale = ""
	}
	orDefault(&o.Deadline, 120*time.Second)
	orDefault(&o.Location, time.Local)
	orDefault(&o.ThinkingAfter, 15*time.Second)
	orDefault(&o.Grace, 25*time.Second)
	orDefault(&o.StaleAfter, 10*time.Minute)
	orDefault(&o.MailboxSize, 8)
	orDefault(&o.MaxMessage, 20_000)
	orDefault(&o.ThrottlePause, time.Minute)
}

func orDefault[T comparable](v *T, usual T) {
	var zero T
	if *v == zero {
		*v = usual
	}
}
