package wechat

// seen remembers the newest ids of messages that were heard, so that those
// fetched again are not heard again.
type seen struct {
	limit int
	ids   map[string]bool
	order []string // a ring once it is full
	next  int
}

func newSeen(limit int) *seen {
	return &seen{limit: limit, ids: make(map[string]bool)}
}

func (s *seen) has(id string) bool { return s.ids[id] }

func (s *seen) add(id string) {
	if s.ids[id] {
		return
	}
	s.ids[id] = true
	if len(s.order) < s.limit {
		s.order = append(s.order, id)
		return
	}
	delete(s.ids, s.order[s.next])
	s.order[s.next] = id
	s.next = (s.next + 1) % s.limit
}

func (s *seen) clear() { *s = *newSeen(s.limit) }
