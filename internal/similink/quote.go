package similink

import (
	"crypto/md5" // the protocol's checksum of quotes
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Quoted is what a message refers to.
type Quoted struct {
	ID    string // message_id or what sendmessage answered; empty: left out, as older phones do
	Text  string // the whole text; empty: left out, as newer phones do
	Title string // who said it, as the phone shows it
	Part  string // only this part of Text is quoted; of a text left out, see Whole
	Whole string // the text Part is of, when Text is left out
	Item  bool   // what was said in the message ID comes along, a medium too, as older phones do
}

// Quote lets somebody, named by id or name, write a text that quotes another
// message. It returns the message_id: empty if the server does not know them or
// what they quote, or if Part is not in the quoted text.
func (s *Server) Quote(user, text string, q Quoted) string {
	ref, ok := q.wire()
	if q.Item && ok {
		ref.Item, ok = s.item(q.ID)
	}
	if !ok {
		return ""
	}
	return s.say(user, wireItem{Type: KindText, Text: &wireText{text}, Ref: ref})
}

// item is what was said in a message.
func (s *Server) item(id string) (*wireItem, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.find(id)
	if !ok {
		return nil, false
	}
	m.item.MsgID = number(m.id)
	return &m.item, true
}

func (q Quoted) wire() (*wireRef, bool) {
	ref := &wireRef{Title: q.Title}
	if q.ID != "" {
		id, err := strconv.ParseUint(q.ID, 10, 64)
		if err != nil {
			return nil, false
		}
		ref.ID = number(id)
	}
	if q.Text != "" {
		ref.Item = &wireItem{Type: KindText, Text: &wireText{q.Text}}
	}
	if q.Part == "" {
		return ref, true
	}
	var ok bool
	ref.Partial, ok = partOf(q.Text+q.Whole, q.Part)
	return ref, ok
}

// partOf describes a part of a text: the characters it begins and ends with, and
// how many of the same come before each.
func partOf(text, part string) (*wirePartial, bool) {
	at := strings.Index(text, part)
	if at < 0 {
		return nil, false
	}
	_, n := utf8.DecodeRuneInString(part)
	_, m := utf8.DecodeLastRuneInString(part)
	first, last := part[:n], part[len(part)-m:]
	sum := md5.Sum([]byte(part))
	return &wirePartial{
		Start: first, StartIndex: strings.Count(text[:at], first),
		End: last, EndIndex: strings.Count(text[:at+len(part)-m], last),
		MD5: hex.EncodeToString(sum[:]),
	}, true
}
