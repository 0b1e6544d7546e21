package bot

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

const (
	scopeSequel  = "sequel"
	maxSequels   = 200      // chats whose answers wait to go on
	maxSequel    = 64 << 10 // bytes of what is left of an answer; more is cut off, which its end says
	sequelExpiry = 24 * time.Hour
)

// sequel is what is left of an answer that took more parts than a channel allows
// for one message. It is said when the next message asks for it.
type sequel struct {
	Seq    int64  // of the last message that was answered with some of it
	Before string // what was left then
	After  string // what is left now
	Login  string // its chat can be reached under; empty: under all
	At     time.Time
}

// from is what there is to say to a message: the same if it is answered once more,
// because nobody knows whether it was before a crash.
func (s sequel) from(seq int64) string {
	if s.Seq == seq {
		return s.Before
	}
	return s.After
}

// sequels are those of all chats, as the store has them. Reading them asks nobody.
// They are safe for concurrent use.
type sequels struct {
	mu  sync.Mutex
	all map[string]sequel
}

// load reads them, and drops those of earlier logins and those nobody asked for.
func (s *sequels) load(ctx context.Context, store Store, login string, now time.Time) error {
	kept, err := store.Settings(ctx, scopeSequel)
	if err != nil {
		return err
	}
	all := make(map[string]sequel)
	for key, raw := range kept {
		var q sequel
		broken := json.Unmarshal([]byte(raw), &q) != nil
		if broken || q.Login != "" && q.Login != login || now.Sub(q.At) > sequelExpiry || len(all) >= maxSequels {
			if err := store.Set(ctx, scopeSequel, key, ""); err != nil {
				return err
			}
			continue
		}
		all[key] = q
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = all
	return nil
}

func (s *sequels) get(key string) (q sequel, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok = s.all[key]
	return q, ok
}

// set keeps one, or drops it if q is nil. Where there are too many, the oldest
// goes, too.
func (s *sequels) set(ctx context.Context, store Store, key string, q *sequel) error {
	if q == nil {
		return s.drop(ctx, store, key)
	}
	raw, err := json.Marshal(q)
	if err != nil {
		return err
	}
	if full := s.oldest(key); full != "" {
		if err := s.drop(ctx, store, full); err != nil {
			return err
		}
	}
	if err := store.Set(ctx, scopeSequel, key, string(raw)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string]sequel)
	}
	s.all[key] = *q
	return nil
}

func (s *sequels) drop(ctx context.Context, store Store, key string) error {
	if err := store.Set(ctx, scopeSequel, key, ""); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, key)
	return nil
}

// oldest names the one that must go before key can be kept; "" if none must.
func (s *sequels) oldest(key string) (found string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.all[key]; known || len(s.all) < maxSequels {
		return ""
	}
	for k, q := range s.all {
		if found == "" || q.At.Before(s.all[found].At) {
			found = k
		}
	}
	return found
}

// sequelKey names who may hear the rest of the answer to t.
func (r *Relay) sequelKey(t task) string {
	key := r.conversation(t.Message).Key
	if t.Chat.Group {
		key += " " + t.person
	}
	return key
}

// goesOn returns the rest of an answer, if t asks for it and there is one. What
// else somebody asks ends the wait for it.
func (d *dispatcher) goesOn(ctx context.Context, t task) (text string, ok bool) {
	key := d.sequelKey(t)
	q, ok := d.sequels.get(key)
	if !ok {
		return "", false
	}
	if text = q.from(t.seq); text != "" && t.Medium == nil && d.asksOn(t.text) && time.Since(q.At) < sequelExpiry {
		return text, true
	}
	_ = d.keep(ctx, func(ctx context.Context) error { return d.sequels.set(ctx, d.store, key, nil) })
	return "", false
}

// wordMark parts the words that mean the same.
const wordMark = " / "

// asksOn reports whether a text is a word for "go on" in a language we speak, and
// nothing else.
func (r *Relay) asksOn(text string) bool {
	const longest = 64 // bytes
	if len(text) > longest {
		return false
	}
	text = fold(strings.Trim(text, " .!~,、。！…\"'“”‘’「」『』"))
	c := r.catalogue()
	for _, l := range c.Locales() {
		for word := range strings.SplitSeq(c.Say(l.Tag, "rest_words"), wordMark) {
			if text == fold(word) {
				return true
			}
		}
	}
	return false
}

// whole lays out what is said to t. What does not fit is kept for the message that
// asks for it, before the reply is stored; an error says that the relay ends.
func (d *dispatcher) whole(t task, a response) (*reply, error) {
	c := d.catalogue()
	word, _, _ := strings.Cut(c.Say(t.tag, "rest_words"), wordMark)
	notice := "rest_notice"
	if a.whole && d.sendsFiles(t.Chat) {
		notice = "rest_notice_file"
	}
	r, rest := d.laid(t, a.text, c.Say(t.tag, notice, "word", word))
	if rest == "" && !a.sequel {
		return r, nil
	}
	if len(rest) > maxSequel {
		rest = strings.TrimSpace(cutBytes(rest, maxSequel)) + "\n" + c.Say(t.tag, "cut_notice")
	}
	q := &sequel{Seq: t.seq, After: rest, At: time.Now()}
	if q.Login = t.Login; d.traits.StableIDs {
		q.Login = ""
	}
	if a.sequel {
		q.Before = a.text
	}
	key := d.sequelKey(t)
	return r, d.keep(d.saying, func(ctx context.Context) error { return d.sequels.set(ctx, d.store, key, q) })
}
