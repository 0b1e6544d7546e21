package similink

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// session is a login: a bot and its token.
type session struct {
	token, bot string
	host       string // where the account lives
	owner      *person
	ended      bool
	replaced   bool // by another login
}

// open starts a session after a confirmed scan. It ends the one before.
func (s *Server) open(owner *person, host string) *session {
	if s.session != nil {
		s.session.ended, s.session.replaced = true, true
	}
	if s.session != nil && s.opt.Assume.LoseUnheard {
		s.handed = s.messages.Last()
	}
	bot := token(6)
	s.session = &session{token: bot + "@im.bot:" + token(16), bot: bot + "@im.bot", host: host, owner: owner}
	s.issued[s.session.token] = true
	s.stage.News.Ring()
	s.stage.Seen.Ring()
	return s.session
}

// Kick ends the session: everything gets -14 from now on, held polls at once.
// With [Options.Revive] a notifystart brings it back.
func (s *Server) Kick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.session.ended = true
	}
	s.stage.News.Ring()
	s.stage.Seen.Ring()
}

// LoginElsewhere lets the bot's owner bind another client, which ends the
// session for good.
func (s *Server) LoginElsewhere() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.open(s.session.owner, s.session.host)
	}
}

// LoggedIn tells whether a client has logged in and its session is not over.
func (s *Server) LoggedIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loggedIn()
}

func (s *Server) loggedIn() bool { return s.session != nil && !s.session.ended }

// Bot is the id and the token of the login that is on, or was the last.
func (s *Server) Bot() (id, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return "", ""
	}
	return s.session.bot, s.session.token
}

// judge finds the session a request belongs to; it reports false for none. The
// state is locked.
func (s *Server) judge(r *visit) (*session, bool) {
	if !s.headersFit(r) {
		return nil, false
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !s.issued[bearer] {
		s.complain(r.name + ": the bearer token was never given out")
		return nil, false
	}
	se := s.session
	if se.token != bearer || se.ended && !s.revives(r, se) {
		return nil, false
	}
	if here := host(r.Host); here != se.host && !isLoopback(here) && !s.opt.Assume.AnyHost {
		s.complain(r.name + ": the account lives at " + se.host + ", not at " + here)
		return nil, false
	}
	return se, true
}

// revives tells whether a request may still be heard after the end.
func (s *Server) revives(r *visit, se *session) bool {
	return r.name == "notifystart" && s.opt.Revive && !se.replaced
}

// headersFit checks what every client must say of itself.
func (s *Server) headersFit(r *visit) bool {
	if s.opt.Lax {
		return true
	}
	version, err := strconv.ParseUint(r.Header.Get("iLink-App-ClientVersion"), 10, 32)
	if r.Header.Get("iLink-App-Id") != "bot" || err != nil || version == 0 {
		s.complain(r.name + ": iLink-App-Id or iLink-App-ClientVersion is missing or wrong")
		return false
	}
	if r.Method != "POST" {
		return true
	}
	if r.Header.Get("AuthorizationType") != "ilink_bot_token" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		s.complain(r.name + ": AuthorizationType or Content-Type is missing or wrong")
		return false
	}
	return s.uinFits(r)
}

// uinFits checks X-WECHAT-UIN, a new random number in each request.
func (s *Server) uinFits(r *visit) bool {
	uin := r.Header.Get("X-WECHAT-UIN")
	digits, err := base64.StdEncoding.DecodeString(uin)
	if err == nil {
		_, err = strconv.ParseUint(string(digits), 10, 32)
	}
	if err != nil {
		s.complain(r.name + ": X-WECHAT-UIN is missing or wrong")
		return false
	}
	if uin == s.lastUin {
		s.complain(r.name + ": X-WECHAT-UIN is that of the request before")
	}
	s.lastUin = uin
	return true
}

// onBehalf makes an endpoint of what a logged-in bot may ask for. It is called
// with the state locked.
func onBehalf[T any](do func(*Server, *session, T) answer) func(*Server, *visit) answer {
	return func(s *Server, r *visit) answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		se, ok := s.judge(r)
		if !ok {
			return s.over()
		}
		var in T
		if !s.decode(r, &in) {
			return retAnswer(retFailed, "bad request")
		}
		return do(s, se, in)
	}
}

// agentLimit is how long bot_agent may be, in bytes.
const agentLimit = 256

// decode reads a bot's JSON request and looks at its base_info. It reports false
// for one that is not JSON.
func (s *Server) decode(r *visit, in any) bool {
	var base struct {
		BaseInfo baseInfo `json:"base_info"`
	}
	if json.Unmarshal(r.body, in) != nil || json.Unmarshal(r.body, &base) != nil {
		s.complain(r.name + ": the body is not the JSON it should be")
		return false
	}
	agent := base.BaseInfo.Agent
	if base.BaseInfo.Version == "" || len(agent) > agentLimit || strings.ContainsFunc(agent, func(c rune) bool { return c < ' ' || c > '~' }) {
		s.complain(r.name + ": base_info is missing or wrong")
	}
	return true
}

// notifyStart hears that the client begins to listen.
func (s *Server) notifyStart(se *session, _ struct{}) answer {
	if se.ended {
		se.ended = false
		s.stage.Seen.Ring()
	}
	return retAnswer(0, "")
}

// notifyStop hears that the client stops listening.
func (s *Server) notifyStop(*session, struct{}) answer { return retAnswer(0, "") }
