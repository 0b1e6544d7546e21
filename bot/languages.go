package bot

import (
	"sync"

	"github.com/diagbot/diagbot/troubleshoot"
)

// maxPeople bounds how many people's languages are remembered; beyond it,
// someone is forgotten, and judged by their next message.
const maxPeople = 20_000

// languages remembers what people set with /lang and what they last wrote in.
// In a group everyone has their own: nobody there can be proven to speak for
// all. It is safe for concurrent use.
type languages struct {
	catalogue *troubleshoot.Catalogue
	usual     string // configured; empty: none

	mu   sync.Mutex
	set  map[string]string
	seen map[string]seenLanguage
}

// seenLanguage is the language a person writes; it changes once two messages in
// a row agree on another.
type seenLanguage struct{ tag, next string }

func newLanguages(c *troubleshoot.Catalogue, usual string) *languages {
	if tag, ok := c.MatchLocale(usual); ok && usual != "" {
		usual = tag
	}
	return &languages{catalogue: c, usual: usual, set: make(map[string]string), seen: make(map[string]seenLanguage)}
}

// choose returns the language to answer person in, and why. text is what they
// wrote; empty when it says nothing about their language.
func (l *languages) choose(person, text string) (tag, how string) {
	l.mu.Lock()
	set, seen := l.set[person], l.seen[person].tag
	l.mu.Unlock()
	tag, how = l.catalogue.Choose(troubleshoot.Preference{Person: set, Text: text, Seen: seen, Default: l.usual})
	if how == "message" {
		l.saw(person, tag)
	}
	return tag, how
}

func (l *languages) saw(person, tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seen[person]
	if s.tag == tag && s.next == "" {
		return
	}
	if s.tag == "" || s.next == tag || s.tag == tag {
		s = seenLanguage{tag: tag}
	} else {
		s.next = tag
	}
	makeRoom(l.seen)
	l.seen[person] = s
}

// put sets the language of person; empty: by what they write.
func (l *languages) put(person, tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if tag == "" {
		delete(l.set, person)
		return
	}
	makeRoom(l.set)
	l.set[person] = tag
}

// makeRoom drops anyone from a full map.
func makeRoom[T any](m map[string]T) {
	if len(m) < maxPeople {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}
