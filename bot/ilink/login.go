package ilink

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/diagbot/diagbot/troubleshoot"
)

// LoginState says how far a login is.
type LoginState string

// The states, as [Options.ShowLogin] gets them.
const (
	LoginScan      LoginState = "scan"      // URL is to be shown as a QR code and scanned
	LoginScanned   LoginState = "scanned"   // scanned; to be confirmed on the phone
	LoginDigits    LoginState = "digits"    // the digits on the phone are to be entered; Again if those entered were wrong
	LoginConfirmed LoginState = "confirmed" // logged in; Hot if nobody had to scan
	LoginExpired   LoginState = "expired"   // the code is of no use any more (Reason); a new one follows after Wait
	LoginWaiting   LoginState = "waiting"   // WeChat cannot be reached (Fault); another try after Wait
	LoginBack      LoginState = "back"      // it can be reached again
	LoginLost      LoginState = "lost"      // the session is over (Fault); a new code follows at once
	LoginGivenUp   LoginState = "given up"  // nobody scanned (Reason); another try after Wait, or after [Channel.LogIn]
	LoginUnusable  LoginState = "unusable"  // the saved sign-in cannot be used (Reason); a scan follows
	LoginHeld      LoginState = "held"      // WeChat takes no reply for a chat (Fault); it is kept until the person writes again
)

// Login is a step of logging in.
type Login struct {
	State  LoginState
	URL    string // a secret until it is used
	Hot    bool
	Again  bool
	Wait   time.Duration
	Reason string
	Fault  *troubleshoot.Fault
}

// Bounds of a login by QR code.
const (
	maxCodes  = 3 // codes shown before we wait for somebody to ask
	maxDigits = 5 // times the digits may be wrong with one code
)

// Reasons why a code is of no use any more.
var (
	errCodeExpired = errors.New("the code ran out")
	errCodeBlocked = errors.New("the digits were wrong too often")
	errCodeBound   = errors.New("WeChat says that a bot is bound already, and its credentials are not here")
	errCodeEmpty   = errors.New("WeChat confirmed the login without credentials")
	errNoDigits    = errors.New("WeChat asks for the digits shown on the phone, and they were not entered")
)

// scan is a login by QR code going on.
type scan struct {
	*Channel
	old  *login // what is held already, or nil
	base string // where the codes are polled

	code    string
	digits  string
	wrong   int
	shown   time.Time
	scanned bool // the operator has been told
	eager   bool // digits were entered: they are asked about at once
}

// bind shows QR codes until one is confirmed, and keeps the credentials. It
// returns nil when ctx ended or nobody scanned.
func (c *Channel) bind(ctx context.Context, old *login) *login {
	s := &scan{Channel: c, old: old, base: apiBase}
	var err error
	for n := 0; n < maxCodes && ctx.Err() == nil; n++ {
		if n > 0 {
			c.log.Info("the QR code is of no use any more", "reason", err)
			c.show(Login{State: LoginExpired, Reason: err.Error()})
		}
		if !s.fetch(ctx) {
			return nil
		}
		var l *login
		l, err = s.await(ctx)
		c.code.Store(nil)
		if l != nil {
			return c.bound(ctx, l, old)
		}
		if errors.Is(err, errNoDigits) {
			break
		}
	}
	if ctx.Err() == nil {
		c.log.Error("nobody logged in to WeChat", "reason", err)
		select {
		case <-c.asked: // for the codes that were shown meanwhile
		default:
		}
		c.show(Login{State: LoginGivenUp, Reason: err.Error(), Wait: c.opt.pauses.rest})
	}
	return nil
}

// bound keeps new credentials. What was known of the chats is of use still, for
// people's ids stay; the tokens of another bot are not used.
func (c *Channel) bound(ctx context.Context, l, old *login) *login {
	if l == old {
		return l
	}
	if old != nil && old.User != l.User {
		c.log.Warn("the bot belongs to another person now, who scanned the code")
	}
	if err := c.store(ctx, nameLogin, l); err != nil {
		c.log.Warn("the sign-in was not saved; the next start needs a scan", "error", err)
	}
	return l
}

// fetch gets a new code and shows it. It tries until it has one or ctx ends.
func (s *scan) fetch(ctx context.Context) bool {
	retry := s.newBackoff()
	for ctx.Err() == nil {
		a, f := s.fetchOnce(ctx)
		if f == nil {
			s.code, s.digits, s.wrong, s.scanned, s.shown = string(a.Code), "", 0, false, time.Now()
			link := string(a.URL)
			s.Channel.code.Store(&link)
			s.show(Login{State: LoginScan, URL: link})
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		wait := retry.NextBackOff()
		s.log.Warn("no QR code from WeChat", "error", f, "cause", cause(f), "wait", wait)
		s.show(Login{State: LoginWaiting, Fault: f, Wait: wait})
		pause(ctx, wait)
	}
	return false
}

func (s *scan) fetchOnce(ctx context.Context) (a codeAnswer, _ *troubleshoot.Fault) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	in := struct {
		Tokens []string `json:"local_token_list"`
	}{[]string{}}
	if s.old != nil {
		in.Tokens = append(in.Tokens, s.old.Token)
	}
	if _, f := s.client.post(ctx, nil, troubleshoot.PhaseLogin, "get_bot_qrcode?bot_type=3", in, &a); f != nil {
		return a, f
	}
	u, err := url.Parse(string(a.URL))
	if err != nil || a.Code == "" || len(a.Code) > maxToken || len(a.URL) > maxToken || !known(u) {
		return a, malformed(troubleshoot.PhaseLogin, errStranger)
	}
	return a, nil
}

// await polls a code until it leads to a login or to nothing.
func (s *scan) await(ctx context.Context) (*login, error) {
	retry := s.newBackoff()
	for ctx.Err() == nil {
		if time.Since(s.shown) > s.opt.pauses.code {
			return nil, errCodeExpired
		}
		began := time.Now()
		a, f := s.poll(ctx)
		if f != nil {
			s.log.Debug("polling the QR code", "error", f, "cause", cause(f))
			if time.Since(began) > s.opt.pauses.long { // an ordinary end of a poll that was held
				retry.Reset()
			}
			pause(ctx, retry.NextBackOff())
			continue
		}
		retry.Reset()
		if l, err := s.take(ctx, a); l != nil || err != nil {
			return l, err
		}
		if !s.eager {
			pause(ctx, s.opt.pauses.breath)
		}
		s.eager = false
	}
	return nil, ctx.Err()
}

func (s *scan) poll(ctx context.Context) (a statusAnswer, f *troubleshoot.Fault) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.pauses.poll+s.opt.pauses.grace)
	defer cancel()
	q := url.Values{"qrcode": {s.code}}
	if s.digits != "" {
		q.Set("verify_code", s.digits)
	}
	body, f := s.client.get(ctx, troubleshoot.PhaseLogin, s.base+"/ilink/bot/get_qrcode_status?"+q.Encode(), headers(), smallAnswer)
	if f == nil {
		f = decode(troubleshoot.PhaseLogin, body, &a, s.code)
	}
	return a, f
}

// take does what the state of a code asks for. It returns credentials, or why the
// code is of no use any more, or neither.
func (s *scan) take(ctx context.Context, a statusAnswer) (*login, error) {
	switch a.Status {
	case "scaned":
		if s.digits = ""; !s.scanned {
			s.scanned = true
			s.show(Login{State: LoginScanned})
		}
	case "need_verifycode":
		return nil, s.ask(ctx)
	case "verify_code_blocked":
		return nil, errCodeBlocked
	case "expired":
		return nil, errCodeExpired
	case "scaned_but_redirect":
		s.redirect(string(a.Redirect))
	case "binded_redirect":
		if s.old == nil {
			return nil, errCodeBound
		}
		return s.old, nil
	case "confirmed":
		return s.confirmed(a)
	}
	return nil, nil
}

// redirect polls at another host from now on, if it is one of WeChat's.
func (s *scan) redirect(host string) {
	if base, ok := knownBase("https://" + host); ok && host != "" {
		s.base = base
		return
	}
	s.log.Warn("WeChat redirects the login to no host of its own; staying")
}

// ask asks for the digits on the phone, for as long as the code lives.
func (s *scan) ask(ctx context.Context) error {
	again := s.digits != ""
	if again {
		s.wrong++
	}
	s.show(Login{State: LoginDigits, Again: again})
	switch {
	case s.opt.AskCode == nil:
		return errNoDigits
	case s.wrong >= maxDigits:
		return errCodeBlocked
	}
	asking, cancel := context.WithDeadline(ctx, s.shown.Add(s.opt.pauses.code))
	defer cancel()
	digits, err := s.opt.AskCode(asking)
	if asking.Err() != nil && ctx.Err() == nil {
		return errCodeExpired
	}
	if digits = strings.TrimSpace(digits); err != nil || digits == "" || len(digits) > 64 {
		return errNoDigits
	}
	s.digits, s.eager = digits, s.wrong == 0
	return nil
}

func (s *scan) confirmed(a statusAnswer) (*login, error) {
	l := &login{Token: string(a.Token), Bot: string(a.Bot), User: string(a.User), BaseURL: string(a.BaseURL), Since: time.Now()}
	if l.BaseURL == "" {
		l.BaseURL = s.base
	}
	if err := l.check(); err != nil {
		s.log.Warn("WeChat confirmed the login without what it needs", "reason", err)
		return nil, errCodeEmpty
	}
	if !isUser(l.User) {
		l.User = ""
	}
	return l, nil
}

// show tells the operator, one step at a time.
func (c *Channel) show(l Login) {
	c.showing.Lock()
	defer c.showing.Unlock()
	defer func() {
		if v := recover(); v != nil {
			c.log.Error("panic while showing the login", "panic", v)
		}
	}()
	if c.opt.ShowLogin != nil {
		c.opt.ShowLogin(l)
	}
}
