package bot

// recent remembers the latest message ids, so that what a channel offers twice
// is answered once. It belongs to the dispatcher.
type recent struct {
	size int
	ring []string // grows to size
	next int
	ids  map[string]struct{}
}

func newRecent(size int) *recent {
	return &recent{size: size, ids: make(map[string]struct{})}
}

// repeated reports whether id was given before, and remembers it. Messages
// without an id are never repeated.
func (r *recent) repeated(id string) bool {
	if id == "" {
		return false
	}
	if _, ok := r.ids[id]; ok {
		return true
	}
	r.ids[id] = struct{}{}
	if len(r.ring) < r.size {
		r.ring = append(r.ring, id)
		return false
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next] = id
	r.next = (r.next + 1) % r.size
	return false
}
