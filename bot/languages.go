package bot

import (
	"context"
	"sync"

	"github.com/diagbot/diagbot/troubleshoot"
)

// The settings of people and of groups. The scope of one is followed by their key.
const (
	scopePerson = "person:"
	scopeGroup  = "group:"
	nameLang    = "lang"
)

// languageOf and languageOfGroup are the scopes of whose language it is.
func languageOf(person string) string   { return scopePerson + person }
func languageOfGroup(key string) string { return scopeGroup + key }

// languages remembers what people and, for groups, admins set with /lang, which it
// keeps in the store, and what people last wrote in. What a person chose goes before
// what their group did. It is safe for concurrent use.
type languages struct {
	catalogue func() *troubleshoot.Catalogue
	usual     string // configured; empty: none
	store     Store

	mu   sync.Mutex
	set  map[string]string // by scope, as far as it was read; empty: by what they write
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

// reader is whose language is asked for.
type reader struct {
	person string
	group  string // the key of the group they read in; empty: in private
	text   string // what they wrote; empty where it says nothing about their language
}

// choose returns the language to answer somebody in, and why. What cannot be read
// from the store counts as not set, until the next time.
func (l *languages) choose(ctx context.Context, to reader) (tag, how string) {
	l.mu.Lock()
	seen := l.seen[to.person].tag
	l.mu.Unlock()
	wish := troubleshoot.Preference{Text: to.text, Seen: seen, Default: l.usual}
	set, err := l.chosen(ctx, languageOf(to.person))
	if wish.Person = set; to.group != "" && set == "" && err == nil {
		wish.Group, _ = l.chosen(ctx, languageOfGroup(to.group))
	}
	tag, how = l.catalogue().Choose(wish)
	if how == "message" {
		l.saw(to.person, tag)
	}
	return tag, how
}

// chosen returns what is set in a scope.
func (l *languages) chosen(ctx context.Context, scope string) (string, error) {
	l.mu.Lock()
	set, known := l.set[scope]
	l.mu.Unlock()
	if known {
		return set, nil
	}
	return l.read(ctx, scope)
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

func (l *languages) read(ctx context.Context, scope string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	all, err := l.store.Settings(ctx, scope)
	if err != nil {
		return "", err
	}
	l.keep(scope, all[nameLang])
	return all[nameLang], nil
}

func (l *languages) keep(scope, tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	makeRoom(l.set)
	l.set[scope] = tag
}

// put sets a language; empty: by what is written.
func (l *languages) put(ctx context.Context, scope, tag string) error {
	if err := l.store.Set(ctx, scope, nameLang, tag); err != nil {
		return err
	}
	l.keep(scope, tag)
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
