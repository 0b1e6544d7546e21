// Package ilink reaches WeChat through iLink, Tencent's official API for bots of
// personal accounts: JSON over HTTPS, a long poll, a login by QR code. It carries
// private chats only; a bot can answer people who wrote to it, up to ten times for
// each message and within a day.
//
// Three things of that API shape the package. What a poll has handed out never
// comes again, whatever cursor is shown: so messages are heard, which stores them,
// before the next poll and before the cursor is kept, and a batch that could not
// be heard is kept and offered again first. A refusal (-2) says neither why nor
// for how long, and asking again does not help: so a refused part is kept and said
// when the person writes again, before anything else. And a session ends without
// notice (-14): so it is asked to go on once, and then a new QR code is shown.
//
// No state of failure makes requests faster than one a second; while the session
// is over and nobody scans it is one an hour.
//
// The package keeps credentials, the tokens that replies need and replies that
// wait in the [Vault] it is given. What people said it keeps in memory only, to
// know quotations. Pictures and files are fetched only when
// asked for, by references that outlive the process.
package ilink

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// Options configure a channel.
type Options struct {
	Vault     Vault             // nil: nothing outlives the process, every start needs a scan
	Transport http.RoundTripper // nil: our own, with proxies and certificates of the system
	ShowLogin func(Login)       // told each step of a login and [LoginHeld], one at a time; it must not block for long
	Owns      func() bool       // whether the account is this process's: if not, our own transport writes nothing; nil: always

	// AskCode asks the operator for the digits that the phone shows, which some
	// accounts need to log in. Nil: nobody can be asked.
	AskCode func(ctx context.Context) (string, error)

	// Linger is how long the poll under way may go on when Run's context ends, where
	// people wrote within the last half minute: what is on its way to a poll that is
	// given up is lost. 0: 2 s; negative: not at all.
	Linger time.Duration

	Agent  string       // how the bot names itself to Tencent, as Name/Version; empty: diagbot/1.0
	Logger *slog.Logger // nil: none

	pauses pauses // tests make them short
}

// pauses are the times between requests.
type pauses struct {
	first, last time.Duration // of all backoffs
	breath      time.Duration // between polls that are answered at once
	long        time.Duration // a poll that was held for so long failed in an ordinary way
	poll        time.Duration // how long a poll is held, where the server says nothing else
	grace       time.Duration // how much longer its answer may take
	code        time.Duration // how long a QR code is waited for
	cool        time.Duration // after a refusal that may be for haste
	revive      time.Duration // how soon a session that was revived may end again without being lost
	rest        time.Duration // between tries while nobody scans
}

func (p pauses) withDefaults() pauses {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&p.first, 2 * time.Second}, {&p.last, time.Minute}, {&p.breath, time.Second}, {&p.long, 10 * time.Second},
		{&p.poll, 35 * time.Second}, {&p.grace, 5 * time.Second}, {&p.code, 5 * time.Minute}, {&p.cool, 30 * time.Second},
		{&p.revive, 10 * time.Minute}, {&p.rest, time.Hour},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	return p
}

// Channel is one bot. Run it once at a time.
type Channel struct {
	opt     Options
	log     *slog.Logger
	client  *client
	running atomic.Bool
	showing sync.Mutex
	asked   chan struct{}          // somebody wants a new code
	code    atomic.Pointer[string] // the link of that which waits to be scanned; nil: there is none
	link    atomic.Pointer[link]   // nil while not logged in

	book    *book
	quotes  *quotes
	tickets *tickets
	courier *courier
	held    atomic.Int64 // when the operator was last told of a kept reply, in nanoseconds

	// The goroutine of Run's own, and the next Run's.
	seen  *seen
	wrote time.Time     // when a message last came
	batch []bot.Message // fetched, and not heard yet
	kept  bool          // and in the vault

	hopeless bool // the vault could not be read for long
}

// New returns a channel that is not logged in.
func New(o Options) *Channel {
	if o.Vault == nil {
		o.Vault = nothing{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = newTransport(o.Owns)
	}
	if o.Linger == 0 {
		o.Linger = 2 * time.Second
	}
	o.pauses = o.pauses.withDefaults()
	c := &Channel{
		opt: o, log: o.Logger, client: &client{transport: o.Transport, agent: agentOf(o.Agent)},
		asked: make(chan struct{}, 1), quotes: newQuotes(), tickets: newTickets(o.pauses), seen: newSeen(),
	}
	c.courier = newCourier(c)
	c.book = newBook(c.log, func(ctx context.Context, page int, talks []talk) error {
		return c.store(ctx, pageName(page), talks)
	})
	return c
}

// Limits of one part of a reply. Longer ones were seen to arrive, and to be lost.
const (
	partRunes = 2000
	partBytes = 16 << 10
)

// Traits says what the API can carry.
func (c *Channel) Traits() bot.Traits {
	return bot.Traits{
		StableIDs: true, PartRunes: partRunes, PartBytes: partBytes,
		RepliesPerMessage: perMessage, ReplyWindow: window, Typing: true,
	}
}

// LoggedInSince returns when the login of now began, or was resumed; zero while
// there is none. See [bot.Dated].
func (c *Channel) LoggedInSince() time.Time {
	if k := c.link.Load(); k != nil {
		return k.since
	}
	return time.Time{}
}

// OwnerChat returns the chat of the person who scanned, and whether they can be
// written to at present: they must have written first, within a day.
func (c *Channel) OwnerChat() (bot.Chat, bool) {
	k := c.link.Load()
	if k == nil || k.User == "" {
		return bot.Chat{}, false
	}
	owner := bot.Chat{ID: k.User}
	return owner, c.Reaches(owner)
}

// Reaches tells whether somebody wrote to this bot lately enough to be answered
// now; see [bot.Reaching].
func (c *Channel) Reaches(to bot.Chat) bool {
	k := c.link.Load()
	if k == nil {
		return false
	}
	p := c.book.pass(to.ID, k.Bot)
	return p.opened && p.token != ""
}

// LogIn asks for new QR codes where nobody scanned the last ones. It does nothing
// otherwise.
func (c *Channel) LogIn() {
	select {
	case c.asked <- struct{}{}:
	default:
	}
}

// LoginLink returns the link of the code that waits to be scanned. If there is none,
// it asks for one as LogIn does, which Options.ShowLogin gets, as soon as WeChat can
// be reached. out is false while the account is logged in, or Run does not run: then
// there is nothing to scan.
func (c *Channel) LoginLink() (link string, out bool) {
	if !c.running.Load() || c.link.Load() != nil {
		return "", false
	}
	if code := c.code.Load(); code != nil {
		return *code, true
	}
	c.LogIn()
	return "", true
}

// Run logs in and tells ear what is said until ctx ends, and what the poll under way
// brings within Options.Linger after that. A session that ends on
// the way is replaced by another scan; so is one that has not been used before. It
// returns a fault only when it is called while it runs.
func (c *Channel) Run(ctx context.Context, ear bot.Ear) error {
	if !c.running.CompareAndSwap(false, true) {
		return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: troubleshoot.UnknownEntry, Cause: errors.New("the channel runs already")}
	}
	defer c.running.Store(false)
	c.link.Store(nil)
	c.hopeless = false
	l, how, over := c.stored(ctx), resumed, false
	c.restore(ctx)
	var under sync.WaitGroup
	defer under.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	under.Go(func() { c.courier.run(ctx) })
	for ctx.Err() == nil {
		if l != nil && !over {
			c.live(ctx, ear, l, how)
			over = true
			continue
		}
		if next := c.bind(ctx, l); next != nil {
			l, how, over = next, scanned, false
			continue
		}
		c.idle(ctx, ear, l)
	}
	return nil
}

// idle waits until somebody asks for a new code. Meanwhile the old session, if
// there is one, is tried now and then: some come back.
func (c *Channel) idle(ctx context.Context, ear bot.Ear, l *login) {
	for ctx.Err() == nil {
		rest := time.NewTimer(c.opt.pauses.rest)
		select {
		case <-ctx.Done():
		case <-c.asked:
			rest.Stop()
			return
		case <-rest.C:
			if l == nil || c.live(ctx, ear, l, probing) {
				return
			}
		}
		rest.Stop()
	}
}

// stopTime is how long Close may take.
const stopTime = 3 * time.Second

// Close tells WeChat that the bot listens no more, where it knows better, and gives
// up connections kept for later. The channel must not run.
func (c *Channel) Close() {
	if k := c.link.Swap(nil); k != nil && !k.disowned.Load() {
		k.notify(context.Background(), "msg/notifystop", stopTime)
	}
	if t, ok := c.opt.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (c *Channel) newBackoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: c.opt.pauses.first, MaxInterval: c.opt.pauses.last,
		Multiplier: 2, RandomizationFactor: 0.25,
	}
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
