package wechat

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"time"

	"github.com/eatmoreapple/openwechat"

	"github.com/diagbot/diagbot/bot"
	"github.com/diagbot/diagbot/troubleshoot"
)

// LoginState says how far a login is.
type LoginState string

// The states, as [Options.ShowLogin] gets them.
const (
	LoginScan      LoginState = "scan"      // URL is to be shown as a QR code and scanned
	LoginScanned   LoginState = "scanned"   // scanned; to be confirmed on the phone
	LoginConfirmed LoginState = "confirmed" // logged in as Name; Hot if nobody had to scan
	LoginExpired   LoginState = "expired"   // the code ran out; a new one follows after Wait
	LoginWaiting   LoginState = "waiting"   // WeChat cannot be reached (Fault); another try after Wait
	LoginLost      LoginState = "lost"      // the session is over (Fault); another login follows
	LoginUnusable  LoginState = "unusable"  // the saved session cannot be used (Reason); a scan follows
	LoginRefused   LoginState = "refused"   // WeChat refuses this account (Fault); Run ends
)

// Login is a step of logging in.
type Login struct {
	State  LoginState
	URL    string
	Name   string
	Hot    bool
	Wait   time.Duration
	Reason string
	Fault  *troubleshoot.Fault
}

const (
	scanURL     = "https://login.weixin.qq.com/l/"
	maxRefusals = 5                // QR codes WeChat may refuse to give, in a row
	hotTries    = 6                // answers that make no sense before a saved session is given up
	shortCode   = 30 * time.Second // a code that lives shorter is not renewed at once
)

// logIn logs in with the saved session if hot, otherwise or failing that by a
// scan. It returns nil without an error when ctx ended.
func (c *Channel) logIn(ctx context.Context, ear bot.Ear, hot bool) (*link, error) {
	if hot {
		if l, err := c.resume(ctx, ear); l != nil || err != nil || ctx.Err() != nil {
			return l, err
		}
	}
	return c.scan(ctx, ear)
}

// resume logs in with the saved session. Without one, or when WeChat takes it
// no more, it returns nil.
func (c *Channel) resume(ctx context.Context, ear bot.Ear) (*link, error) {
	d := c.load()
	if d == nil {
		return nil, nil
	}
	retry := c.newBackoff()
	for try := 1; ctx.Err() == nil; try++ {
		l := c.newLink(ctx, ear)
		err := l.open(d)
		if err == nil {
			return c.confirmed(l), nil
		}
		f := faultOf(troubleshoot.PhaseLogin, err)
		switch {
		case ctx.Err() != nil:
			return nil, nil
		case f.Ret == retEnvironment:
			return nil, c.refused(f)
		case !passing(f):
			over := *f
			over.Phase = troubleshoot.PhaseSync // an old login ended; this is no refusal of a new one
			c.log.Info("the saved session is over", "error", &over)
			c.show(Login{State: LoginLost, Fault: &over})
			c.remove()
			return nil, nil
		case try >= hotTries && !unreachable(f):
			c.show(Login{State: LoginLost, Fault: f})
			return nil, nil
		}
		c.wait(ctx, LoginWaiting, f, retry.NextBackOff())
	}
	return nil, nil
}

// unreachable tells whether no answer came at all.
func unreachable(f *troubleshoot.Fault) bool {
	return f.Net != "" && f.Net != troubleshoot.NetDecode && f.Status == 0
}

// load returns the saved session, or nil after saying what is wrong with it. One
// that makes no sense is moved out of the way of the next one; one that cannot be
// read stays, because a working store or the right key may read it after a restart.
func (c *Channel) load() *document {
	b, err := c.opt.Session.Load()
	if err != nil {
		c.log.Warn("the saved WeChat session cannot be read", "error", err)
		c.show(Login{State: LoginUnusable, Reason: whyUnread}) // the error may name the place; that is for the log
		return nil
	}
	if len(b) == 0 {
		return nil
	}
	d, err := readDocument(b)
	if err == nil {
		return d
	}
	where, moved := c.opt.Session.SetAside()
	c.log.Warn("the saved WeChat session is unusable and was set aside", "reason", err, "where", where, "error", moved)
	c.show(Login{State: LoginUnusable, Reason: err.Error()})
	return nil
}

// whyUnread names the setting that is most often behind it.
const whyUnread = "cannot be read; if store.key has changed, stop and set the old one"

// scan shows QR codes until one is confirmed.
func (c *Channel) scan(ctx context.Context, ear bot.Ear) (*link, error) {
	retry := c.newBackoff()
	refusals := 0
	for ctx.Err() == nil {
		start := time.Now()
		l := c.newLink(ctx, ear)
		err := l.open(nil)
		if err == nil {
			return c.confirmed(l), nil
		}
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, openwechat.ErrLoginTimeout) {
			wait := time.Duration(0)
			if time.Since(start) < shortCode {
				wait = retry.NextBackOff()
			} else {
				retry.Reset()
			}
			c.wait(ctx, LoginExpired, nil, wait)
			continue
		}
		f := faultOf(troubleshoot.PhaseLogin, err)
		if refusals++; f.Code == "" {
			refusals = 0
		}
		if !passing(f) || f.Entry == loginBlocked || refusals >= maxRefusals {
			return nil, c.refused(f)
		}
		c.wait(ctx, LoginWaiting, f, retry.NextBackOff())
	}
	return nil, nil
}

// confirmed announces a login.
func (c *Channel) confirmed(l *link) *link {
	c.sender.CompareAndSwap(nil, l.sender) // the sync goroutine may have been first
	c.log.Info("logged in to WeChat", "hot", l.hot)
	c.nick.Store(&l.dir.nick)
	c.show(Login{State: LoginConfirmed, Name: l.dir.nick, Hot: l.hot})
	return l
}

// refused ends the channel: trying again makes it worse for the account.
func (c *Channel) refused(f *troubleshoot.Fault) error {
	blocked := *f
	blocked.Phase, blocked.Entry = troubleshoot.PhaseLogin, loginBlocked
	c.remove()
	c.log.Error("WeChat refuses the login", "error", &blocked)
	c.show(Login{State: LoginRefused, Fault: &blocked})
	return &blocked
}

func (c *Channel) wait(ctx context.Context, state LoginState, f *troubleshoot.Fault, d time.Duration) {
	c.show(Login{State: state, Fault: f, Wait: d})
	if f != nil {
		c.log.Warn("logging in to WeChat", "error", f, "cause", cause(f), "wait", d)
	}
	pause(ctx, d)
}

func (c *Channel) remove() {
	if err := c.opt.Session.Remove(); err != nil {
		c.log.Warn("the saved WeChat session could not be removed", "error", err)
	}
}

// show tells the owner of the terminal.
func (c *Channel) show(l Login) {
	defer func() {
		if v := recover(); v != nil {
			c.log.Error("panic while showing the login", "panic", v)
		}
	}()
	if c.opt.ShowLogin != nil {
		c.opt.ShowLogin(l)
	}
}

// newDeviceID makes up a device, as the web client does. openwechat's own are
// equal for all bots started in the same second.
func newDeviceID() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1e15)) // rand.Reader does not fail since Go 1.24
	digits := n.String()
	const zeros = "000000000000000"
	return "e" + zeros[len(digits):] + digits
}
