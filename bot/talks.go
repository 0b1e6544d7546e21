package bot

import (
	"container/list"
	"slices"
	"time"
)

const (
	maxTalks     = 10_000   // conversations that memory keeps
	maxTalksSize = 32 << 20 // bytes of their texts
)

// talks are the conversations of a memory.
type talks struct {
	expiry time.Duration // 0: never
	byKey  map[string]*list.Element
	order  *list.List        // of *talk, the latest first
	logins map[string]string // of a name: the login its chat was last seen under
	size   int
}

type talk struct {
	Conversation
	turns []Turn
	size  int
	last  time.Time
}

func newTalks(expiry time.Duration) *talks {
	return &talks{expiry: expiry, byKey: make(map[string]*list.Element), order: list.New(), logins: make(map[string]string)}
}

func (s *talks) conclude(c Conclusion, now time.Time) {
	e := s.byKey[c.Conversation.Key]
	if c.Forget && e != nil {
		s.drop(e)
		e = nil
	}
	if c.Turn == nil {
		return
	}
	if e == nil {
		e = s.order.PushFront(&talk{Conversation: c.Conversation})
		s.byKey[c.Conversation.Key] = e
	}
	s.order.MoveToFront(e)
	t := e.Value.(*talk)
	t.Conversation, t.last = c.Conversation, now
	if t.Login != "" && t.Name != "" {
		s.logins[t.Name] = t.Login
	}
	s.size -= t.size
	t.add(*c.Turn, c.Keep)
	s.size += t.size
	s.makeRoom(now)
}

func (t *talk) add(n Turn, keep int) {
	t.turns, t.size = append(t.turns, n), t.size+n.size()
	for len(t.turns) > max(keep, 0) {
		t.size -= t.turns[0].size()
		t.turns[0] = Turn{}
		t.turns = t.turns[1:]
	}
}

// makeRoom drops what is too old or too much.
func (s *talks) makeRoom(now time.Time) {
	for e := s.order.Back(); e != nil; e = s.order.Back() {
		old := s.expiry > 0 && now.Sub(e.Value.(*talk).last) >= s.expiry
		if !old && s.order.Len() <= maxTalks && s.size <= maxTalksSize {
			return
		}
		s.drop(e)
	}
}

func (s *talks) drop(e *list.Element) {
	t := e.Value.(*talk)
	s.order.Remove(e)
	s.size -= t.size
	delete(s.byKey, t.Key)
	if s.logins[t.Name] == t.Login {
		delete(s.logins, t.Name)
	}
}

func (s *talks) recall(c Conversation, since time.Time) Memory {
	if e := s.byKey[c.Key]; e != nil {
		t := e.Value.(*talk)
		if t.last.Before(since) {
			s.drop(e)
			return Memory{}
		}
		return Memory{Turns: slices.Clone(t.turns)}
	}
	was, known := s.logins[c.Name]
	return Memory{Lost: known && c.Login != "" && was != c.Login}
}
