package bot

import (
	"container/list"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept for those who may ask for the rest of an answer.
const (
	maxRests    = 1000
	maxRest     = 256 << 10 // bytes of one
	maxRestSize = 8 << 20   // bytes of all
	restTime    = 24 * time.Hour
)

// rests knows what answers had no room for, by chat, until somebody asks for it or
// something else is said there. It is in memory only: after a restart the same
// words are a question to the model, which goes on as well. Its methods are safe
// for concurrent use.
type rests struct {
	mu   sync.Mutex
	byID map[string]*list.Element
	all  list.List // of rest, the newest first
	size int
}

type rest struct {
	chat, text string
	at         time.Time
}

func newRests() *rests { return &rests{byID: make(map[string]*list.Element)} }

// put keeps what the latest reply in a chat had no room for; empty: it had room.
func (r *rests) put(chat, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.byID[chat]; e != nil {
		r.drop(e)
	}
	if text == "" || len(text) > maxRest {
		return
	}
	r.byID[chat] = r.all.PushFront(rest{chat, text, time.Now()})
	for r.size += len(text); r.all.Len() > maxRests || r.size > maxRestSize; {
		r.drop(r.all.Back())
	}
}

func (r *rests) drop(e *list.Element) {
	gone := r.all.Remove(e).(rest)
	r.size -= len(gone.text)
	delete(r.byID, gone.chat)
}

// get returns the rest that a text in a chat asks for, if it does.
func (r *rests) get(chat, text string) (string, bool) {
	if !asksForMore(text) {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byID[chat]
	if e == nil || time.Since(e.Value.(rest).at) > restTime {
		return "", false
	}
	return e.Value.(rest).text, true
}

// asksForMore tells the words that the notice names, and what people may write
// instead.
func asksForMore(text string) bool {
	if len(text) > 32 {
		return false
	}
	words := []string{"继续", "繼續", "continue", "more", "go on", "続き", "続けて", "계속"}
	return slices.Contains(words, strings.Trim(fold(text), ` 。.!~、,"'“”‘’「」『』`))
}
