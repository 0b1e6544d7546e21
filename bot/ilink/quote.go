package ilink

import (
	"container/list"
	"crypto/md5" // the protocol's checksum of quotations
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// Bounds of the texts remembered for quotations.
const (
	maxQuotes    = 10_000
	maxQuoteSize = 4 << 20 // bytes of all
	maxQuoted    = 6000    // bytes of one
	quoteTime    = 30 * 24 * time.Hour
)

// quotes remembers what was said, by people and by us, and where pictures are, for
// phones that tell of a quoted message only its id. It is in memory only: what people say is not kept for
// this. Its methods are safe for concurrent use.
type quotes struct {
	mu   sync.Mutex
	byID map[string]*list.Element
	all  list.List // of said, the newest first
	size int
}

type said struct {
	id, text string
	medium   *medium
	at       time.Time
}

func (s *said) size() int {
	if s.medium == nil {
		return len(s.text)
	}
	return len(s.text) + len(s.medium.Ref) + len(s.medium.Name)
}

func newQuotes() *quotes { return &quotes{byID: make(map[string]*list.Element)} }

func (q *quotes) add(id, text string, m *medium) {
	if id == "" || text == "" && m == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.byID[id] != nil {
		return
	}
	new := said{id, strings.Clone(cutBytes(text, maxQuoted)), m, time.Now()}
	q.byID[id] = q.all.PushFront(new)
	for q.size += new.size(); q.all.Len() > maxQuotes || q.size > maxQuoteSize || time.Since(q.oldest().at) > quoteTime; {
		gone := q.all.Remove(q.all.Back()).(said)
		q.size -= gone.size()
		delete(q.byID, gone.id)
	}
}

func (q *quotes) oldest() said { return q.all.Back().Value.(said) }

func (q *quotes) find(id string) said {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.byID[id]; e != nil && id != "" {
		return e.Value.(said)
	}
	return said{}
}

// quoted is the text that a message refers to; empty if it has none, or is not
// known.
func (r *reference) quoted(known *quotes) string {
	text := ""
	if r.Item != nil {
		text = r.Item.words()
		if text == "" && r.ID == "" {
			text = known.find(string(r.Item.MsgID)).text
		}
	}
	if text == "" {
		text = known.find(string(r.ID)).text
	}
	if part, ok := r.part(text); ok {
		return part
	}
	return text
}

// medium is what a message refers to, if it has something to fetch.
func (r *reference) medium(known *quotes) *medium {
	if r.Item == nil {
		return known.find(string(r.ID)).medium
	}
	if m := r.Item.medium(); m != nil {
		return m
	}
	id := r.ID
	if id == "" {
		id = r.Item.MsgID
	}
	return known.find(string(id)).medium
}

// part is the piece of a text that is quoted. It is told by the characters it
// begins and ends with, and how many of the same come before each.
func (r *reference) part(text string) (string, bool) {
	p := r.Partial
	if p == nil || p.Start == "" || p.End == "" {
		return "", false
	}
	from, ok := nth(text, string(p.Start), int64(p.StartIndex))
	if !ok {
		return "", false
	}
	to, ok := nth(text, string(p.End), int64(p.EndIndex))
	if to += len(p.End); !ok || to <= from {
		return "", false
	}
	sum := md5.Sum([]byte(text[from:to]))
	if p.MD5 != "" && !strings.EqualFold(hex.EncodeToString(sum[:]), string(p.MD5)) {
		return "", false
	}
	return text[from:to], true
}

// nth finds an occurrence of what, of which n come before.
func nth(text, what string, n int64) (at int, ok bool) {
	if n < 0 || n > int64(len(text)) {
		return 0, false
	}
	for ; ; n-- {
		i := strings.Index(text[at:], what)
		if i < 0 {
			return 0, false
		}
		if at += i; n == 0 {
			return at, true
		}
		at += len(what)
	}
}
