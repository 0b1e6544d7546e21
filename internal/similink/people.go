package similink

import (
	"maps"
	"strconv"
	"time"
)

// person is somebody who may write to the bot.
type person struct {
	id, name string
	heard    time.Time // when they last wrote; zero: never
	used     int       // replies since then
	newest   string    // the newest context_token
	ticket   string    // for typing
	ticketAt time.Time
}

func (s *Server) newPerson(name string) *person {
	p := &person{id: "o9cq8" + token(11) + "@im.wechat", name: name}
	s.people[p.id], s.people[name] = p, p
	return p
}

// AddUser adds somebody who may write to the bot, and returns their id. The
// person of that name who is there already is kept.
func (s *Server) AddUser(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.people[name]; p != nil {
		return p.id
	}
	return s.newPerson(name).id
}

// Owner is the id of the person who scans, and whose the bot is.
func (s *Server) Owner() string { return s.owner.id }

// message is one that arrived. Names and tokens are put in when it is handed
// out.
type message struct {
	id   uint64
	at   time.Time
	from *person
	item wireItem
	raw  map[string]any // overrides of single fields, or nil
}

// Say lets somebody, named by id or name, write to the bot. It returns the
// message_id: empty if the server does not know them.
func (s *Server) Say(user, text string) string {
	return s.say(user, wireItem{Type: KindText, Text: &wireText{text}})
}

func (s *Server) say(user string, item wireItem) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[user]
	if p == nil {
		return ""
	}
	return s.arrive(message{from: p, item: item})
}

// Push lets any message arrive. Fields are those of the protocol (message_id,
// item_list …) and are sent as they are: nil leaves one out, a json.RawMessage
// carries what a Go value cannot. What is not given is filled in; from_user_id
// defaults to the owner and also takes a name. It returns the message_id.
func (s *Server) Push(raw map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := message{from: s.owner, item: wireItem{Type: KindText, Text: &wireText{}}, raw: maps.Clone(raw)}
	name, _ := raw["from_user_id"].(string)
	if p := s.people[name]; p != nil {
		m.from = p
		delete(m.raw, "from_user_id")
	}
	return s.arrive(m)
}

// arrive files a message: its sender may be answered again.
func (s *Server) arrive(m message) string {
	m.at = s.now()
	m.id = s.newID()
	m.from.heard, m.from.used = m.at, 0
	return s.file(m)
}

func (s *Server) file(m message) string {
	s.messages.Add(m)
	s.stage.News.Ring()
	return strconv.FormatUint(m.id, 10)
}

// Redeliver lets a message arrive once more, with the same message_id and
// another context_token. It reports whether the message is known.
func (s *Server) Redeliver(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.find(id)
	if ok {
		s.file(m)
	}
	return ok
}

// Repeat lets the same content arrive once more as a message of its own, as
// WeChat does at times though it was written once. It returns the new
// message_id, or nothing for an unknown message.
func (s *Server) Repeat(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.find(id)
	if !ok {
		return ""
	}
	m.id = s.newID()
	return s.file(m)
}

func (s *Server) find(id string) (message, bool) {
	for _, m := range s.messages.Items() {
		if strconv.FormatUint(m.id, 10) == id {
			return m, true
		}
	}
	return message{}, false
}

// newID makes a message_id: rising, above 2^63, not in steps of one.
func (s *Server) newID() uint64 {
	s.lastID += 7919 + uint64(time.Now().UnixNano()%1000)
	return s.lastID
}
