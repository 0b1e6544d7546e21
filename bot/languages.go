package bot

import (
	"context"
	"sync"

	"github.com/diagbot/diagbot/troubleshoot"
)

// The settings of people. The scope of one is followed by their key.
const (
	scopePerson = "person:"
	nameLang    = "lang"
)

// languages remembers what people set with /lang, which it keeps in the store,
// and what they last wrote in. In a group everyone has their own: nobody there can
// be proven to speak for all. It is safe for concurrent use.
type languages struct {
	catalogue func() *troubleshoot.Catalogue
	usual     string // configured; empty: none
	store     Store

	mu   sync.Mutex
	set  map[string]string // as far as it was read; empty: by what they write
	seen map[string]seenLanguage
}

// seenLanguage is the language a person writes; it changes once two messages in
// a row agree on another.
type seenLanguage struct{ tag, next string }

func newLanguages(c func() *troubleshoot.Catalogue, usual string, s Store) *languages {
	if tag, ok := c().MatchLocale(usual); ok && usual != "" {
		usual = tag
	}
	return &languages{catalogue: c, usual: usual, store: s, set: make(map[string]string), seen: make(map[string]seenLanguage)}
}

// choose returns the language to answer person in, and why. text is what they
// wrote; empty when it says nothing about their language. What cannot be read from
// the store counts as not set, until the next time.
func (l *languages) choose(ctx context.Context, person, text string) (tag, how string) {
	l.mu.Lock()
	set, known := l.set[person]
	seen := l.seen[person].tag
	l.mu.Unlock()
	if !known {
		set = l.read(ctx, person)
	}
	tag, how = l.catalogue().Choose(troubleshoot.Preference{Person: set, Text: text, Seen: seen, Default: l.usual})
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

func (l *languages) read(ctx context.Context, person string) string {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	all, err := l.store.Settings(ctx, scopePerson+person)
	if err != nil {
		return ""
	}
	l.keep(person, all[nameLang])
	return all[nameLang]
}

func (l *languages) keep(person, tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	makeRoom(l.set)
	l.set[person] = tag
}

// put sets the language of person; empty: by what they write.
func (l *languages) put(ctx context.Context, person, tag string) error {
	if err := l.store.Set(ctx, scopePerson+person, nameLang, tag); err != nil {
		return err
	}
	l.keep(person, tag)
	return nil
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
