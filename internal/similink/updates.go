package similink

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// cursorForm is what is inside a get_updates_buf: the number of the newest
// message the client has been given.
const cursorForm = "similink:%d"

func cursor(n int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, cursorForm, n))
}

// readCursor reports false for a cursor that was never given out. An empty one
// is that of a client that has none.
func (s *Server) readCursor(text string) (n int64, ok bool) {
	if text == "" {
		return 0, true
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return 0, false
	}
	_, err = fmt.Sscanf(string(b), cursorForm, &n)
	return n, err == nil && n >= 0 && n <= s.handed
}

// LoseCursor leaves get_updates_buf empty in the next n answers to getupdates.
func (s *Server) LoseCursor(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noCursor = n
}

// updates is the answer of getupdates.
type updates struct {
	Ret      int    `json:"ret"`
	Messages []any  `json:"msgs"`
	Cursor   string `json:"get_updates_buf"`
	Timeout  int64  `json:"longpolling_timeout_ms,omitempty"`
}

// poll is a getupdates being answered.
type poll struct {
	number int
	from   int64 // its messages come after this one
}

// getUpdates is held until there is something to hand out.
func (s *Server) getUpdates(r *visit) answer {
	p, refused := s.beginPoll(r)
	if refused != nil {
		return *refused
	}
	var out answer
	heard := s.stage.Hold(r.Context(), r.Fate, s.opt.Hold, func() bool {
		superseded := s.polls != p.number && !s.opt.Assume.ParallelPolls
		switch {
		case !s.stillOn(r):
			out = s.over()
		case superseded:
			out = jsonAnswer(s.nothing(p))
		case s.waiting(p) > 0:
			out = jsonAnswer(s.handOut(p))
		default:
			return false
		}
		return true
	})
	if heard {
		return out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return jsonAnswer(s.nothing(p))
}

// beginPoll checks a getupdates, or says how it is refused.
func (s *Server) beginPoll(r *visit) (p poll, refused *answer) {
	var in struct {
		Cursor string `json:"get_updates_buf"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.judge(r); !ok {
		a := s.over()
		return p, &a
	}
	if !s.decode(r, &in) {
		a := retAnswer(retFailed, "bad request")
		return p, &a
	}
	from, ok := s.readCursor(in.Cursor)
	if !ok {
		s.complain("getupdates: get_updates_buf was never given out")
		from = s.handed
	}
	s.polls++
	s.stage.News.Ring()
	return poll{s.polls, from}, nil
}

// stillOn tells whether the session of a held poll is still on.
func (s *Server) stillOn(r *visit) bool {
	return !s.session.ended && strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") == s.session.token
}

// start is the number of the message before the first one for a poll.
func (s *Server) start(p poll) int64 {
	from := s.handed
	if s.opt.Assume.Replay {
		from = p.from
	}
	return max(from, s.messages.Dropped())
}

// waiting is how many messages there are for a poll.
func (s *Server) waiting(p poll) int64 { return s.messages.Last() - s.start(p) }

// handOut answers a poll with what waits. It does not come again.
func (s *Server) handOut(p poll) updates {
	from := s.start(p)
	batch := s.messages.After(from, s.opt.Batch)
	out := make([]any, len(batch))
	for i, m := range batch {
		out[i] = s.wire(m, from+int64(i)+1)
	}
	from += int64(len(batch))
	s.handed = max(s.handed, from)
	s.stage.Seen.Ring()
	return s.pollAnswer(out, from)
}

// nothing answers a poll that brings nothing.
func (s *Server) nothing(p poll) updates { return s.pollAnswer([]any{}, s.start(p)) }

func (s *Server) pollAnswer(messages []any, at int64) updates {
	out := updates{Messages: messages, Cursor: cursor(at), Timeout: max(0, s.opt.PollTimeout.Milliseconds())}
	if s.noCursor > 0 {
		s.noCursor--
		out.Cursor = ""
	}
	return out
}

// wire shows a message to the bot that is logged in.
func (s *Server) wire(m message, seq int64) any {
	ms := m.at.UnixMilli()
	item := m.item
	item.Created, item.Updated, item.Done, item.MsgID = ms, ms, true, number(m.id)
	w := wireMessage{
		Seq: seq, MessageID: number(m.id), From: m.from.id, To: s.session.bot,
		Created: ms, Updated: ms, SessionID: m.from.id + "#" + s.session.bot,
		Type: fromUser, State: stateFinished, Items: []wireItem{item}, Token: s.grant(m.from),
	}
	if m.raw == nil {
		return w
	}
	return overlay(w, m.raw)
}

// overlay puts single fields over a message; nil takes one away.
func overlay(w wireMessage, fields map[string]any) any {
	b, err := json.Marshal(w)
	if err != nil {
		return w
	}
	kept := map[string]json.RawMessage{}
	if json.Unmarshal(b, &kept) != nil {
		return w
	}
	all := make(map[string]any, len(kept))
	for name, v := range kept {
		all[name] = v
	}
	for name, v := range fields {
		if v == nil {
			delete(all, name)
			continue
		}
		all[name] = v
	}
	return all
}

// grants are the context_tokens given out.
type grants struct {
	byToken map[string]*grant
	order   []string
}

// grant is what a context_token allows.
type grant struct {
	to   *person
	by   *session
	used int
}

// grantLimit is how many context_tokens are kept.
const grantLimit = 20000

// grant gives out a context_token for replies to somebody.
func (s *Server) grant(to *person) string {
	g := &s.grants
	if g.byToken == nil {
		g.byToken = map[string]*grant{}
	}
	if len(g.order) >= grantLimit {
		delete(g.byToken, g.order[0])
		g.order = g.order[1:]
	}
	text := base64.StdEncoding.EncodeToString([]byte(token(30)))
	g.byToken[text] = &grant{to: to, by: s.session}
	g.order = append(g.order, text)
	to.newest = text
	return text
}
