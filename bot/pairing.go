package bot

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/width"
)

const (
	codeLen   = 10              // letters of a pairing code: 48 bits
	codeLife  = 5 * time.Minute // from its making to its use
	codeTries = 5               // wrong tries, by anyone, that end a code

	guessMost = 3         // wrong tries, by one person, before nothing they send is looked at
	guessTime = time.Hour // for so long
	maxGuess  = 10_000    // people whose tries are remembered
)

// invitation is an open offer to become an admin. It holds no code, only what
// tells the right one, and is of use once.
type invitation struct {
	Salt, Hash []byte
	Until      time.Time
	Wrong      int // tries so far
}

// The setting an offer is kept in; see [Store].
const (
	ScopePairing = "pairing"
	NamePairing  = "offer"
)

// NewOffer makes a pairing code, as its bearer is to type it, and the value of
// the setting that makes it good for five minutes. An earlier code is void then.
func NewOffer(now time.Time) (code, value string) {
	letters := make([]byte, 0, codeLen+1)
	for len(letters) < cap(letters) {
		if len(letters) == codeLen/2 {
			letters = append(letters, '-')
		}
		var b [1]byte
		_, _ = rand.Read(b[:]) // never fails
		if n := int(b[0]); n < 256/len(refAlphabet)*len(refAlphabet) {
			letters = append(letters, refAlphabet[n%len(refAlphabet)])
		}
	}
	o := invitation{Salt: make([]byte, 16), Until: now.Add(codeLife)}
	_, _ = rand.Read(o.Salt)
	o.Hash = o.hash(string(letters))
	return string(letters), o.value()
}

func (o invitation) value() string {
	raw, _ := json.Marshal(o) // cannot fail
	return string(raw)
}

// hash is what is kept of a code. Case, width and what parts its halves do not
// count.
func (o invitation) hash(code string) []byte {
	code = strings.Map(func(c rune) rune {
		if c == '-' || c == ' ' || invisible(c) {
			return -1
		}
		return c
	}, strings.ToUpper(width.Narrow.String(cutRunes(code, 64))))
	sum := sha256.Sum256(append(o.Salt[:len(o.Salt):len(o.Salt)], code...))
	return sum[:]
}

// paired says what became of a try.
type paired int

const (
	pairedNo     paired = iota // wrong, too late, or there is no code
	pairedYes                  // the code was right, and is used up
	pairedSpent                // wrong, and the last try: the code is void
	pairedLocked               // this person has guessed too often
)

// pairing takes people's tries at the pairing code, one at a time.
type pairing struct {
	store Store

	mu      sync.Mutex
	guesses map[string]guess // by sender
}

type guess struct {
	wrong int
	first time.Time
}

// try takes a code from a person, and reports whether it was right and how many
// tries of theirs were wrong.
func (p *pairing) try(ctx context.Context, sender, code string, now time.Time) (result paired, wrong int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.guesses[sender]
	if now.Sub(g.first) >= guessTime {
		g = guess{first: now}
	}
	if g.wrong >= guessMost {
		return pairedLocked, g.wrong, nil
	}
	o, err := p.offer(ctx)
	if err != nil {
		return pairedNo, g.wrong, err
	}
	right := subtle.ConstantTimeCompare(o.Hash, o.hash(code)) == 1
	if right && now.Before(o.Until) && o.Wrong < codeTries {
		if err := p.store.Set(ctx, ScopePairing, NamePairing, ""); err != nil {
			return pairedNo, g.wrong, err
		}
		delete(p.guesses, sender)
		return pairedYes, 0, nil
	}
	g.wrong++
	p.remember(sender, g, now)
	result, err = p.spend(ctx, o)
	return result, g.wrong, err
}

// spend counts a wrong try against the open offer, and ends it after the last.
func (p *pairing) spend(ctx context.Context, o invitation) (paired, error) {
	if o.Hash == nil {
		return pairedNo, nil
	}
	result, value := pairedSpent, ""
	if o.Wrong++; o.Wrong < codeTries {
		result, value = pairedNo, o.value()
	}
	return result, p.store.Set(ctx, ScopePairing, NamePairing, value)
}

// void ends the open offer if this is its code: it was said where others read it.
// Anything else is no try: nobody can spoil a code in public.
func (p *pairing) void(ctx context.Context, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, err := p.offer(ctx)
	if err != nil || subtle.ConstantTimeCompare(o.Hash, o.hash(code)) != 1 {
		return err
	}
	return p.store.Set(ctx, ScopePairing, NamePairing, "")
}

// offer returns the open offer, or one that nothing matches.
func (p *pairing) offer(ctx context.Context) (o invitation, err error) {
	set, err := p.store.Settings(ctx, ScopePairing)
	if err != nil || set[NamePairing] == "" {
		return invitation{}, err
	}
	if err := json.Unmarshal([]byte(set[NamePairing]), &o); err != nil || len(o.Hash) != sha256.Size {
		return invitation{}, fmt.Errorf("read pairing offer: it is broken")
	}
	return o, nil
}

// remember keeps a person's tries. When there are too many people, those whose
// time is over go, and then anyone.
func (p *pairing) remember(sender string, g guess, now time.Time) {
	if p.guesses == nil {
		p.guesses = make(map[string]guess)
	}
	for who, old := range p.guesses {
		if len(p.guesses) < maxGuess {
			break
		}
		if now.Sub(old.first) >= guessTime {
			delete(p.guesses, who)
		}
	}
	makeRoomIn(p.guesses, maxGuess)
	p.guesses[sender] = g
}

// makeRoomIn drops anyone from a map of most entries.
func makeRoomIn[T any](m map[string]T, most int) {
	if len(m) < most {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}
