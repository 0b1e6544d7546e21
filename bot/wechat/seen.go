package wechat

import "hash/maphash"

// seen remembers the newest ids of messages that were heard, so that those
// fetched again are not heard again. It keeps hashes, a quarter of the memory.
type seen struct {
	seed  maphash.Seed
	limit int
	ids   map[uint64]struct{}
	order []uint64 // a ring once it is full
	next  int
}

func newSeen(limit int) *seen {
	return &seen{seed: maphash.MakeSeed(), limit: limit, ids: make(map[uint64]struct{})}
}

func (s *seen) has(id string) bool {
	_, ok := s.ids[maphash.String(s.seed, id)]
	return ok
}

func (s *seen) add(id string) {
	sum := maphash.String(s.seed, id)
	if _, ok := s.ids[sum]; ok {
		return
	}
	s.ids[sum] = struct{}{}
	if len(s.order) < s.limit {
		s.order = append(s.order, sum)
		return
	}
	delete(s.ids, s.order[s.next])
	s.order[s.next] = sum
	s.next = (s.next + 1) % s.limit
}

func (s *seen) clear() { *s = *newSeen(s.limit) }
