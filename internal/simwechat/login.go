package simwechat

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// appID is the web client's.
const appID = "wx782c26e4c19acffb"

// code is a QR code, or the question a push login puts on the phone.
type code struct {
	uuid    string
	ticket  string // redeemed at the login page
	desktop bool
	born    time.Time
	scanned bool // seen by the phone
	told    bool // the client knows that
	agreed  bool // confirmed on the phone
	expired bool
	manual  bool // only Scan scans it
	session *session
}

// refusal is what becomes of the next logins.
type refusal struct {
	ret     int
	message string
}

// refusedText is what the account's holder reads when the web is closed to them.
const refusedText = "为了你的帐号安全，此微信号不能登录网页微信。你可以使用Windows微信或Mac微信在电脑端登录。"

// RefuseLogin makes logins fail from now on. With 1100, 1101 or 1102 the login
// itself goes through and the first synccheck ends it, as most accounts have it
// since January 2025; with any other code (1203) the login page says message, by
// default WeChat's words for an account that may not use the web. Zero lets logins through again.
func (s *Server) RefuseLogin(ret int, message string) {
	if message == "" {
		message = refusedText
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = refusal{ret, message}
}

// ExpireQR lets n QR codes expire unscanned: the one on show, if any, then the
// next ones.
func (s *Server) ExpireQR(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > 0 && s.newest != nil && !s.newest.agreed && !s.newest.expired {
		s.newest.expired = true
		n--
	}
	s.expire = n
	s.stage.News.Ring()
}

// Scan scans and confirms the QR code on show, or else the next one.
func (s *Server) Scan() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.newest; c != nil && !c.agreed && !c.expired {
		c.scanned, c.agreed = true, true
		s.stage.News.Ring()
		return
	}
	s.scanNext = true
}

// ScanOnly scans the QR code on show without confirming it; Scan confirms.
func (s *Server) ScanOnly() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest != nil {
		s.newest.scanned = true
		s.stage.News.Ring()
	}
}

func (s *Server) jsLogin(r *visit) answer {
	q := r.URL.Query()
	if q.Get("appid") != appID {
		return scriptAnswer(`window.QRLogin.code = 400; window.QRLogin.uuid = "";`)
	}
	back, err := url.Parse(q.Get("redirect_uri"))
	c := s.newCode(err == nil && back.Query().Get("mod") == "desktop", false)
	return scriptAnswer(`window.QRLogin.code = 200; window.QRLogin.uuid = "`, c.uuid, `";`)
}

func (s *Server) newCode(desktop, scanned bool) *code {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &code{
		uuid: token(5) + "==", ticket: token(16), desktop: desktop,
		born: time.Now(), scanned: scanned, told: scanned, manual: s.opt.ScanDelay < 0,
	}
	switch {
	case s.expire > 0:
		s.expire--
		c.expired = true
	case s.scanNext:
		s.scanNext = false
		c.scanned, c.agreed = true, true
	}
	clear(s.codes) // an account has one code at a time
	s.codes[c.uuid], s.newest = c, c
	s.stage.Seen.Ring()
	return c
}

// advance lets the phone's owner do what the time says.
func (s *Server) advance(c *code, now time.Time) {
	age := now.Sub(c.born)
	if !c.manual {
		c.scanned = c.scanned || age >= s.opt.ScanDelay/2
		c.agreed = c.agreed || age >= s.opt.ScanDelay
	}
	c.expired = c.expired || !c.scanned && age >= s.opt.QRLife
}

// nextChange is how long until advance will do something.
func (s *Server) nextChange(c *code, now time.Time) time.Duration {
	wait := s.opt.Hold
	steps := []time.Duration{s.opt.QRLife}
	if !c.manual {
		steps = append(steps, s.opt.ScanDelay/2, s.opt.ScanDelay)
	}
	for _, step := range steps {
		if d := step - now.Sub(c.born); d > 0 {
			wait = min(wait, d)
		}
	}
	return wait
}

// pollLogin holds the client until the code's state changes.
func (s *Server) pollLogin(r *visit) answer {
	uuid := r.URL.Query().Get("uuid")
	said := ""
	ready := func() bool {
		said = s.codeNews(uuid)
		return said != ""
	}
	for end := time.Now().Add(s.opt.Hold); ; {
		if s.stage.Hold(r.Context(), r.Fate, s.untilChange(uuid, end), ready) {
			return scriptAnswer(said)
		}
		if !time.Now().Before(end) || s.leaves(r) {
			return scriptAnswer("window.code=408;")
		}
	}
}

// untilChange is how long a poll can wait for time alone to change a code.
func (s *Server) untilChange(uuid string, end time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Until(end)
	if c := s.codes[uuid]; c != nil {
		wait = min(wait, s.nextChange(c, time.Now()))
	}
	return wait
}

// leaves tells whether a poll must end early.
func (s *Server) leaves(r *visit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage.Hopeless(r.Context(), r.Fate)
}

// codeNews is what the client does not know yet about a code, if anything.
func (s *Server) codeNews(uuid string) string {
	c := s.codes[uuid]
	if c == nil {
		return "window.code=400;"
	}
	if !c.expired {
		s.advance(c, time.Now())
	}
	switch {
	case c.expired:
		return "window.code=400;"
	case c.scanned && !c.told:
		c.told = true
		return "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgM=';"
	case c.agreed:
		return fmt.Sprintf("window.code=200;\nwindow.redirect_uri=%q;", s.redirect(c))
	}
	return ""
}

func (s *Server) redirect(c *code) string {
	q := fmt.Sprintf("ticket=%s@qrticket_0&uuid=%s&lang=zh_CN&scan=%d", c.ticket, url.QueryEscape(c.uuid), c.born.Unix())
	if c.desktop {
		q = "mod=desktop&" + q
	}
	return "https://" + s.opt.Domain + "/cgi-bin/mmwebwx-bin/webwxnewloginpage?" + q
}

// loginResult is the login page's XML.
type loginResult struct {
	XMLName    xml.Name `xml:"error"`
	Ret        int      `xml:"ret"`
	Message    string   `xml:"message"`
	SKey       string   `xml:"skey,omitempty"`
	WxSid      string   `xml:"wxsid,omitempty"`
	WxUin      int64    `xml:"wxuin,omitempty"`
	PassTicket string   `xml:"pass_ticket,omitempty"`
	IsGray     int      `xml:"isgrayscale,omitempty"`
}

// loginPage turns the ticket of a confirmed code into a session.
func (s *Server) loginPage(r *visit) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	c := s.codes[q.Get("uuid")]
	if c == nil || !c.agreed || strings.TrimSuffix(q.Get("ticket"), "@qrticket_0") != c.ticket {
		s.complain("webwxnewloginpage: unknown ticket")
		return xmlAnswer(loginResult{Ret: 1, Message: "ticket error"})
	}
	if refused := s.refuses(c, r.Header); refused.ret != 0 {
		return xmlAnswer(loginResult{Ret: refused.ret, Message: refused.message})
	}
	if c.session == nil {
		c.session = s.open()
	}
	se := c.session
	a := xmlAnswer(loginResult{SKey: se.skey, WxSid: se.sid, WxUin: s.people.uin, PassTicket: se.passTicket, IsGray: 1})
	a.cookies = se.cookies(s.opt.Domain, s.people.uin)
	if q.Get("version") != "v2" {
		a.status = http.StatusMovedPermanently // without Location, as clients of the old way know it
	}
	return a
}

func (s *Server) refuses(c *code, h http.Header) refusal {
	desktop := h.Get("extspam") != "" && h.Get("client-version") != ""
	if !desktop && (c.desktop || s.opt.RefuseNormal) {
		return refusal{retForbidden, refusedText}
	}
	if isOver(s.refusal.ret) {
		return refusal{}
	}
	return s.refusal
}

// pushResult answers a request to log in again by a tap on the phone.
type pushResult struct {
	Ret  string `json:"ret"`
	Msg  string `json:"msg"`
	UUID string `json:"uuid"`
}

func (s *Server) pushLogin(r *visit) answer {
	if !s.remembers(r) {
		return jsonAnswer(pushResult{Ret: "1", Msg: "need scan"})
	}
	c := s.newCode(r.URL.Query().Get("mod") == "desktop", true)
	return jsonAnswer(pushResult{Ret: "0", Msg: "all ok", UUID: c.uuid})
}

// remembers tells whether the client shows the account's Uin and its cookie.
func (s *Server) remembers(r *visit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	uin := fmt.Sprint(s.people.uin)
	cookie, err := r.Cookie("wxuin")
	ok := s.logins > 0 && r.URL.Query().Get("uin") == uin && (s.opt.Lax || err == nil && cookie.Value == uin)
	if !ok {
		s.complain("webwxpushloginurl: not the last login's uin or cookie")
	}
	return ok
}
