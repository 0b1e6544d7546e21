package bot

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

const (
	maxRetries = 8        // kept questions asked at the same time, once it works
	maxKept    = 10_000   // questions
	maxKeptLen = 16 << 20 // bytes of their texts
)

// shelf keeps the latest question of each person in each chat that failed for a
// reason that passes. It is told of what worked and what did not, and says which
// questions to ask again: after a failure one at a time, the longest waiting first;
// after an answer all, the oldest first and a few at a time, but none again at once
// that fails while others are answered. It is safe for concurrent use.
type shelf struct {
	mu      sync.Mutex
	all     map[keptKey]*keptQuestion
	size    int  // bytes
	well    bool // the last question that was asked was answered
	trying  int
	trialAt time.Time // the last one
}

type keptKey struct{ chat, asker string }

type keptQuestion struct {
	task
	tried    time.Time // when it last failed again; zero: it did not
	trying   bool      // it is in its mailbox
	released bool      // it was put there because others are answered
	notUntil time.Time // it failed nevertheless, and is spared till then
}

func newShelf() *shelf { return &shelf{all: make(map[keptKey]*keptQuestion)} }

func keptBy(t task) keptKey { return keptKey{t.Chat.ID, t.asker} }

func (q *keptQuestion) len() int {
	n := len(q.text) + len(q.Quote) + 8*len(q.also)
	if q.Medium != nil {
		n += len(q.Medium.Ref)
	}
	for _, m := range q.more {
		n += len(m.Ref)
	}
	return n
}

// put keeps a question until t.until, in the place of an older one of the same
// person, which it returns. It reports whether there was room.
func (s *shelf) put(t task, now time.Time) (older *keptQuestion, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &keptQuestion{task: t}
	older = s.all[keptBy(t)]
	if older == nil && len(s.all) >= maxKept || s.size+q.len() > maxKeptLen {
		return nil, false
	}
	if older != nil {
		s.drop(older)
	}
	if s.trialAt.IsZero() || len(s.all) == 0 {
		s.trialAt = now
	}
	s.all[keptBy(t)], s.size = q, s.size+q.len()
	return older, true
}

// drop takes a question off the shelf.
func (s *shelf) drop(q *keptQuestion) {
	delete(s.all, keptBy(q.task))
	s.size -= q.len()
	if q.trying {
		s.trying--
	}
}

// find returns a question that is still kept.
func (s *shelf) find(t task) *keptQuestion {
	if q := s.all[keptBy(t)]; q != nil && q.seq == t.seq {
		return q
	}
	return nil
}

// has reports whether a question is kept still.
func (s *shelf) has(t task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(t) != nil
}

// back keeps a question that failed again, unless a newer one has its place.
func (s *shelf) back(t task, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.find(t)
	if q == nil {
		return false
	}
	if q.trying {
		s.trying--
	}
	if q.tried, q.trying = now, false; q.released {
		q.notUntil = now.Add(trialEvery)
	}
	return true
}

// settle forgets a question that is concluded.
func (s *shelf) settle(t task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.find(t); q != nil {
		s.drop(q)
	}
}

// worked notes that a question was answered. It returns the kept one of the same
// person if it says the same: that is answered as well.
func (s *shelf) worked(t task) *keptQuestion {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.well = true
	q := s.all[keptBy(t)]
	if q == nil || q.trying || q.seq == t.seq || !q.Medium.like(t.Medium) ||
		!slices.EqualFunc(q.more, t.more, (*Medium).like) || fold(q.text) != fold(t.text) {
		return nil
	}
	s.drop(q)
	return q
}

// failed notes that a question failed for a reason that passes.
func (s *shelf) failed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.well = false
}

// takeBack returns the questions that a person wants no answer to any more.
func (s *shelf) takeBack(chat, asker string) (taken []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.all[keptKey{chat, asker}]; q != nil && !q.trying {
		s.drop(q)
		taken = append(taken, q.seqs()...)
	}
	return taken
}

// due returns the questions to ask now.
func (s *shelf) due(now time.Time) (due []task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	room := maxRetries - s.trying
	if !s.well {
		if room = 0; s.trying == 0 && now.Sub(s.trialAt) >= trialEvery {
			room = 1
		}
	}
	for ; len(due) < room; s.trying++ {
		q := s.next(now)
		if q == nil {
			break
		}
		q.trying, q.released, s.trialAt = true, s.well, now
		due = append(due, q.again(toRetry))
	}
	return due
}

// next returns the question to ask next; what was tried before comes last.
func (s *shelf) next(now time.Time) (first *keptQuestion) {
	for _, q := range s.all {
		if !q.trying && !now.Before(q.notUntil) && (first == nil || q.before(first)) {
			first = q
		}
	}
	return first
}

func (q *keptQuestion) before(other *keptQuestion) bool {
	return cmp.Or(q.tried.Compare(other.tried), cmp.Compare(q.seq, other.seq)) < 0
}

// again is the question as a message to be filed.
func (q *keptQuestion) again(w way) task {
	t := q.task
	t.ticket, t.way = &ticket{asker: q.asker, seq: q.seq}, w
	return t
}

// over returns the questions that are given up.
func (s *shelf) over(now time.Time) []*keptQuestion {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idle(func(q *keptQuestion) bool { return !now.Before(q.until) })
}

// idle takes off the shelf what is not being asked and meant, oldest first.
func (s *shelf) idle(meant func(*keptQuestion) bool) (all []*keptQuestion) {
	for _, q := range s.all {
		if !q.trying && meant(q) {
			all = append(all, q)
		}
	}
	for _, q := range all {
		s.drop(q)
	}
	slices.SortFunc(all, func(a, b *keptQuestion) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// clear returns what is kept and not being asked, and keeps it no longer.
func (s *shelf) clear() (all []task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.idle(func(*keptQuestion) bool { return true }) {
		all = append(all, q.again(toLeave))
	}
	return all
}
