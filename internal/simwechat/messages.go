package simwechat

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// Types of messages.
const (
	TypeText   = 1
	TypeImage  = 3
	TypeVoice  = 34
	TypeVideo  = 43
	TypeEmoji  = 47
	TypeApp    = 49
	TypeStatus = 51
	TypeSystem = 10000
)

// message is one that arrived, kept without names: they are put in when it is
// synchronised, because a later login has others.
type message struct {
	id       int64
	at       int64 // Unix seconds
	from, to *contact
	speaker  *contact // in a group, who spoke
	kind     int
	content  string         // escaped
	raw      map[string]any // overrides of single fields, or nil
}

// wireMessage is a message as the protocol shows it.
type wireMessage struct {
	MsgId                string
	FromUserName         string
	ToUserName           string
	MsgType              int
	Content              string
	Status               int
	ImgStatus            int
	CreateTime           int64
	VoiceLength          int
	PlayLength           int
	FileName             string
	FileSize             string
	MediaId              string
	Url                  string
	AppMsgType           int
	StatusNotifyCode     int
	StatusNotifyUserName string
	RecommendInfo        struct {
		UserName, NickName, Province, City, Content, Signature, Alias, Ticket string
		QQNum, AttrStatus                                                     int64
		Scene, VerifyFlag, Sex, OpCode                                        int
	}
	ForwardFlag int
	AppInfo     struct {
		AppID string
		Type  int
	}
	HasProductId  int
	Ticket        string
	ImgHeight     int
	ImgWidth      int
	SubMsgType    int
	NewMsgId      int64
	OriContent    string
	EncryFileName string
}

// Say lets a friend, an official account or any other contact write to the
// account, and returns the message's MsgId: empty if from is nobody the server knows.
func (s *Server) Say(from, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.people.find(from)
	if c == nil || c.group != nil {
		return ""
	}
	return s.arrive(message{from: c, to: s.people.self, kind: TypeText, content: escape(text, s.opt.EmojiSpans)})
}

// SayIn lets a member, named by UserName, group name or nickname, speak in a
// group. It returns the MsgId, or nothing for an unknown group or member.
func (s *Server) SayIn(group, member, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.inGroup(group, member)
	if !ok {
		return ""
	}
	m.kind, m.content = TypeText, escape(text, s.opt.EmojiSpans)
	return s.arrive(m)
}

func (s *Server) inGroup(group, member string) (message, bool) {
	c := s.people.find(group)
	if c == nil || c.group == nil {
		return message{}, false
	}
	who := c.group.speaker(&s.people, member)
	return message{from: c, to: s.people.self, speaker: who}, who != nil
}

// SayFromPhone lets the account's owner write from the phone to a friend, a
// group or "filehelper".
func (s *Server) SayFromPhone(to, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.people.find(to)
	if c == nil {
		return ""
	}
	return s.arrive(message{from: s.people.self, to: c, kind: TypeText, content: escape(text, s.opt.EmojiSpans)})
}

// Push lets any message arrive. Fields are those of the protocol (MsgType,
// Content …) and are sent as they are; FromUserName and ToUserName take handles
// and default to the account itself, MsgId, NewMsgId and CreateTime are filled in
// when left out. A json.RawMessage carries what a Go string cannot, broken UTF-8 for one.
func (s *Server) Push(raw map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := message{from: s.people.self, to: s.people.self, kind: TypeText, raw: maps.Clone(raw)}
	for field, who := range map[string]**contact{"FromUserName": &m.from, "ToUserName": &m.to} {
		name, _ := raw[field].(string)
		if c := s.people.find(name); c != nil {
			*who = c
			delete(m.raw, field)
		}
	}
	id := s.arrive(m)
	if given, ok := raw["MsgId"].(string); ok {
		return given
	}
	return id
}

// arrive files a message and wakes the polls.
func (s *Server) arrive(m message) string {
	m.at = time.Now().Unix()
	m.id = s.newID()
	s.messages.Add(m)
	if chat := m.chat(s.people.self); !chat.fixed && chat != s.people.self {
		s.remember(chat)
	}
	s.stage.News.Ring()
	return strconv.FormatInt(m.id, 10)
}

// newID makes a MsgId: rising, 19 digits, not in steps of one.
func (s *Server) newID() int64 {
	s.lastID += 7919 + time.Now().UnixNano()%1000
	return s.lastID
}

// chat is where a message belongs.
func (m message) chat(self *contact) *contact {
	if m.from == self {
		return m.to
	}
	return m.from
}

func (s *Server) wireMessage(m message) any {
	w := wireMessage{
		MsgId: strconv.FormatInt(m.id, 10), NewMsgId: m.id, FromUserName: m.from.user, ToUserName: m.to.user,
		MsgType: m.kind, Content: m.content, Status: 3, ImgStatus: 1, CreateTime: m.at,
	}
	if m.speaker != nil && m.from.group != nil {
		w.Content = m.speaker.user + ":<br/>" + m.content
	}
	if m.raw == nil {
		return w
	}
	return overlay(w, m.raw)
}

// pushOverview sends the account itself the list of open chats, which comes
// right after a login.
func (s *Server) pushOverview() string {
	_, chats := s.recentChats()
	chats = strings.TrimSuffix(chats, ",")
	return s.arrive(message{from: s.people.self, to: s.people.self, kind: TypeStatus,
		content: "&lt;msg&gt;<br/>&lt;op id='4'&gt;<br/>&lt;username&gt;<br/>" + chats + "<br/>&lt;/username&gt;<br/>&lt;/op&gt;<br/>&lt;/msg&gt;",
		raw:     map[string]any{"StatusNotifyCode": 4, "StatusNotifyUserName": chats},
	})
}
