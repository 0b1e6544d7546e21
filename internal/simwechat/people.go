package simwechat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
)

// Person is somebody in the account's contact list.
type Person struct {
	Nick      string
	Remark    string // what the account calls them
	Alias     string // 微信号, nearly always empty on the web
	Signature string
	Province  string
	City      string
	Sex       int  // 1 male, 2 female
	Official  bool // an official account (公众号)
}

// Member is somebody in a group.
type Member struct {
	UserName string // of a friend, as AddFriend returned it; empty: somebody the account does not know
	Nick     string // of that stranger
	Display  string // their name in this group, often empty
}

// Group is a group chat. The account itself is a member of it.
type Group struct {
	Name       string
	Members    []Member
	BotDisplay string // the account's name in this group
	Saved      bool   // saved to the contact list; others are known only by their messages
}

// contact is a person, group or built-in account.
type contact struct {
	handle string // the UserName of the first login
	user   string // the UserName of this login
	seq    int64  // names the avatar
	fixed  bool   // the UserName never changes
	listed bool   // in the contact list
	person Person
	group  *room // nil for a person
}

// room is what a group has beyond a name.
type room struct {
	members []member
	byUser  map[*contact]int
	encry   string // EncryChatRoomId
}

type member struct {
	who     *contact
	display string
}

// people is everybody the account knows.
type people struct {
	seed     [16]byte
	epoch    int64 // counts the times everybody was renamed
	uin      int64
	self     *contact
	ordered  []*contact          // as they came
	byHandle map[string]*contact // for the methods of Server
	byUser   map[string]*contact // for the wire
	fillers  int
}

// builtIn are the accounts everybody has.
func builtIn() []*contact {
	return []*contact{
		{handle: "filehelper", fixed: true, listed: true, person: Person{Nick: "文件传输助手"}},
		{handle: "weixin", fixed: true, person: Person{Nick: "微信团队"}},
		{handle: "fmessage", fixed: true, person: Person{Nick: "朋友推荐消息"}},
	}
}

func newPeople(nick string) people {
	p := people{byHandle: map[string]*contact{}, byUser: map[string]*contact{}}
	_, _ = rand.Read(p.seed[:]) // does not fail since Go 1.24
	uin, _ := rand.Int(rand.Reader, big.NewInt(1e9))
	p.uin = 1e9 + uin.Int64()
	p.self = p.add(&contact{person: Person{Nick: nick}, listed: true})
	for _, c := range builtIn() {
		p.add(c)
	}
	return p
}

// add gives a contact its names.
func (p *people) add(c *contact) *contact {
	c.seq = 600000000 + int64(len(p.ordered))
	if c.handle == "" {
		c.handle = p.name(c)
	}
	c.user = c.handle
	p.ordered = append(p.ordered, c)
	p.byHandle[c.handle], p.byUser[c.user] = c, c
	return c
}

// name makes the UserName of this epoch.
func (p *people) name(c *contact) string {
	var b [32]byte
	copy(b[:], p.seed[:])
	binary.BigEndian.PutUint64(b[16:], uint64(p.epoch))
	binary.BigEndian.PutUint64(b[24:], uint64(c.seq))
	sum := sha256.Sum256(b[:])
	if c.group != nil {
		return "@@" + hex.EncodeToString(sum[:])
	}
	return "@" + hex.EncodeToString(sum[:16])
}

// rename gives everybody a new UserName, as a new login does.
func (p *people) rename() {
	p.epoch++
	clear(p.byUser)
	for _, c := range p.ordered {
		if !c.fixed {
			c.user = p.name(c)
		}
		p.byUser[c.user] = c
	}
}

// find looks a handle or a current UserName up.
func (p *people) find(name string) *contact {
	if c := p.byHandle[name]; c != nil {
		return c
	}
	return p.byUser[name]
}

// AddFriend adds a friend or official account and returns its UserName.
func (s *Server) AddFriend(p Person) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.people.add(&contact{person: p, listed: true})
	s.changed(c)
	return c.handle
}

// AddGroup adds a group and returns its UserName. Members with an unknown
// UserName become strangers.
func (s *Server) AddGroup(g Group) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &contact{person: Person{Nick: g.Name}, listed: g.Saved}
	c.group = &room{byUser: map[*contact]int{}, encry: "@" + token(16)}
	for _, m := range g.Members {
		c.group.join(s.people.member(m))
	}
	c.group.join(member{s.people.self, g.BotDisplay})
	s.people.add(c)
	if g.Saved {
		s.changed(c)
	}
	return c.handle
}

// AddFillers adds n more friends, without telling a client that is logged in.
func (s *Server) AddFillers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.people.fillers++
		s.people.add(&contact{person: Person{Nick: fmt.Sprintf("路人%05d", s.people.fillers)}, listed: true})
	}
}

func (p *people) member(m Member) member {
	who := p.find(m.UserName)
	if who == nil {
		who = p.add(&contact{person: Person{Nick: m.Nick}})
	}
	return member{who, m.Display}
}

func (g *room) join(m member) {
	if i, ok := g.byUser[m.who]; ok {
		g.members[i] = m
		return
	}
	g.byUser[m.who] = len(g.members)
	g.members = append(g.members, m)
}

func (g *room) leave(who *contact) {
	i, ok := g.byUser[who]
	if !ok {
		return
	}
	g.members = append(g.members[:i], g.members[i+1:]...)
	clear(g.byUser)
	for i, m := range g.members {
		g.byUser[m.who] = i
	}
}

// speaker finds a member by UserName, by name in the group or by nickname.
func (g *room) speaker(p *people, name string) *contact {
	if c := p.find(name); c != nil {
		return c
	}
	for _, m := range g.members {
		if m.display == name || m.who.person.Nick == name {
			return m.who
		}
	}
	return nil
}

// Rename changes a friend's nickname and remark, or a group's name (remark is
// then ignored).
func (s *Server) Rename(userName, nick, remark string) {
	s.change(userName, func(c *contact) { c.person.Nick, c.person.Remark = nick, remark })
}

// Join lets somebody into a group, or gives a member another name there.
func (s *Server) Join(group string, m Member) {
	s.change(group, func(c *contact) {
		if c.group != nil {
			c.group.join(s.people.member(m))
		}
	})
}

// Leave takes somebody out of a group.
func (s *Server) Leave(group, member string) {
	s.change(group, func(c *contact) {
		if c.group == nil {
			return
		}
		if who := c.group.speaker(&s.people, member); who != nil {
			c.group.leave(who)
		}
	})
}

func (s *Server) change(userName string, do func(*contact)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.people.find(userName); c != nil {
		do(c)
		s.changed(c)
	}
}

// changed makes a contact part of the next webwxsync.
func (s *Server) changed(c *contact) {
	s.changes.Add(c)
	s.stage.News.Ring()
}

// UserName returns a contact's UserName in the current login, or "" for a name
// the server never gave out. The empty handle is the account itself.
func (s *Server) UserName(handle string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if handle == "" {
		return s.people.self.user
	}
	if c := s.people.find(handle); c != nil {
		return c.user
	}
	return ""
}

// Members are the members of a group, the account itself among them, with their
// UserNames.
func (s *Server) Members(group string) []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.people.find(group)
	if c == nil || c.group == nil {
		return nil
	}
	out := make([]Member, len(c.group.members))
	for i, m := range c.group.members {
		out[i] = Member{UserName: m.who.handle, Nick: m.who.person.Nick, Display: m.display}
	}
	return out
}
