package bot

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

const (
	maxIncidents = 500
	refLen       = 4
	refAlphabet  = "23456789ABCDEFGHJKMNPQRSTVWXYZ" // no 0, 1, I, L, O, U: they are misread
)

// incident is one fault, in one chat, at one time, with the attempts to answer all
// the same. It holds nothing of what was said.
type incident struct {
	ref      string
	entry    string
	provider string
	status   int
	at       time.Time
	took     time.Duration
	rescued  bool // a later attempt succeeded, and the person heard nothing of it
	attempts []attempt
}

// incidents keeps the latest ones. It is safe for concurrent use.
type incidents struct {
	mu   sync.Mutex
	ring [maxIncidents]incident
	next int
}

// add keeps i under a new reference and returns that.
func (s *incidents) add(i incident) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i.ref == "" || s.index(i.ref) >= 0 {
		i.ref = newRef()
	}
	s.ring[s.next] = i
	s.next = (s.next + 1) % maxIncidents
	return i.ref
}

// find returns the incident with a reference, in either case.
func (s *incidents) find(ref string) (incident, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.index(strings.ToUpper(ref))
	if n < 0 {
		return incident{}, false
	}
	return s.ring[n], true
}

func (s *incidents) index(ref string) int {
	for n := range s.ring {
		if ref != "" && s.ring[n].ref == ref {
			return n
		}
	}
	return -1
}

// seen counts an entry's incidents since a time, and says when the last one was.
func (s *incidents) seen(entry string, since time.Time) (count int, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.ring {
		if i.entry != entry || i.at.Before(since) {
			continue
		}
		count++
		if i.at.After(last) {
			last = i.at
		}
	}
	return count, last
}

// latest returns at most n incidents, the latest first.
func (s *incidents) latest(n int) (all []incident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := 1; k <= maxIncidents && len(all) < n; k++ {
		i := s.ring[(s.next+maxIncidents-k)%maxIncidents]
		if i.ref == "" {
			break
		}
		all = append(all, i)
	}
	return all
}

// newRef returns a reference that no status code can be taken for.
func newRef() string {
	for {
		var b [refLen]byte
		digits := true
		for i := range b {
			b[i] = refAlphabet[rand.N(len(refAlphabet))]
			digits = digits && b[i] <= '9'
		}
		if !digits {
			return string(b[:])
		}
	}
}
