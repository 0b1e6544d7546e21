package simwechat

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Codes of the protocol.
const (
	retTicket      = -14
	retParam       = 1
	retLoggedOut   = 1100
	retNotLoggedIn = 1101
	retCookie      = 1102
	retForbidden   = 1203
	retNoReceiver  = 1204
	retTooOften    = 1205
)

// isOver tells the codes that end a session.
func isOver(ret int) bool {
	return ret == retLoggedOut || ret == retNotLoggedIn || ret == retCookie
}

// session is a login of the account.
type session struct {
	sid, skey, passTicket  string
	dataTicket, auth, uvid string
	born                   time.Time
	ready                  bool // webwxinit was called
	over                   int  // why it ended, or 0
	doom                   int  // what its first synccheck will say, or 0
}

// open starts a session after a scan or push login. The one before is over, and
// from the second on everybody gets a new UserName.
func (s *Server) open() *session {
	if s.session != nil {
		s.people.rename()
	}
	se := &session{
		sid: token(8), skey: "@crypt_" + token(4) + "_" + token(16), passTicket: token(32),
		dataTicket: token(20), auth: token(24), uvid: token(32), born: time.Now(),
	}
	if isOver(s.refusal.ret) {
		se.doom = s.refusal.ret
	}
	s.session = se
	s.logins++
	s.stage.News.Ring() // polls of the session before
	return se
}

// cookies are those of the login page. All but one are for the account's domain
// and the hosts below it.
func (se *session) cookies(domain string, uin int64) []*http.Cookie {
	long := se.born.AddDate(10, 0, 0)
	short := se.born.Add(12 * time.Hour)
	return []*http.Cookie{
		{Name: "wxuin", Value: strconv.FormatInt(uin, 10), Domain: domain, Path: "/", Expires: short, Secure: true},
		{Name: "wxsid", Value: se.sid, Domain: domain, Path: "/", Expires: short, Secure: true},
		{Name: "wxloadtime", Value: strconv.FormatInt(se.born.Unix(), 10), Domain: domain, Path: "/", Expires: short, Secure: true},
		{Name: "mm_lang", Value: "zh_CN", Domain: domain, Path: "/", Expires: short, Secure: true},
		{Name: "webwx_data_ticket", Value: se.dataTicket, Domain: parent(domain), Path: "/", Expires: short, Secure: true},
		{Name: "webwxuvid", Value: se.uvid, Domain: domain, Path: "/", Expires: long, Secure: true},
		{Name: "webwx_auth_ticket", Value: se.auth, Domain: domain, Path: "/", Expires: long, Secure: true},
	}
}

// parent is the domain above wx.qq.com: qq.com.
func parent(domain string) string {
	for i := range domain {
		if domain[i] == '.' {
			return domain[i+1:]
		}
	}
	return domain
}

// credentials are what nearly every request carries.
type credentials struct {
	Uin                 int64
	Sid, Skey, DeviceID string
}

// judge says whether the request belongs to the session that is on: 0 or the
// code it gets. The state is locked.
func (s *Server) judge(r *visit, endpoint string, c credentials) int {
	se := s.session
	switch {
	case se == nil || c.Sid != se.sid || c.Skey != se.skey || c.Uin != s.people.uin:
		s.complain(endpoint + ": Uin, Sid or Skey is not this login's")
		return retNotLoggedIn
	case !s.opt.Lax && !se.knows(r):
		s.complain(endpoint + ": the login's cookies are missing")
		return retCookie
	case se.over == retLoggedOut: // only the poll says who ended it
		return retNotLoggedIn
	}
	return se.over
}

// judgeSkey is judge for downloads, which carry the Skey and cookies only.
func (s *Server) judgeSkey(r *visit, endpoint, skey string) int {
	c := credentials{Uin: s.people.uin, Skey: skey}
	if s.session != nil {
		c.Sid = s.session.sid
	}
	return s.judge(r, endpoint, c)
}

// judgeTicket checks a pass_ticket that may be left out unless it is wanted.
func (s *Server) judgeTicket(endpoint, ticket string, wanted bool) int {
	if ticket == s.session.passTicket || ticket == "" && !wanted {
		return 0
	}
	s.complain(endpoint + ": pass_ticket is not this login's")
	return retTicket
}

// knows tells whether the login's cookies came. An older one of the same name
// may come beside it: a restored cookie often has another domain.
func (se *session) knows(r *visit) bool {
	has := map[string]bool{}
	for _, c := range r.Cookies() {
		switch {
		case c.Name == "wxuin",
			c.Name == "wxsid" && c.Value == se.sid,
			c.Name == "webwx_data_ticket" && c.Value == se.dataTicket:
			has[c.Name] = true
		}
	}
	return len(has) == 3
}

// Kick ends the session with 1100 (logged out on the phone), 1101 (logged in
// elsewhere) or 1102 (cookies invalid). The next or held synccheck says so, and
// a hot login is refused.
func (s *Server) Kick(ret int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.session.over = ret
	}
	s.stage.News.Ring()
	s.stage.Seen.Ring()
}

// LoggedIn tells whether a client has logged in and was not kicked out.
func (s *Server) LoggedIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loggedIn()
}

func (s *Server) loggedIn() bool {
	return s.session != nil && s.session.ready && s.session.over == 0
}

// decode reads a JSON request; it reports false for one that is not JSON.
func decode(r *visit, v any) bool {
	return r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(v) == nil
}

type initResult struct {
	BaseResponse        baseResponse
	Count               int
	ContactList         []wireUser
	SyncKey             wireKey
	User                wireUser
	ChatSet             string
	SKey                string
	ClientVersion       int64
	SystemTime          int64
	GrayScale           int
	InviteStartCount    int
	MPSubscribeMsgCount int
	MPSubscribeMsgList  []any
	ClickReportInterval int
}

// initialise begins to use a session, after a login or again after a restart.
func (s *Server) initialise(r *visit) answer {
	var in struct{ BaseRequest credentials }
	if !decode(r, &in) {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ret := s.judge(r, "webwxinit", in.BaseRequest); ret != 0 {
		return jsonAnswer(initResult{BaseResponse: baseResponse{Ret: ret}})
	}
	s.session.ready = true
	s.stage.Seen.Ring()
	chats, set := s.recentChats()
	return jsonAnswer(initResult{
		Count: len(chats), ContactList: chats, ChatSet: set,
		SyncKey: s.newestKey(), User: s.wire(s.people.self), SKey: s.session.skey,
		ClientVersion: 369297683, SystemTime: time.Now().Unix(), GrayScale: 1,
		InviteStartCount: 40, MPSubscribeMsgList: []any{}, ClickReportInterval: 600000,
	})
}

// statusNotify hears that the client is ready or has read a chat.
func (s *Server) statusNotify(r *visit) answer {
	var in struct {
		BaseRequest credentials
		Code        int
	}
	if !decode(r, &in) {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ret := s.judge(r, "webwxstatusnotify", in.BaseRequest)
	if ret == 0 {
		ret = s.judgeTicket("webwxstatusnotify", r.URL.Query().Get("pass_ticket"), in.Code == 3)
	}
	if ret != 0 {
		return retAnswer(ret)
	}
	out := struct {
		BaseResponse baseResponse
		MsgID        string
	}{MsgID: ""}
	if in.Code == 3 {
		out.MsgID = s.pushOverview()
	}
	return jsonAnswer(out)
}

func (s *Server) logout(r *visit) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	ret := s.judgeSkey(r, "webwxlogout", r.URL.Query().Get("skey"))
	if ret == 0 {
		s.session.over = retNotLoggedIn
		s.stage.News.Ring()
		s.stage.Seen.Ring()
	}
	return retAnswer(ret)
}
