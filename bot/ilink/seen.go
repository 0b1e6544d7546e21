package ilink

import (
	"hash/maphash"
	"time"
)

const (
	maxSeen = 8192
	// twinTime is how soon a second copy of a message comes under another id: 1 to 5 s
	// were reported. Nobody has published whether such a copy has the same client_id,
	// the same msg_id in its item or the same time of creation; until that is known,
	// words said twice so soon are taken for one message, and the log says what was
	// the same.
	twinTime = 5 * time.Second
)

// seen remembers the newest messages, so that copies are known: under the same id,
// or, shortly after, under another id with the same words of the same person. It
// keeps hashes.
type seen struct {
	seed  maphash.Seed
	all   map[uint64]trace
	order []uint64 // a ring once it is full
	next  int
}

// trace is what is remembered of a message; nothing of one known by its id.
type trace struct {
	at           time.Time // it was written
	client, item uint64    // hashes of what the client, and WeChat, call it
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), all: make(map[uint64]trace)}
}

func (s *seen) traceOf(a arrival) trace {
	return trace{a.At, maphash.String(s.seed, a.client), maphash.String(s.seed, a.item)}
}

// repeated reports whether the id was there before, and remembers it.
func (s *seen) repeated(id string) bool {
	sum := maphash.String(s.seed, "id\x00"+id)
	_, known := s.all[sum]
	s.note(sum, trace{})
	return known
}

// twin reports whether a message is a copy of what its sender wrote a moment before,
// of which it returns the trace, and remembers it. The same words to two messages
// that are quoted are no copies; but a copy may have lost what it quotes.
func (s *seen) twin(a arrival) (first trace, known bool) {
	words := "content\x00" + a.Sender.ID + "\x00" + a.content
	own, any := maphash.String(s.seed, words+"\x00to\x00"+a.cited), maphash.String(s.seed, words)
	likely := []uint64{any}
	if a.cited != "" {
		likely = []uint64{own, maphash.String(s.seed, words+"\x00to\x00")}
	}
	now := s.traceOf(a)
	for _, sum := range likely {
		if first, known = s.all[sum]; known && now.at.Sub(first.at).Abs() < twinTime {
			return first, true
		}
	}
	s.note(own, now)
	s.note(any, now)
	return trace{}, false
}

func (s *seen) note(sum uint64, t trace) {
	if _, known := s.all[sum]; known {
		s.all[sum] = t
		return
	}
	s.all[sum] = t
	if len(s.order) < maxSeen {
		s.order = append(s.order, sum)
		return
	}
	delete(s.all, s.order[s.next])
	s.order[s.next] = sum
	s.next = (s.next + 1) % maxSeen
}
