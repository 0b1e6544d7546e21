package similink

import (
	"context"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/diagbot/diagbot/internal/simkit"
)

// Sent is a message the bot sent.
type Sent struct {
	To        string // id of the receiver
	Kind      int    // KindText …
	Text      string
	Token     string // the context_token it came with
	ClientID  string
	RunID     string
	State     int    // message_state
	MessageID string // as answered
	At        time.Time
	Resent    bool   // the client_id had come before
	Media     []byte // of an image, file or video, decrypted; nil if its key is wrong
	FileName  string
}

// window is how long after a message replies may come.
const window = 24 * time.Hour

// Sent returns the newest messages people saw, oldest first.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent.After(0, simkit.All))
}

// Lost returns the messages that were answered with success and that nobody saw:
// too long, too late or with a client_id that had come before.
func (s *Server) Lost() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lost.After(0, simkit.All))
}

// WaitSent waits until people saw n messages in all and returns what Sent does.
func (s *Server) WaitSent(ctx context.Context, n int) ([]Sent, error) {
	err := s.stage.Wait(ctx, func() bool { return s.sent.Last() >= int64(n) })
	return s.Sent(), err
}

// Subscribe returns a channel of the messages sent from now on. It never holds
// the server up. The function returned ends it and closes the channel, and so does Close.
func (s *Server) Subscribe() (<-chan Sent, func()) { return simkit.Subscribe(s.stage, &s.sent) }

// sendRequest is the body of sendmessage.
type sendRequest struct {
	Msg wireMessage `json:"msg"`
}

type sendResult struct {
	MessageID number `json:"message_id"`
	Ret       int    `json:"ret"`
}

func (s *Server) sendMessage(se *session, in sendRequest) answer {
	to := s.people[in.Msg.To]
	if why := s.misshapen(in.Msg, to); why != "" {
		s.complain("sendmessage: " + why)
		return s.refuse("")
	}
	m, ok := s.content(in.Msg)
	if !ok {
		return s.refuse("")
	}
	if id, again := s.clients[m.ClientID]; again && !s.opt.Assume.RepeatsShown {
		m.MessageID, m.Resent = strconv.FormatUint(id, 10), true
		s.lost.Add(m)
		return jsonAnswer(sendResult{MessageID: number(id)})
	}
	if max := s.opt.Assume.MaxBytes; max > 0 && len(m.Text) > max {
		return s.refuse("")
	}
	if why, ok := s.permit(se, to, m); !ok {
		return s.refuse(why)
	}
	return s.accept(m, to)
}

// misshapen says what is wrong with the form of a message, if anything.
func (s *Server) misshapen(m wireMessage, to *person) string {
	switch {
	case to == nil || to.id != m.To:
		return "nobody has the id " + m.To
	case len(m.Items) != 1:
		return "item_list must have one item"
	case m.From != "" || m.Type != fromBot:
		return "from_user_id must be empty, message_type 2"
	case m.ClientID == "":
		return "client_id is missing"
	}
	return ""
}

// content reads the item of a message; it reports false for one nobody could
// see.
func (s *Server) content(w wireMessage) (Sent, bool) {
	m := Sent{
		To: w.To, Kind: w.Items[0].Type, Token: w.Token, ClientID: w.ClientID, RunID: w.RunID,
		State: w.State, At: s.now(),
	}
	if t := w.Items[0].Text; m.Kind == KindText && t != nil && t.Text != "" {
		m.Text = t.Text
		return m, true
	}
	return m, s.attach(&m, w.Items[0])
}

// permit tells whether a reply may go out and, if not, what the refusal says.
func (s *Server) permit(se *session, to *person, m Sent) (why string, ok bool) {
	g := s.grants.byToken[m.Token]
	if why, ok := s.tokenFits(g, se, to, m.Token); !ok {
		return why, false
	}
	if s.throttled(s.now()) {
		return "rate limited", false
	}
	late := to.heard.IsZero() || s.now().Sub(to.heard) >= window
	if late && !s.opt.Assume.LateIsLost {
		return "", false
	}
	return "", s.spend(g, to, m.Kind)
}

func (s *Server) tokenFits(g *grant, se *session, to *person, token string) (why string, ok bool) {
	a := s.opt.Assume
	switch {
	case token == "" && a.NoTokenNeeded:
		return "", true
	case token == "":
		s.complain("sendmessage: context_token is missing")
		return "prepare failed", false
	case g == nil || g.to != to:
		s.complain("sendmessage: context_token was never given out for " + to.name)
		return "prepare failed", false
	case a.StaleTokenWorks:
		return "", true
	}
	stale := g.by != se || a.NewestTokenOnly && to.newest != token
	return "prepare failed", !stale
}

// spend counts a reply against the quota and tells whether there was any left.
func (s *Server) spend(g *grant, to *person, kind int) bool {
	a := s.opt.Assume
	if kind != KindText && a.FreeMedia {
		return true
	}
	perHeard := a.NoQuotaPerHeard || to.used < s.opt.Quota
	perToken := a.NoQuotaPerToken || g == nil || g.used < s.opt.Quota
	if !perHeard || !perToken {
		return false
	}
	to.used++
	if g != nil {
		g.used++
	}
	return true
}

// Left is how many replies the quota still allows to somebody, by id or name.
func (s *Server) Left(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[user]
	if p == nil || p.heard.IsZero() || s.now().Sub(p.heard) >= window {
		return 0
	}
	return max(0, s.opt.Quota-p.used)
}

func (s *Server) throttled(now time.Time) bool {
	if s.limiter == nil {
		return false
	}
	if now.Before(s.blocked) {
		return true
	}
	if s.limiter.AllowN(now, 1) {
		return false
	}
	s.blocked = now.Add(s.opt.Limit.Block)
	return true
}

// refuse answers with the code that says little more than no.
func (s *Server) refuse(why string) answer {
	if s.opt.Assume.RefusalText != "" {
		why = s.opt.Assume.RefusalText
	}
	return retAnswer(retRefused, why)
}

// accept files a message and answers with its id.
func (s *Server) accept(m Sent, to *person) answer {
	id := s.newID()
	m.MessageID = strconv.FormatUint(id, 10)
	_, m.Resent = s.clients[m.ClientID]
	if m.Resent {
		s.complain("sendmessage: sent again: client_id " + m.ClientID)
	}
	s.noteClient(m.ClientID, id)
	long := s.opt.Assume.MaxRunes > 0 && utf8.RuneCountInString(m.Text) > s.opt.Assume.MaxRunes
	if long || s.now().Sub(to.heard) >= window {
		s.lost.Add(m)
	} else {
		s.sent.Add(m)
	}
	s.stage.Seen.Ring()
	return jsonAnswer(sendResult{MessageID: number(id)})
}

// noteClient remembers the client_ids of at least the kept history.
func (s *Server) noteClient(client string, id uint64) {
	if len(s.clients) >= 2*s.opt.History {
		clear(s.clients)
		for _, m := range s.sent.Items() {
			s.clients[m.ClientID], _ = strconv.ParseUint(m.MessageID, 10, 64)
		}
	}
	s.clients[client] = id
}
