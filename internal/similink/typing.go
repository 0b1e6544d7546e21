package similink

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/diagbot/diagbot/internal/simkit"
)

// ticketLife is how long a ticket for typing is good.
const ticketLife = 24 * time.Hour

// Typing is a change of the typing indicator somebody saw.
type Typing struct {
	To string // id
	On bool
	At time.Time
}

// Typing returns the newest changes of typing indicators, oldest first. A client
// repeats On as long as it works.
func (s *Server) Typing() []Typing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.typing.After(0, simkit.All))
}

// WaitTyping waits until typing indicators changed n times in all and returns
// what Typing does.
func (s *Server) WaitTyping(ctx context.Context, n int) ([]Typing, error) {
	err := s.stage.Wait(ctx, func() bool { return s.typing.Last() >= int64(n) })
	return s.Typing(), err
}

type configRequest struct {
	User  string `json:"ilink_user_id"`
	Token string `json:"context_token"`
}

// getConfig gives out a typing ticket.
func (s *Server) getConfig(_ *session, in configRequest) answer {
	p := s.people[in.User]
	if p == nil || p.id != in.User {
		s.complain("getconfig: nobody has the id " + in.User)
		return s.refuse("")
	}
	if p.ticket == "" || s.now().Sub(p.ticketAt) >= ticketLife {
		p.ticket, p.ticketAt = base64.StdEncoding.EncodeToString([]byte(token(24))), s.now()
	}
	return jsonAnswer(struct {
		Ret    int    `json:"ret"`
		Ticket string `json:"typing_ticket"`
	}{Ticket: p.ticket})
}

type typingRequest struct {
	User   string `json:"ilink_user_id"`
	Ticket string `json:"typing_ticket"`
	Status int    `json:"status"`
}

// Values of status.
const (
	typingOn  = 1
	typingOff = 2
)

func (s *Server) sendTyping(_ *session, in typingRequest) answer {
	p := s.people[in.User]
	if p == nil || p.id != in.User || in.Status != typingOn && in.Status != typingOff {
		s.complain("sendtyping: ilink_user_id or status is wrong")
		return s.refuse("")
	}
	if !s.ticketFits(p, in.Ticket) {
		return s.refuse("")
	}
	s.typing.Add(Typing{p.id, in.Status == typingOn, s.now()})
	s.stage.Seen.Ring()
	return retAnswer(0, "")
}

// ticketFits tells whether a typing ticket is good for somebody.
func (s *Server) ticketFits(p *person, ticket string) bool {
	if s.opt.Assume.AnyTicket {
		return true
	}
	for _, holder := range s.people {
		if holder.ticket == "" || holder.ticket != ticket || holder != p && !s.opt.Assume.TicketForAll {
			continue
		}
		return s.now().Sub(holder.ticketAt) < ticketLife
	}
	return false
}
