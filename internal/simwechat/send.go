package simwechat

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/diagbot/diagbot/internal/simkit"
)

// Sent is a message the client sent.
type Sent struct {
	To          string // the receiver's handle: what AddFriend or AddGroup returned, or "filehelper"
	UserName    string // the receiver's UserName on the wire
	Text        string // plain, as sent; of an app message the XML
	Type        int
	ClientMsgID string
	LocalID     string
	MsgID       string // as answered
	At          time.Time
	Resent      bool // the ClientMsgID had come before
	Revoked     bool
	Media       []byte // of an image, a video or a file
	FileName    string
}

// outgoing is a message in a request.
type outgoing struct {
	Type         int
	Content      string
	FromUserName string
	ToUserName   string
	LocalID      string
	ClientMsgId  string
	MediaId      string
	EMoticonMd5  string
}

type sendRequest struct {
	BaseRequest credentials
	Msg         outgoing
	Scene       int
}

// Sent returns the newest messages the client sent, oldest first.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent.After(0, simkit.All))
}

// WaitSent waits until n messages were sent in all and returns what Sent does.
func (s *Server) WaitSent(ctx context.Context, n int) ([]Sent, error) {
	err := s.stage.Wait(ctx, func() bool { return s.sent.Last() >= int64(n) })
	return s.Sent(), err
}

// Subscribe returns a channel of the messages sent from now on. It never holds
// the server up. The function returned ends it and closes the channel, and so does Close.
func (s *Server) Subscribe() (<-chan Sent, func()) { return simkit.Subscribe(s.stage, &s.sent) }

func (s *Server) sendText(r *visit) answer {
	var in sendRequest
	if !decode(r, &in) {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to, ret := s.judgeSend(r, sending{"webwxsendmsg", TypeText, ticketWanted}, in)
	if ret == 0 && in.Msg.Content == "" {
		ret = retParam
	}
	if ret != 0 {
		return retAnswer(ret)
	}
	return s.accept(in.Msg, to, Sent{Text: in.Msg.Content, Type: TypeText})
}

// sending is a way to send.
type sending struct {
	endpoint string
	kind     int
	ticket   ticketUse
}

// ticketUse says how an endpoint minds its pass_ticket.
type ticketUse int

const (
	ticketWanted   ticketUse = iota
	ticketOptional           // the web client leaves it out, openwechat too
	ticketIgnored            // openwechat 1.4.10 sends the word "pass_ticket"
)

// judgeSend checks everything sent and finds the receiver.
func (s *Server) judgeSend(r *visit, how sending, in sendRequest) (*contact, int) {
	endpoint := how.endpoint
	if ret := s.judge(r, endpoint, in.BaseRequest); ret != 0 {
		return nil, ret
	}
	if how.ticket != ticketIgnored {
		if ret := s.judgeTicket(endpoint, r.URL.Query().Get("pass_ticket"), how.ticket == ticketWanted); ret != 0 {
			return nil, ret
		}
	}
	if in.Msg.FromUserName != s.people.self.user {
		s.complain(endpoint + ": FromUserName is not the account's")
		return nil, retParam
	}
	to := s.people.byUser[in.Msg.ToUserName]
	if to == nil || !s.reaches(to) {
		s.complain(endpoint + ": nobody to send to: " + in.Msg.ToUserName)
		return nil, retNoReceiver
	}
	if s.throttled(time.Now()) {
		return nil, retTooOften
	}
	return to, 0
}

// reaches tells whether the account may write to somebody: friends, groups it
// is in and File Transfer, but not itself.
func (s *Server) reaches(to *contact) bool {
	if to.group != nil {
		_, in := to.group.byUser[s.people.self]
		return in
	}
	return to != s.people.self && (to.listed || to.fixed)
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

// accept files a message and answers with its MsgId.
func (s *Server) accept(in outgoing, to *contact, m Sent) answer {
	m.To, m.UserName, m.At = to.handle, to.user, time.Now()
	m.ClientMsgID, m.LocalID = in.ClientMsgId, in.LocalID
	m.MsgID = strconv.FormatInt(s.newID(), 10)
	if m.Resent = s.clientID[m.ClientMsgID]; m.Resent {
		s.complain("sent again: ClientMsgId " + m.ClientMsgID)
	}
	s.noteClientID(m.ClientMsgID)
	s.sent.Add(m)
	s.stage.Seen.Ring()
	if !to.fixed {
		s.remember(to)
	}
	if s.opt.Echo {
		s.echo(m, to)
	}
	return jsonAnswer(struct {
		BaseResponse   baseResponse
		MsgID, LocalID string
	}{MsgID: m.MsgID, LocalID: m.LocalID})
}

// echo lets a message come back: a text under another id, a medium under that it
// was answered with.
func (s *Server) echo(m Sent, to *contact) {
	back := message{from: s.people.self, to: to, kind: m.Type, content: escape(m.Text, s.opt.EmojiSpans)}
	switch m.Type {
	case TypeText:
	case TypeApp:
		back.raw = map[string]any{"MsgId": m.MsgID, "AppMsgType": 6, "FileName": m.FileName}
	default:
		back.raw = map[string]any{"MsgId": m.MsgID}
	}
	s.arrive(back)
}

// noteClientID remembers the ClientMsgIds of at least the kept history.
func (s *Server) noteClientID(id string) {
	if len(s.clientID) >= 2*s.opt.History {
		clear(s.clientID)
		for _, m := range s.sent.Items() {
			s.clientID[m.ClientMsgID] = true
		}
	}
	s.clientID[id] = true
}
