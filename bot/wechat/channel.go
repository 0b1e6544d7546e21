// Package wechat reaches WeChat as a personal account over the web protocol,
// through openwechat, of which it is the only importer.
//
// The library logs in, keeps the cookies and asks for news; it never sees a
// message. Its own processing sorts all contacts with a regular expression for
// every message of a group (150 ms at 4,000 contacts), saves the cursor before
// a message is handled, and dies of a nil pointer, in a goroutine nobody can
// recover, when an answer lacks a part. So a transport of ours sits under it
// (tap): it reads and checks every answer, takes the messages out, turns them
// into plain values and has them heard, one after the other; only then does
// the library get the answer, emptied of messages, and move its cursor. What
// could not be heard is fetched again. Names come from a directory of ours.
//
// Replies go through a sender with copies of the credentials, which fails with
// a fault where the library's own would panic after a logout.
//
// Pictures and files go both ways over the library's own calls, which the tap bounds;
// those that were heard can be fetched as long as the login lasts.
//
// The package does not accept friends or rename anything; it keeps nothing but the
// session it is given a place for.
package wechat

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/internal/gate"
	"github.com/diagbot/diagbot/troubleshoot"
)

// The modes of [Options.Mode].
const (
	ModeDesktop = "desktop" // as the desktop client for UOS, which more accounts may use
	ModeNormal  = "normal"  // as a browser
)

// Options configure a channel.
type Options struct {
	Session   Session           // where the login is kept; nil: nowhere, every start needs a scan
	Mode      string            // ModeDesktop, the default, or ModeNormal
	Transport http.RoundTripper // nil: our own, with proxies and certificates of the system
	ShowLogin func(Login)       // told each step of a login, in Run's goroutine
	Owns      func() bool       // whether the account is this process's: if not, our own transport writes nothing; nil: always
	Logger    *slog.Logger      // nil: none

	firstPause, lastPause time.Duration // of all backoffs; tests make them short
}

// Channel is one account. Run it once at a time.
type Channel struct {
	opt       Options
	log       *slog.Logger
	transport http.RoundTripper
	running   atomic.Bool
	sender    atomic.Pointer[sender] // nil while not logged in
	nick      atomic.Pointer[string] // as of the last login
	code      atomic.Pointer[string] // the link of the QR code that waits to be scanned; nil: there is none
	seen      *seen                  // messages heard; the sync goroutine's
	echoes    *echoes
}

// maxSeen is how many ids of heard messages are remembered.
const maxSeen = 8192

// New returns a channel that is not logged in.
func New(o Options) *Channel {
	c := &Channel{opt: o, log: o.Logger, transport: o.Transport, seen: newSeen(maxSeen), echoes: newEchoes()}
	if c.opt.Session == nil {
		c.opt.Session = nowhere{}
	}
	if c.opt.firstPause == 0 {
		c.opt.firstPause, c.opt.lastPause = time.Second, time.Minute
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.transport == nil {
		c.transport = newTransport(o.Owns)
	}
	return c
}

// Traits says what the web protocol can carry.
func (c *Channel) Traits() bot.Traits {
	return bot.Traits{Groups: true, PartRunes: partRunes, PartBytes: partBytes}
}

// Name returns the account's nickname, by which people mention it in groups
// where it has no other; empty before the first login. See [bot.Named].
func (c *Channel) Name() string {
	if nick := c.nick.Load(); nick != nil {
		return *nick
	}
	return ""
}

// LoggedInSince returns when the login of now began, or was resumed; zero while
// there is none. See [bot.Dated].
func (c *Channel) LoggedInSince() time.Time {
	if s := c.sender.Load(); s != nil {
		return s.since
	}
	return time.Time{}
}

// LoginLink returns the link of the code that waits to be scanned; if there is none
// at the moment, the next comes by itself, and Options.ShowLogin gets it. out is
// false while the account is logged in, or Run does not run: then there is nothing
// to scan.
func (c *Channel) LoginLink() (link string, out bool) {
	if !c.running.Load() || c.sender.Load() != nil {
		return "", false
	}
	if code := c.code.Load(); code != nil {
		link = *code
	}
	return link, true
}

// Run logs in and tells ear what is said until ctx ends or WeChat refuses the
// account (a *troubleshoot.Fault with the entry "wechat-login-blocked").
// A session that ends on the way is replaced: user names change then. Replies
// can be sent on for a while after ctx ended.
func (c *Channel) Run(ctx context.Context, ear bot.Ear) error {
	if !c.running.CompareAndSwap(false, true) {
		return &troubleshoot.Fault{Source: troubleshoot.SourceBot, Entry: troubleshoot.UnknownEntry, Cause: errors.New("the channel runs already")}
	}
	defer c.running.Store(false)
	c.sender.Store(nil)
	for hot := true; ; {
		l, err := c.logIn(ctx, ear, hot)
		if l == nil {
			return err
		}
		if l.run(); ctx.Err() != nil {
			return nil
		}
		c.sender.Store(nil)
		c.log.Warn("the WeChat session is over", "error", l.fault)
		switch decide(l.ending()) {
		case nextRefuse:
			return c.refused(l.fault)
		case nextHot:
			hot = true
		case nextScan:
			hot = false
			c.remove()
			c.show(Login{State: LoginLost, Fault: l.fault})
		}
	}
}

// run waits for the end of a login, and leaves in fault why WeChat ended it.
func (l *link) run() {
	select {
	case <-l.ended:
	case <-l.ctx.Done():
	}
	l.close()
	if l.fault == nil {
		l.fault = malformed(troubleshoot.PhaseSync, "the session ended without a reason")
	}
}

func (l *link) ending() ending {
	return ending{fault: l.fault, hot: l.hot, lived: time.Since(l.since), healthy: l.healthy, heard: l.heard > 0}
}

// Send says one part of a reply to a chat; see [bot.Channel]. Its faults carry
// WeChat's code in Ret, and the code "maybe_sent" when the message may have
// arrived all the same.
func (c *Channel) Send(ctx context.Context, p bot.Part) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = malformed(troubleshoot.PhaseSend, "panic: %v", v)
		}
	}()
	text, err := prepare(p.Text)
	if err != nil {
		return err
	}
	s := c.sender.Load()
	if s == nil {
		return notLoggedIn()
	}
	return s.send(ctx, p.To.ID, text, strconv.FormatInt(p.ID, 10))
}

// Close gives up connections kept for later. The channel must not run.
func (c *Channel) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (c *Channel) newBackoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: c.opt.firstPause, MaxInterval: c.opt.lastPause,
		Multiplier: 2, RandomizationFactor: 0.25,
	}
}

// nowhere is a session that is not kept.
type nowhere struct{}

func (nowhere) Load() ([]byte, error)     { return nil, nil }
func (nowhere) Save([]byte) error         { return nil }
func (nowhere) Remove() error             { return nil }
func (nowhere) SetAside() (string, error) { return "", nil }

// newTransport returns a transport with the proxies of the environment and the
// certificates of the system. Idle connections are dropped early: a message
// written to one the server just closed leaves open whether it arrived. Nothing is
// written while owns returns false.
func newTransport(owns func() bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           gate.New(dialer.DialContext, owns),
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          200,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: holdTime + 10*time.Second,
	}
}
