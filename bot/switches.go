package bot

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// The settings of the bot as a whole, in one scope, and the people it does not
// listen to, in another under their keys.
const (
	scopeBot    = "bot"
	namePaused  = "paused"
	nameQuiet   = "quiet"
	nameLogin   = "login" // the last
	scopeBlock  = "block"
	mostTold    = 10_000 // chats that were told of a pause
	mostRecents = 30     // people whom /block lists
)

// switches are what admins turned in the chat, as the store has it. Reading them
// asks nobody. They are safe for concurrent use.
type switches struct {
	mu      sync.RWMutex
	paused  bool
	quiet   time.Time // admins get no notices before
	blocked map[string]banned
	told    map[string]time.Time // when a chat heard of the pause
	recents []speaker            // the latest first

	known      bool   // all this was read
	lastDigest string // the day of the last one; empty: there was none
}

// banned is what is kept of somebody who is blocked.
type banned struct {
	Name  string // at that time, for lists; no identity
	At    time.Time
	Login string // their key is good for this login only; empty: for all
	key   string // in the store
}

// speaker is somebody who wrote lately.
type speaker struct {
	Sender
	person string
	login  string
	group  string // where; empty: in private
	at     time.Time
}

// load reads the switches, and drops those that belong to earlier logins.
func (s *switches) load(ctx context.Context, store Store, login string) error {
	set, err := store.Settings(ctx, scopeBot)
	if err != nil {
		return err
	}
	kept, err := store.Settings(ctx, scopeBlock)
	if err != nil {
		return err
	}
	quiet, _ := time.Parse(time.RFC3339, set[nameQuiet])
	blocked := make(map[string]banned, len(kept))
	for key, raw := range kept {
		b := banned{key: key}
		if json.Unmarshal([]byte(raw), &b) != nil || b.Login != "" && b.Login != login {
			if err := store.Set(ctx, scopeBlock, key, ""); err != nil {
				return err
			}
			continue
		}
		blocked[key] = b
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.lastDigest = true, max(s.lastDigest, set[nameDigest])
	s.paused, s.quiet, s.blocked, s.recents = set[namePaused] != "", quiet, blocked, nil
	return nil
}

// isPaused reports whether questions are not answered.
func (s *switches) isPaused() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.paused
}

// quietUntil returns until when admins get no notices; zero: they do.
func (s *switches) quietUntil(now time.Time) time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.quiet.After(now) {
		return s.quiet
	}
	return time.Time{}
}

// blocks reports whether a person is not listened to.
func (s *switches) blocks(person string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.blocked[person]
	return ok
}

// tell reports whether a chat is to hear of the pause, which it then has.
func (s *switches) tell(chat string, now time.Time, every time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.told[chat]; ok && now.Sub(at) < every {
		return false
	}
	if s.told == nil {
		s.told = make(map[string]time.Time)
	}
	makeRoomIn(s.told, mostTold)
	s.told[chat] = now
	return true
}

// heard remembers who wrote.
func (s *switches) heard(w speaker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.recents) > 0 && s.recents[0].person == w.person {
		s.recents[0] = w
		return
	}
	s.recents = slices.DeleteFunc(s.recents, func(x speaker) bool { return x.person == w.person })
	s.recents = slices.Insert(s.recents[:min(len(s.recents), mostRecents-1)], 0, w)
}

// speakers returns who wrote lately and is listened to, the latest first.
func (s *switches) speakers() (all []speaker) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, w := range s.recents {
		if _, gone := s.blocked[w.person]; !gone {
			all = append(all, w)
		}
	}
	return all
}

// bans returns who is blocked, the first first.
func (s *switches) bans() (all []banned) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, b := range s.blocked {
		all = append(all, b)
	}
	slices.SortFunc(all, func(x, y banned) int { return cmpTime(x.At, y.At, x.key, y.key) })
	return all
}

// ban blocks somebody, or lets them in again if b is nil, once that is stored.
func (s *switches) ban(ctx context.Context, store Store, key string, b *banned) error {
	value := ""
	if b != nil {
		raw, err := json.Marshal(b)
		if err != nil {
			return err
		}
		value = string(raw)
	}
	if err := store.Set(ctx, scopeBlock, key, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b == nil {
		delete(s.blocked, key)
		return nil
	}
	if s.blocked == nil {
		s.blocked = make(map[string]banned)
	}
	b.key = key
	s.blocked[key] = *b
	return nil
}

// pause stops the answers, or lets them go on, once that is stored.
func (s *switches) pause(ctx context.Context, store Store, on bool, now time.Time) error {
	value := ""
	if on {
		value = now.Format(time.RFC3339)
	}
	if err := store.Set(ctx, scopeBot, namePaused, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = on
	clear(s.told)
	return nil
}

// hush spares admins notices until then, or not if that is zero, once that is
// stored.
func (s *switches) hush(ctx context.Context, store Store, until time.Time) error {
	value := ""
	if !until.IsZero() {
		value = until.Format(time.RFC3339)
	}
	if err := store.Set(ctx, scopeBot, nameQuiet, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = until
	return nil
}
