package simwechat

import (
	"strconv"
	"strings"
)

// wireUser is a contact as the protocol shows it.
type wireUser struct {
	Uin              int64
	UserName         string
	NickName         string
	HeadImgUrl       string
	ContactFlag      int
	MemberCount      int
	MemberList       []wireMember
	RemarkName       string
	HideInputBarFlag int
	Sex              int
	Signature        string
	VerifyFlag       int
	OwnerUin         int64
	PYInitial        string
	PYQuanPin        string
	RemarkPYInitial  string
	RemarkPYQuanPin  string
	StarFriend       int
	AppAccountFlag   int
	Statues          int
	AttrStatus       int64
	Province         string
	City             string
	Alias            string
	SnsFlag          int
	UniFriend        int
	DisplayName      string
	ChatRoomId       int64
	KeyWord          string
	EncryChatRoomId  string
	IsOwner          int
}

// wireMember is a member of a group.
type wireMember struct {
	Uin             int64
	UserName        string
	NickName        string
	AttrStatus      int64
	PYInitial       string
	PYQuanPin       string
	RemarkPYInitial string
	RemarkPYQuanPin string
	MemberStatus    int
	DisplayName     string
	KeyWord         string
}

// Flags of contacts.
const (
	contactFlag  = 1    // is in the contact list
	groupFlag    = 2    // a group's
	verifyPublic = 8    // VerifyFlag of an official account
	attrPerson   = 4257 // AttrStatus, any plausible value
)

// name writes a name as the protocol does.
func (s *Server) name(n string) string { return escape(n, s.opt.EmojiSpans) }

// wire shows a contact without its members.
func (s *Server) wire(c *contact) wireUser {
	p := c.person
	u := wireUser{
		UserName: c.user, NickName: s.name(p.Nick), RemarkName: s.name(p.Remark), MemberList: []wireMember{},
		Sex: p.Sex, Signature: s.name(p.Signature), Province: p.Province, City: p.City, Alias: p.Alias,
		HeadImgUrl: s.avatarPath(c), PYQuanPin: pinyin(p.Nick), RemarkPYQuanPin: pinyin(p.Remark),
	}
	switch {
	case c.group != nil:
		u.ContactFlag, u.MemberCount, u.EncryChatRoomId = groupFlag, len(c.group.members), c.group.encry
		if c.listed {
			u.ContactFlag |= contactFlag
		}
	case c.listed:
		u.ContactFlag, u.AttrStatus, u.SnsFlag = contactFlag, attrPerson, 1
	}
	if p.Official {
		u.VerifyFlag = verifyPublic
	}
	if c == s.people.self {
		u.Uin = s.people.uin
	}
	return u
}

// wireFull shows a contact with its members.
func (s *Server) wireFull(c *contact) wireUser {
	u := s.wire(c)
	if c.group == nil {
		return u
	}
	u.MemberList = make([]wireMember, len(c.group.members))
	for i, m := range c.group.members {
		u.MemberList[i] = wireMember{
			UserName: m.who.user, NickName: s.name(m.who.person.Nick), DisplayName: s.name(m.display),
			AttrStatus: attrPerson,
		}
	}
	return u
}

func (s *Server) avatarPath(c *contact) string {
	skey := ""
	if s.session != nil {
		skey = s.session.skey
	}
	return "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=" + strconv.FormatInt(c.seq, 10) + "&username=" + c.user + "&skey=" + skey
}

// pinyin is the sorting key of a name in letters; others have none here.
func pinyin(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, name)
}

// listContacts pages through the contact list; seq is where to go on.
func (s *Server) listContacts(r *visit) answer {
	q := r.URL.Query()
	from, err := strconv.Atoi(q.Get("seq"))
	if q.Get("seq") == "" {
		from, err = 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ret := s.judgeSkey(r, "webwxgetcontact", q.Get("skey")); ret != 0 {
		return retAnswer(ret)
	}
	if err != nil || from < 0 || from > len(s.people.ordered) {
		return retAnswer(retParam)
	}
	out := struct {
		BaseResponse baseResponse
		MemberCount  int
		MemberList   []wireUser
		Seq          int
	}{MemberList: make([]wireUser, 0, min(s.opt.ContactPage, len(s.people.ordered)-from))}
	for i, c := range s.people.ordered[from:] {
		if len(out.MemberList) == s.opt.ContactPage {
			out.Seq = from + i
			break
		}
		if c.listed {
			out.MemberList = append(out.MemberList, s.wire(c))
		}
	}
	out.MemberCount = len(out.MemberList)
	return jsonAnswer(out)
}

// batchLimit is how many contacts may be asked for at once.
const batchLimit = 50

// batchContacts shows contacts in full, groups with their members, in the order
// they were asked for. Unknown ones come back empty.
func (s *Server) batchContacts(r *visit) answer {
	var in struct {
		BaseRequest credentials
		Count       int
		List        []struct{ UserName, EncryChatRoomId string }
	}
	if !decode(r, &in) || len(in.List) > batchLimit {
		return retAnswer(retParam)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ret := s.judge(r, "webwxbatchgetcontact", in.BaseRequest); ret != 0 {
		return retAnswer(ret)
	}
	list := make([]wireUser, len(in.List))
	for i, item := range in.List {
		c := s.people.byUser[item.UserName]
		if c == nil {
			s.complain("webwxbatchgetcontact: " + item.UserName + " is not a UserName of this login")
			list[i] = wireUser{UserName: item.UserName, MemberList: []wireMember{}}
			continue
		}
		list[i] = s.wireFull(c)
	}
	return jsonAnswer(struct {
		BaseResponse baseResponse
		Count        int
		ContactList  []wireUser
	}{Count: len(list), ContactList: list})
}

// recentLimit is how many chats webwxinit brings.
const recentLimit = 10

// remember puts a chat at the head of the recent ones.
func (s *Server) remember(c *contact) {
	if len(s.recent) > 0 && s.recent[0] == c {
		return
	}
	kept := make([]*contact, 1, recentLimit)
	kept[0] = c
	for _, r := range s.recent {
		if r != c && len(kept) < recentLimit {
			kept = append(kept, r)
		}
	}
	s.recent = kept
}

func (s *Server) recentChats() (list []wireUser, set string) {
	chats := append([]*contact{s.people.byUser["filehelper"], s.people.byUser["weixin"]}, s.recent...)
	names := make([]string, 0, len(chats))
	for _, c := range chats {
		list = append(list, s.wireFull(c))
		names = append(names, c.user)
	}
	return list, strings.Join(names, ",") + ","
}
