package similink

import (
	"encoding/json"
	"slices"
	"time"
)

// code is a QR code.
type code struct {
	id       string
	born     time.Time
	held     []string // tokens the client has
	by       *person  // who scans it
	scanned  bool
	told     bool // the client knows that
	agreed   bool // confirmed on the phone
	verified bool // the digits were right
	wrong    int  // wrong digits
	expired  bool
	manual   bool // only Scan scans it
	session  *session
}

// wrongLimit is how many wrong digits block a code. The real number is unknown.
const wrongLimit = 3

// qrLife is when a QR code that nobody scanned expires.
const qrLife = 5 * time.Minute

// codeLimit is how many QR codes are kept.
const codeLimit = 64

// qrStatus is the answer of get_qrcode_status.
type qrStatus struct {
	Status       string `json:"status"`
	BotToken     string `json:"bot_token,omitempty"`
	BotID        string `json:"ilink_bot_id,omitempty"`
	BaseURL      string `json:"baseurl,omitempty"`
	UserID       string `json:"ilink_user_id,omitempty"`
	RedirectHost string `json:"redirect_host,omitempty"`
}

// ExpireQR lets n QR codes expire unscanned: the one on show, if any, then the
// next ones.
func (s *Server) ExpireQR(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.newest; n > 0 && c != nil && !c.agreed && !c.expired {
		c.expired = true
		n--
	}
	s.expire = n
	s.stage.News.Ring()
}

// Scan lets the owner scan and confirm the QR code on show, or else the next one.
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

// getQRCode gives out a QR code. Older clients ask by GET, without the tokens
// they hold.
func (s *Server) getQRCode(r *visit) answer {
	var in struct {
		Tokens []string `json:"local_token_list"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.headersFit(r) {
		return s.over()
	}
	if r.Method == "POST" && (json.Unmarshal(r.body, &in) != nil || len(in.Tokens) > 10) {
		s.complain("get_bot_qrcode: local_token_list is missing or wrong")
		return retAnswer(retFailed, "bad request")
	}
	if r.URL.Query().Get("bot_type") != "3" {
		s.complain("get_bot_qrcode: bot_type is not 3")
		return retAnswer(retFailed, "bad bot_type")
	}
	c := s.newCode(in.Tokens)
	return jsonAnswer(struct {
		Code  string `json:"qrcode"`
		Image string `json:"qrcode_img_content"`
		Ret   int    `json:"ret"`
	}{Code: c.id, Image: "https://liteapp.weixin.qq.com/q/7GiQu1?qrcode=" + c.id + "&bot_type=3"})
}

func (s *Server) newCode(held []string) *code {
	c := &code{id: token(16), born: s.now(), held: held, by: s.owner, manual: s.opt.ScanDelay < 0}
	switch {
	case s.expire > 0:
		s.expire--
		c.expired = true
	case s.scanNext:
		s.scanNext = false
		c.scanned, c.agreed = true, true
	}
	if len(s.codes) >= codeLimit {
		clear(s.codes)
	}
	s.codes[c.id], s.newest = c, c
	s.stage.Seen.Ring()
	return c
}

// age lets the phone's owner do what the time says.
func (s *Server) age(c *code) {
	age := s.now().Sub(c.born)
	if !c.manual && !c.expired {
		c.scanned = c.scanned || age >= s.opt.ScanDelay/2
		c.agreed = c.agreed || age >= s.opt.ScanDelay
	}
	c.expired = c.expired || !c.scanned && age >= qrLife
}

// pollQRCode holds the client until the code's state changes.
func (s *Server) pollQRCode(r *visit) answer {
	id, digits := r.URL.Query().Get("qrcode"), r.URL.Query().Get("verify_code")
	if !s.mayPoll(r) {
		return s.over()
	}
	var said qrStatus
	ready := func() (changed bool) {
		said, changed = s.codeNews(s.codes[id], host(r.Host), digits)
		return changed
	}
	for end := time.Now().Add(s.opt.Hold); ; {
		if s.stage.Hold(r.Context(), r.Fate, s.untilChange(id, end), ready) || !time.Now().Before(end) || s.leaves(r) {
			return jsonAnswer(said)
		}
	}
}

func (s *Server) mayPoll(r *visit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.headersFit(r)
}

// untilChange is how long a poll can wait for time alone to change a code.
func (s *Server) untilChange(id string, end time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Until(end)
	c := s.codes[id]
	if c == nil {
		return wait
	}
	steps := []time.Duration{qrLife}
	if !c.manual {
		steps = append(steps, s.opt.ScanDelay/2, s.opt.ScanDelay)
	}
	for _, step := range steps {
		if d := step - s.now().Sub(c.born); d > 0 {
			wait = min(wait, d)
		}
	}
	return wait
}

// leaves tells whether a poll must end early.
func (s *Server) leaves(r *visit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage.Hopeless(r.Context(), r.Fate)
}

// codeNews is the state of a code, and whether the client should hear it now.
func (s *Server) codeNews(c *code, host, digits string) (said qrStatus, changed bool) {
	if c != nil {
		s.age(c)
	}
	switch {
	case c == nil || c.expired:
		return qrStatus{Status: "expired"}, true
	case c.wrong >= wrongLimit:
		return qrStatus{Status: "verify_code_blocked"}, true
	case !c.scanned:
		return qrStatus{Status: "wait"}, false
	case s.opt.Redirect && host == APIHost:
		return qrStatus{Status: "scaned_but_redirect", RedirectHost: RedirectHost}, true
	case c.session == nil && s.loggedIn() && slices.Contains(c.held, s.session.token):
		return qrStatus{Status: "binded_redirect"}, true
	case s.opt.VerifyCode != "" && !c.verified:
		return s.verify(c, digits), true
	case c.agreed && c.told:
		return s.confirm(c, host), true
	}
	changed, c.told = !c.told, true
	return qrStatus{Status: "scaned"}, changed
}

// verify compares the digits, if there are any, with those on the phone.
func (s *Server) verify(c *code, digits string) qrStatus {
	switch {
	case digits == s.opt.VerifyCode:
		c.verified, c.told = true, true
		return qrStatus{Status: "scaned"}
	case digits != "":
		c.wrong++
	}
	if c.wrong >= wrongLimit {
		return qrStatus{Status: "verify_code_blocked"}
	}
	return qrStatus{Status: "need_verifycode"}
}

// confirm logs in, the first time it is called for a code.
func (s *Server) confirm(c *code, host string) qrStatus {
	if isLoopback(host) {
		host = APIHost
	}
	if c.session == nil {
		c.session = s.open(c.by, host)
	}
	se := c.session
	return qrStatus{
		Status: "confirmed", BotToken: se.token, BotID: se.bot,
		BaseURL: "https://" + se.host, UserID: se.owner.id,
	}
}
