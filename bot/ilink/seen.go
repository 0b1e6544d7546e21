package ilink

import (
	"hash/maphash"
	"time"
)

const (
	maxSeen  = 8192
	twinTime = 5 * time.Second // a second copy of a message comes so soon, under another id
)

// seen remembers the newest messages, so that copies are known: under the same id,
// or, shortly after, under another id with the same words of the same person. It
// keeps hashes.
type seen struct {
	seed  maphash.Seed
	at    map[uint64]time.Time // when the message was written; zero for an id
	order []uint64             // a ring once it is full
	next  int
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), at: make(map[uint64]time.Time)}
}

// repeated reports whether the id was there before, and remembers it.
func (s *seen) repeated(id string) bool {
	sum := maphash.String(s.seed, "id\x00"+id)
	_, known := s.at[sum]
	s.note(sum, time.Time{})
	return known
}

// twin reports whether what somebody wrote at a time is a copy of what they wrote a
// moment before, and remembers it.
func (s *seen) twin(user, content string, at time.Time) bool {
	sum := maphash.String(s.seed, "content\x00"+user+"\x00"+content)
	last, known := s.at[sum]
	if known && at.Sub(last).Abs() < twinTime {
		return true
	}
	s.note(sum, at)
	return false
}

func (s *seen) note(sum uint64, at time.Time) {
	if _, known := s.at[sum]; known {
		s.at[sum] = at
		return
	}
	s.at[sum] = at
	if len(s.order) < maxSeen {
		s.order = append(s.order, sum)
		return
	}
	delete(s.at, s.order[s.next])
	s.order[s.next] = sum
	s.next = (s.next + 1) % maxSeen
}
