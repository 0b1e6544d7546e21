package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/diagbot/diagbot/internal/alert"
	"github.com/diagbot/diagbot/internal/store"
)

// slate keeps what the targets of alerts were told, with the settings of the account
// it is about, for the next process that answers for that account. It is written
// whoever owns the account, because alerts are delivered when they can be: also after
// the account was given up. What cannot be written yet waits.
type slate struct {
	write  func(ctx context.Context, account string, s store.Setting) error
	logger *slog.Logger
	woken  chan struct{}

	mu    sync.Mutex
	wet   map[place]string // to be written; an empty value removes the note
	blind bool             // the last write failed
}

// place is where one note stands.
type place struct{ account, name string }

// scopeAlert is the scope of the notes, and the rest is their limits.
const (
	scopeAlert = "alert"
	maxNotes   = 256                 // of an account that are read
	maxWet     = 2048                // waiting to be written
	slateFor   = 30 * 24 * time.Hour // after the target was told last
	slateAgain = 5 * time.Second     // after a write that failed
)

func newSlate(db *store.DB, logger *slog.Logger) *slate {
	return &slate{write: db.Keep, logger: logger, woken: make(chan struct{}, 1), wet: make(map[place]string)}
}

func placeOf(n alert.Note) place {
	sum := sha256.Sum256([]byte(n.Target + "\x00" + n.Key)) // as it is short
	return place{n.Account, hex.EncodeToString(sum[:16])}
}

// note has a note written, for [alert.Options].
func (s *slate) note(n alert.Note) {
	value := ""
	if n.Account == "" {
		return
	}
	if n.Key == keyOf(n.Account, alarmScan) {
		n.Every = linkAnew
	}
	if !n.Told.IsZero() {
		raw, err := json.Marshal(n)
		if err != nil {
			return // of a year that nobody lives to see
		}
		value = string(raw)
	}
	s.put(placeOf(n), value)
}

func (s *slate) put(at place, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.wet[at]; !known && len(s.wet) >= maxWet {
		return // the store fails for long: what is kept is older then
	}
	s.wet[at] = value
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// run writes until ctx ends.
func (s *slate) run(ctx context.Context) {
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.woken:
		case <-again.C:
		}
		if s.dry(ctx) != nil {
			again.Reset(slateAgain)
		}
	}
}

// dry writes what waits.
func (s *slate) dry(ctx context.Context) error {
	for {
		at, value, ok := s.first()
		if !ok {
			return nil
		}
		trying, cancel := context.WithTimeout(ctx, slateAgain)
		err := s.write(trying, at.account, store.Setting{Scope: scopeAlert, Name: at.name, Value: value})
		cancel()
		s.mu.Lock()
		if err == nil && s.wet[at] == value {
			delete(s.wet, at)
		}
		if err != nil && !s.blind && !errors.Is(err, context.Canceled) {
			s.logger.Warn("what alerts told is not kept yet", "account", at.account, "error", err)
		}
		s.blind = err != nil
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

func (s *slate) first() (at place, value string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, value = range s.wet {
		return at, value, true
	}
	return at, "", false
}

// settings reads those of an account, as [store.Account.Settings] does.
type settings func(ctx context.Context, scope string) (map[string]string, error)

// read returns the notes of an account to targets, the latest first and with what was
// not written yet. What is too old, too much, broken or of no target is removed.
func (s *slate) read(ctx context.Context, account string, from settings, targets []string) (notes []alert.Note, err error) {
	wet := s.waiting(account) // also what is written before we read it
	kept, err := from(ctx, scopeAlert)
	if err != nil {
		return nil, err
	}
	maps.Copy(kept, wet)
	maps.Copy(kept, s.waiting(account))
	for name, raw := range kept {
		n := alert.Note{}
		bad := json.Unmarshal([]byte(raw), &n) != nil
		n.Account = account
		switch {
		case raw == "":
		case bad, placeOf(n).name != name, !slices.Contains(targets, n.Target), time.Since(n.Told) >= slateFor:
			s.put(place{account, name}, "")
		default:
			notes = append(notes, n)
		}
	}
	slices.SortFunc(notes, func(a, b alert.Note) int { return b.Told.Compare(a.Told) })
	for len(notes) > maxNotes {
		last := len(notes) - 1
		s.put(placeOf(notes[last]), "")
		notes = notes[:last]
	}
	return notes, nil
}

// waiting returns what is to be written of an account, by name.
func (s *slate) waiting(account string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]string)
	for at, value := range s.wet {
		if at.account == account {
			all[at.name] = value
		}
	}
	return all
}
