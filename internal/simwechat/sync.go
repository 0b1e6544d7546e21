package simwechat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// batch is how many messages or contacts one webwxsync brings at most.
const batch = 50

// keyBase makes the numbers of a SyncKey look like the real ones.
const keyBase = 706000000

// The parts of a SyncKey that move.
const (
	keyMessages = 2
	keyContacts = 3
)

// wireKey is a SyncKey.
type wireKey struct {
	Count int
	List  []keyPart
}

type keyPart struct{ Key, Val int64 }

// cursor is a SyncKey understood.
type cursor struct{ messages, contacts int64 }

func (s *Server) key(c cursor) wireKey {
	born := time.Now().Unix()
	if s.session != nil {
		born = s.session.born.Unix()
	}
	return wireKey{4, []keyPart{{1, keyBase}, {keyMessages, keyBase + c.messages}, {keyContacts, keyBase + c.contacts}, {1000, born}}}
}

func (s *Server) newestKey() wireKey {
	return s.key(cursor{s.messages.Last(), s.changes.Last()})
}

// read understands a SyncKey that this server gave out.
func (s *Server) read(k wireKey) (cursor, bool) {
	c := cursor{-1, -1}
	for _, p := range k.List {
		switch p.Key {
		case keyMessages:
			c.messages = p.Val - keyBase
		case keyContacts:
			c.contacts = p.Val - keyBase
		}
	}
	ok := c.messages >= 0 && c.messages <= s.messages.Last() && c.contacts >= 0 && c.contacts <= s.changes.Last()
	return c, ok
}

// parseKey reads the form of synccheck: 1_706000000|2_706000012|…
func parseKey(text string) (k wireKey, ok bool) {
	for part := range strings.SplitSeq(text, "|") {
		key, val, found := strings.Cut(part, "_")
		n, err := strconv.ParseInt(key, 10, 64)
		v, err2 := strconv.ParseInt(val, 10, 64)
		if !found || err != nil || err2 != nil || k.Count == 16 {
			return k, false
		}
		k.List = append(k.List, keyPart{n, v})
		k.Count++
	}
	return k, true
}

func checkAnswer(ret int, selector string) answer {
	if selector == "" {
		selector = "0"
	}
	return scriptAnswer(fmt.Sprintf(`window.synccheck={retcode:"%d",selector:"%s"}`, ret, selector))
}

// syncCheck is held until there is something to synchronise.
func (s *Server) syncCheck(r *visit) answer {
	q := r.URL.Query()
	uin, _ := strconv.ParseInt(q.Get("uin"), 10, 64)
	who := credentials{Uin: uin, Sid: q.Get("sid"), Skey: q.Get("skey")}
	key, parsed := parseKey(q.Get("synckey"))
	ret, selector := 0, "0"
	s.stage.Hold(r.Context(), r.Fate, s.opt.Hold, func() bool {
		if ret = s.judgePoll(r, who); ret != 0 {
			return true
		}
		c, known := s.read(key)
		if !parsed || !known {
			s.complain("synccheck: SyncKey was never given out: " + q.Get("synckey"))
			ret = retParam
			return true
		}
		selector = s.selector(c)
		return selector != "0"
	})
	return checkAnswer(ret, selector)
}

// judgePoll is judge for the poll, which is told how the session ended.
func (s *Server) judgePoll(r *visit, who credentials) int {
	if se := s.session; se != nil && se.doom != 0 {
		se.over, se.doom = se.doom, 0
		s.stage.Seen.Ring()
	}
	ret := s.judge(r, "synccheck", who)
	if ret == retNotLoggedIn && s.session != nil && who.Sid == s.session.sid && s.session.over != 0 {
		return s.session.over
	}
	return ret
}

// Selectors of synccheck: what there is to fetch.
const (
	nothing     = "0"
	newMessages = "2"
	newContacts = "4"
)

func (s *Server) selector(c cursor) string {
	switch {
	case c.messages < s.messages.Last():
		return newMessages
	case c.contacts < s.changes.Last():
		return newContacts
	}
	return nothing
}

type syncResult struct {
	BaseResponse           baseResponse
	AddMsgCount            int
	AddMsgList             []any
	ModContactCount        int
	ModContactList         []wireUser
	DelContactCount        int
	DelContactList         []any
	ModChatRoomMemberCount int
	ModChatRoomMemberList  []any
	ContinueFlag           int
	SyncKey                wireKey
	SKey                   string
	SyncCheckKey           wireKey
}

// emptySync is an answer without anything in it, but in full form: openwechat
// dies of a missing SyncKey.
func emptySync(ret int, text string) syncResult {
	none := wireKey{List: []keyPart{}}
	return syncResult{
		BaseResponse: baseResponse{ret, text}, AddMsgList: []any{}, ModContactList: []wireUser{},
		DelContactList: []any{}, ModChatRoomMemberList: []any{}, SyncKey: none, SyncCheckKey: none,
	}
}

// sync brings what came after the given key.
func (s *Server) sync(r *visit) answer {
	var in struct {
		BaseRequest credentials
		SyncKey     wireKey
	}
	if !decode(r, &in) {
		return jsonAnswer(emptySync(retParam, ""))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ret := s.judge(r, "webwxsync", in.BaseRequest)
	if ret == 0 {
		ret = s.judgeTicket("webwxsync", r.URL.Query().Get("pass_ticket"), true)
	}
	c, known := s.read(in.SyncKey)
	if ret == 0 && !known {
		s.complain(fmt.Sprintf("webwxsync: SyncKey was never given out: %v", in.SyncKey.List))
		ret = retParam
	}
	if ret != 0 {
		return jsonAnswer(emptySync(ret, ""))
	}
	a := jsonAnswer(s.after(c))
	if s.opt.RenewCookies {
		a.cookies = s.session.cookies(s.opt.Domain, s.people.uin)
	}
	return a
}

// after collects the next batch behind a cursor.
func (s *Server) after(c cursor) syncResult {
	out := emptySync(0, "")
	c.messages = max(c.messages, s.messages.Dropped())
	c.contacts = max(c.contacts, s.changes.Dropped())
	messages := s.messages.After(c.messages, batch)
	out.AddMsgList = make([]any, len(messages))
	for i, m := range messages {
		out.AddMsgList[i] = s.wireMessage(m)
	}
	out.AddMsgCount = len(messages)
	changes := s.changes.After(c.contacts, batch)
	for _, who := range changes {
		out.ModContactList = append(out.ModContactList, s.wireFull(who))
	}
	out.ModContactCount = len(changes)
	c.messages += int64(len(messages))
	c.contacts += int64(len(changes))
	if s.selector(c) != nothing {
		out.ContinueFlag = 1
	}
	out.SyncKey = s.key(c)
	out.SyncCheckKey = out.SyncKey
	return out
}

// overlay puts single fields over a message.
func overlay(w wireMessage, fields map[string]any) any {
	b, err := json.Marshal(w)
	if err != nil {
		return w
	}
	all := map[string]any{}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber() // MsgIds do not fit in a float
	if d.Decode(&all) != nil {
		return w
	}
	for name, v := range fields {
		all[name] = v
	}
	return all
}
